//! Programs: traced modules as data, that run, are saved, read, printed and rewritten.
//!
//! A module is traced twice on the device `Meta`, with batches of two and of three rows. Sizes that
//! differ between the two name the batch; everything else is fixed. So a program made from no data
//! runs on any number of rows.

mod batch;
mod form;
mod json;

use std::collections::BTreeMap;
use std::fmt;

use lepton_autograd::{
    DType, Device, Entry, Error, Ins, ParamId, Result, Tensor, Var, make_op, trace,
};

use crate::module::Module;
use crate::scope;

pub use form::{Instruction, Program, Size};

impl Program {
    /// Traces `module` in eval mode on inputs of `dtype` and `shape`, whose axis 0 is the batch.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// use lepton_nn::{Linear, Module, Program, Rng};
    /// let layer = Linear::new(3, 2, &mut Rng::new(0));
    /// let program = Program::trace(&layer, &[1, 3], DType::F32)?;
    /// let x = Var::ones(&[5, 3], DType::F32, Device::Cpu);
    /// let (a, b) = (program.run(&[x.clone()])?.remove(0), layer.forward(&x));
    /// assert_eq!(a.to_vec::<f32>()?, b.to_vec::<f32>()?);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the module does something else for another number of rows.
    pub fn trace(
        module: &(impl Module + ?Sized),
        shape: &[usize],
        dtype: DType,
    ) -> Result<Program> {
        if shape.is_empty() {
            return Err(Error::shape("program: an input needs axis 0 for the batch"));
        }
        let at = |rows: usize| {
            let x = Var::zeros(&[&[rows], &shape[1..]].concat(), dtype, Device::Meta);
            trace(|x| vec![scope::eval(|| module.forward(&x[0]))], &[x])
        };
        let params: BTreeMap<ParamId, (String, Tensor)> = module
            .params()
            .into_iter()
            .map(|(path, p)| (p.id(), (path, p.tensor().clone())))
            .collect();
        batch::unify(&at(2), &at(3), &params)
    }

    /// Makes every op, with the ops of crates above in `extra`; call it after a rewrite.
    ///
    /// # Errors
    /// When an op is in no catalogue, an attribute does not fit, or a value is read before it is made.
    pub fn prepare(mut self, extra: &[Entry]) -> Result<Program> {
        self.check()?;
        let own = lepton_autograd::catalogue();
        for (i, step) in self.instructions.iter_mut().enumerate() {
            let op = make_op(&[&own, extra], &step.op, &step.attrs);
            step.made = Some(op.map_err(|e| e.at(format!("program: instruction {i}")))?);
        }
        Ok(self)
    }

    /// Every value is made once, before it is read.
    fn check(&self) -> Result<()> {
        let mut made = std::collections::HashSet::new();
        let given = self
            .inputs
            .iter()
            .map(|i| i.0)
            .chain(self.names.iter().map(|n| n.0));
        for id in given {
            if !made.insert(id) {
                return Err(Error::format(format!("program: value {id} is given twice")));
            }
        }
        for (i, step) in self.instructions.iter().enumerate() {
            if let Some(id) = step.inputs.iter().find(|id| !made.contains(id)) {
                return Err(Error::format(format!(
                    "program: instruction {i} ({}) reads value {id}, which nothing before it makes",
                    step.op
                )));
            }
            if let Some(id) = step.outputs.iter().find(|&&id| !made.insert(id)) {
                return Err(Error::format(format!(
                    "program: instruction {i} ({}) makes value {id} a second time",
                    step.op
                )));
            }
        }
        if let Some((_, path)) = self
            .names
            .iter()
            .find(|(_, path)| !self.tensors.contains_key(path))
        {
            return Err(Error::format(format!(
                "program: the tensor '{path}' is missing"
            )));
        }
        match self.outputs.iter().find(|id| !made.contains(id)) {
            Some(id) => Err(Error::format(format!(
                "program: the output {id} is never made"
            ))),
            None => Ok(()),
        }
    }

    /// Runs the program on `inputs`; all carry the same number of rows on axis 0.
    ///
    /// # Errors
    /// When an input has another shape or dtype than was traced, or an op refuses its inputs.
    pub fn run(&self, inputs: &[Var]) -> Result<Vec<Var>> {
        let rows = self.rows(inputs)?;
        let mut values: Vec<Option<Var>> = vec![None; self.next_value()];
        for ((id, ..), x) in self.inputs.iter().zip(inputs) {
            values[*id] = Some(x.clone());
        }
        for (id, path) in &self.names {
            values[*id] = Some(Var::from(self.tensors[path].clone()));
        }
        for step in &self.instructions {
            let x: Ins<Var> = step
                .inputs
                .iter()
                .map(|&id| values[id].clone().expect("checked by prepare"))
                .collect();
            let y = self.apply(step, rows, x)?;
            step.outputs
                .iter()
                .zip(y)
                .for_each(|(&id, v)| values[id] = Some(v));
        }
        Ok(self
            .outputs
            .iter()
            .map(|&id| values[id].clone().expect("checked by prepare"))
            .collect())
    }

