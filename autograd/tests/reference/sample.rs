//! One sample of the index: forward, gradients, second order and forward mode.

use std::collections::BTreeMap;

use lepton_autograd::{Tensor, Var, jvp, vjp};
use serde_json::{Map, Value};

use crate::call::{Arg, Call, Inputs, Out};
use crate::compare::{self, Tolerance, WIDE};
use crate::files::{Area, Tensors, find};
use crate::ops;
use crate::report::{Report, Stop, lacks, wrong};
use crate::views;

/// Runs every sample of every entry.
pub(crate) fn run(area: &Area, report: &mut Report) {
    let Some(entries) = area.index.get("entries").and_then(Value::as_object) else {
        return;
    };
    for (name, entry) in entries {
        let samples = entry.get("samples").and_then(Value::as_array);
        for (i, sample) in samples.into_iter().flatten().enumerate() {
            let number = sample.get("sample").and_then(Value::as_u64);
            let label = format!("{name} {}", number.unwrap_or(i as u64));
            report.case(&label, || one(area, name, entry, sample));
        }
    }
}

fn one(area: &Area, name: &str, entry: &Value, sample: &Value) -> Result<(), Stop> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let Some(sample) = sample.as_object() else {
        return lacks("a sample that is no object");
    };
    let tensors = area.tensors(text("file"))?;
    let group = text("group");
    if group == "view_chain" {
        return views::chain(sample, &tensors);
    }
    let op = function(name, group);
    Sample::parse(op, group, sample)?.check(&tensors)
}

/// Namespaces that name nothing by themselves: the function behind has one meaning.
const SILENT: [&str; 3] = ["nn.functional.", "special.", "torch.ops.aten."];
/// Namespaces in which a name means something else than outside.
const LOUD: [&str; 3] = ["linalg.", "masked.", "fft."];

/// The function that an entry tests: without prefix of its group, namespace and variant.
pub(crate) fn function<'a>(name: &'a str, group: &str) -> &'a str {
    let prefix = match group {
        "special_values" => "special_",
        "precision" => "prec_",
        _ => "",
    };
    let name = name.strip_prefix(prefix).unwrap_or(name);
    let name = SILENT
        .iter()
        .find_map(|s| name.strip_prefix(s))
        .unwrap_or(name);
    let head = LOUD
        .iter()
        .find(|s| name.starts_with(**s))
        .map_or(0, |s| s.len());
    let end = name[head..].find('.').map_or(name.len(), |i| head + i);
    &name[..end]
}

/// Keys of tensors by the key of what they belong to.
type Keys = BTreeMap<String, String>;

struct Sample<'a> {
    op: &'a str,
    group: &'a str,
    args: Vec<Arg>,
    kwargs: BTreeMap<String, Arg>,
    out: Vec<String>,
    /// Outputs of which only the absolute value counts.
    unsigned: Vec<usize>,
    ct: Keys,
    grad: Keys,
    v: Keys,
    grad2: Keys,
    jvp: Keys,
    worst: Option<f64>,
}

const KNOWN: [&str; 15] = [
    "sample",
    "args",
    "kwargs",
    "out",
    "ct",
    "grad",
    "v",
    "grad2",
    "jvp",
    "smooth",
    "dtype",
    "abs_before_compare_and_grad",
    "torch_max_abs_err",
    "torch_max_rel_err",
    "note",
];

impl<'a> Sample<'a> {
    fn parse(op: &'a str, group: &'a str, s: &Map<String, Value>) -> Result<Sample<'a>, Stop> {
        if let Some(k) = s.keys().find(|k| !KNOWN.contains(&k.as_str())) {
            return lacks(format!("a sample with '{k}'"));
        }
        let list = |k: &str| s.get(k).and_then(Value::as_array).into_iter().flatten();
        let keys = |k: &str| -> Keys {
            let all = s.get(k).and_then(Value::as_object).into_iter().flatten();
            all.filter_map(|(a, b)| Some((a.clone(), b.as_str()?.to_owned())))
                .collect()
        };
        let kwargs = s.get("kwargs").and_then(Value::as_object);
        Ok(Sample {
            op,
            group,
            args: list("args").map(Arg::parse).collect::<Result<_, _>>()?,
            kwargs: kwargs
                .into_iter()
                .flatten()
                .map(|(k, v)| Ok((k.clone(), Arg::parse(v)?)))
                .collect::<Result<_, Stop>>()?,
            out: list("out")
                .filter_map(|v| Some(v.as_str()?.to_owned()))
                .collect(),
            unsigned: list("abs_before_compare_and_grad")
                .filter_map(|v| Some(v.as_u64()? as usize))
                .collect(),
            ct: keys("ct"),
            grad: keys("grad"),
            v: keys("v"),
            grad2: keys("grad2"),
            jvp: keys("jvp"),
            worst: s.get("torch_max_abs_err").and_then(Value::as_f64),
        })
    }

    fn check(&self, tensors: &Tensors) -> Result<(), Stop> {
        let inputs = self.inputs(tensors)?;
        let y = self.evaluate(&inputs)?;
        if y.len() != self.out.len() {
            return wrong(format!("{} outputs, want {}", y.len(), self.out.len()));
        }
        for (i, (y, key)) in y.iter().zip(&self.out).enumerate() {
            self.forward(i, y, &find(tensors, key)?, &inputs)?;
        }
        if !self.grad.is_empty() {
            self.reverse(&y, &inputs, tensors)?;
        }
        if !self.jvp.is_empty() {
            self.along(&inputs, tensors)?;
        }
        Ok(())
    }

    /// Tensors by key: leaves where a gradient is stored, constants elsewhere.
    fn inputs(&self, tensors: &Tensors) -> Result<Inputs, Stop> {
        let mut keys = Vec::new();
        self.args
            .iter()
            .chain(self.kwargs.values())
            .for_each(|a| a.keys(&mut keys));
        keys.into_iter()
            .map(|k| {
                let t = find(tensors, k)?;
                let leaf = self.grad.contains_key(k);
                let v = if leaf { Var::leaf(t) } else { Var::from(t) };
                Ok((k.to_owned(), v))
            })
            .collect()
    }

    fn evaluate(&self, inputs: &Inputs) -> Out {
        let call = Call::new(self.op, &self.args, &self.kwargs, inputs);
        let mut y = ops::evaluate(&call)?;
        call.finish()?;
        for &i in &self.unsigned {
            if let Some(y) = y.get_mut(i) {
                *y = y.abs();
            }
        }
        Ok(y)
    }

    fn tolerance(&self, t: &Tensor) -> Tolerance {
        compare::of(self.group, self.op, t.dtype())
    }

    fn forward(&self, i: usize, y: &Var, want: &Tensor, inputs: &Inputs) -> Result<(), Stop> {
        let what = format!("output {i}");
        match self.worst {
            Some(worst) => {
                let dtype = inputs.values().next().map_or(want.dtype(), Var::dtype);
                compare::precise(&what, y.tensor(), want, dtype, worst)
            }
            None => compare::close(&what, y.tensor(), want, self.tolerance(want)),
        }
    }

    fn reverse(&self, y: &[Var], inputs: &Inputs, tensors: &Tensors) -> Result<(), Stop> {
        let (mut outputs, mut cotangents) = (Vec::new(), Vec::new());
        for (y, key) in y.iter().zip(&self.out) {
            if let Some(ct) = self.ct.get(key) {
                outputs.push(y.clone());
                cotangents.push(Var::from(find(tensors, ct)?));
            }
        }
        let leaves = self.leaves(inputs)?;
        let g = vjp(&outputs, &cotangents, &leaves)?;
        for (g, (input, key)) in g.iter().zip(&self.grad) {
            let want = find(tensors, key)?;
            let what = format!("gradient of {input}");
            compare::close(&what, g.tensor(), &want, self.tolerance(&want))?;
        }
        if self.grad2.is_empty() {
            return Ok(());
        }
        let v = self.directions(tensors)?;
        let second = vjp(&g, &v, &leaves)?;
        for (input, key) in &self.grad2 {
            let Some(i) = self.grad.keys().position(|k| k == input) else {
                return lacks(format!("grad2 of {input}, which has no gradient"));
            };
            let what = format!("second gradient of {input}");
            compare::close(&what, second[i].tensor(), &find(tensors, key)?, WIDE)?;
        }
        Ok(())
    }

    /// The differentiated inputs, in the order of `grad`.
    fn leaves(&self, inputs: &Inputs) -> Result<Vec<Var>, Stop> {
        let of = |k: &String| match inputs.get(k) {
            Some(v) => Ok(v.clone()),
            None => wrong(format!("no input '{k}'")),
        };
        self.grad.keys().map(of).collect()
    }

    /// A direction for each differentiated input.
    fn directions(&self, tensors: &Tensors) -> Result<Vec<Var>, Stop> {
        let of = |k: &String| match self.v.get(k) {
            Some(v) => Ok(Var::from(find(tensors, v)?)),
            None => lacks(format!("no direction for {k}")),
        };
        self.grad.keys().map(of).collect()
    }

    fn along(&self, inputs: &Inputs, tensors: &Tensors) -> Result<(), Stop> {
        let detached = inputs
            .iter()
            .map(|(k, v)| (k.clone(), Var::from(v.tensor().clone())))
            .collect::<Inputs>();
        let x = self.leaves(&detached)?;
        let mut stop = None;
        let f = |x: &[Var]| {
            let mut all = detached.clone();
            all.extend(self.grad.keys().cloned().zip(x.iter().cloned()));
            self.evaluate(&all).unwrap_or_else(|s| {
                stop = Some(s);
                Vec::new()
            })
        };
        let (_, t) = jvp(f, &x, &self.directions(tensors)?)?;
        if let Some(stop) = stop {
            return Err(stop);
        }
        for (t, out) in t.iter().zip(&self.out) {
            if let Some(key) = self.jvp.get(out) {
                let want = find(tensors, key)?;
                let what = format!("jvp of {out}");
                compare::close(&what, t.tensor(), &want, self.tolerance(&want))?;
            }
        }
        Ok(())
    }
}