    fn apply(
        &self,
        step: &Instruction,
        rows: usize,
        x: Ins<Var>,
    ) -> Result<lepton_autograd::Outs<Var>> {
        let made = step
            .made
            .as_deref()
            .ok_or_else(|| Error::value("program: call prepare after a rewrite"))?;
        if step.batch.is_empty() {
            return lepton_autograd::apply_dyn(made, x);
        }
        let attrs = batch::fill(&step.attrs, &step.batch, rows);
        lepton_autograd::apply_dyn(made.with_attrs(&attrs)?.as_ref(), x)
    }

    /// The shape of every value for `rows` rows, by running on the device `Meta`.
    ///
    /// # Errors
    /// When an op refuses its inputs.
    pub fn shapes(&self, rows: usize) -> Result<Vec<Vec<usize>>> {
        let meta = |t: &Tensor| Var::from(Tensor::meta_like(t.meta()));
        let mut all = Program {
            outputs: Vec::new(),
            ..self.clone()
        };
        all.tensors
            .values_mut()
            .for_each(|t| *t = meta(t).into_tensor());
        all.outputs = (0..self.next_value())
            .filter(|id| self.makes(*id))
            .collect();
        let inputs: Vec<Var> = self
            .inputs
            .iter()
            .map(|(_, dtype, sizes)| {
                Var::zeros(
                    &sizes.iter().map(|s| s.at(rows)).collect::<Vec<_>>(),
                    *dtype,
                    Device::Meta,
                )
            })
            .collect();
        let mut out = vec![Vec::new(); self.next_value()];
        let values = all.run(&inputs)?;
        all.outputs
            .iter()
            .zip(values)
            .for_each(|(&id, v)| out[id] = v.shape().to_vec());
        Ok(out)
    }

    fn makes(&self, id: usize) -> bool {
        self.inputs.iter().any(|i| i.0 == id)
            || self.names.iter().any(|n| n.0 == id)
            || self.instructions.iter().any(|s| s.outputs.contains(&id))
    }

    /// The number of rows that the inputs carry, after checking them.
    fn rows(&self, inputs: &[Var]) -> Result<usize> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::value(format!(
                "program: wants {} inputs, got {}",
                self.inputs.len(),
                inputs.len()
            )));
        }
        let rows = inputs
            .first()
            .and_then(|x| x.shape().first())
            .copied()
            .unwrap_or(0);
        for (i, ((_, dtype, sizes), x)) in self.inputs.iter().zip(inputs).enumerate() {
            let want: Vec<usize> = sizes.iter().map(|s| s.at(rows)).collect();
            if x.shape() != want || x.dtype() != *dtype {
                let shape: Vec<String> = sizes.iter().map(Size::to_string).collect();
                return Err(Error::shape(format!(
                    "program: input {i} is {} {:?}, must be {dtype} [{}]",
                    x.dtype(),
                    x.shape(),
                    shape.join(", ")
                )));
            }
        }
        Ok(rows)
    }

    /// The program as JSON, without the tensors' elements.
    pub fn to_json(&self) -> serde_json::Value {
        json::write(self)
    }

    /// The program of `value` with its tensors, every op made; `extra` has the ops of crates above.
    ///
    /// # Errors
    /// When the JSON is not a program, or does not fit the tensors.
    pub fn from_json(
        value: &serde_json::Value,
        tensors: BTreeMap<String, Tensor>,
        extra: &[Entry],
    ) -> Result<Program> {
        json::read(value, tensors)?.prepare(extra)
    }
}

impl fmt::Display for Program {
    /// One line an op: `v3 = linear(v0, 0.weight, 0.bias) relu=true`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |id: &usize| {
            self.name(*id)
                .map_or_else(|| format!("v{id}"), str::to_owned)
        };
        for (id, dtype, sizes) in &self.inputs {
            let shape: Vec<String> = sizes.iter().map(Size::to_string).collect();
            writeln!(f, "v{id}: {dtype} [{}]", shape.join(", "))?;
        }
        for s in &self.instructions {
            let list = |ids: &[usize]| ids.iter().map(name).collect::<Vec<_>>().join(", ");
            let attrs: Vec<String> = s
                .attrs
                .iter()
                .map(|(n, a)| format!(" {n}={}", json::show(n, a, &s.batch)))
                .collect();
            writeln!(
                f,
                "{} = {}({}){}",
                list(&s.outputs),
                s.op,
                list(&s.inputs),
                attrs.concat()
            )?;
        }
        let outputs: Vec<String> = self.outputs.iter().map(name).collect();
        writeln!(f, "return {}", outputs.join(", "))
    }
}
