//! Chains of views on tensors: values, shapes, contiguity and strides after each step.

use lepton_autograd::Tensor;
use serde_json::{Map, Value};

use crate::compare;
use crate::files::{Tensors, find};
use crate::report::{Stop, lacks, wrong};

/// Runs one chain on the case's input.
pub(crate) fn chain(sample: &Map<String, Value>, tensors: &Tensors) -> Result<(), Stop> {
    let key = |field: &str, tag: Option<&str>| {
        let first = sample.get(field)?.as_array()?.first()?;
        tag.map_or(Some(first), |t| first.get(t))?.as_str()
    };
    let (Some(input), Some(out)) = (key("args", Some("t")), key("out", None)) else {
        return lacks("a chain without input and output");
    };
    let mut x = find(tensors, input)?;
    for op in sample
        .get("ops")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        x = step(x, op)?;
    }
    compare::close("the end", &x, &find(tensors, out)?, compare::F64)?;
    let contiguous = sample.get("contiguous").and_then(Value::as_bool);
    if contiguous.is_some_and(|c| c != x.is_contiguous()) {
        return wrong(format!("contiguous is {}", x.is_contiguous()));
    }
    strides(&x, sample.get("out_stride"))
}

/// Strides where they decide something: along axes of more than one element.
fn strides(x: &Tensor, want: Option<&Value>) -> Result<(), Stop> {
    let Some(want) = want.and_then(Value::as_array) else {
        return Ok(());
    };
    let differ = |a: &usize| x.shape()[*a] > 1 && want[*a].as_i64() != Some(x.strides()[*a] as i64);
    if want.len() != x.rank() || (x.numel() > 0 && (0..x.rank()).any(|a| differ(&a))) {
        return wrong(format!("strides are {:?}, want {want:?}", x.strides()));
    }
    Ok(())
}

/// One step `[name, arguments.., shape or "refused"]`.
fn step(x: Tensor, op: &Value) -> Result<Tensor, Stop> {
    let Some([name, args @ .., want]) = op.as_array().map(Vec::as_slice) else {
        return lacks(format!("the step {op}"));
    };
    let Some(name) = name.as_str() else {
        return lacks(format!("the step {op}"));
    };
    let y = view(&x, name, args)?;
    match (y, want.as_str()) {
        (Err(_), Some("refused")) => Ok(x),
        (Ok(y), Some("refused")) => wrong(format!("{op} gives {:?}", y.shape())),
        (Err(e), _) => wrong(format!("{op}: {e}")),
        (Ok(y), _) => {
            let shape: Vec<Value> = y.shape().iter().map(|&d| d.into()).collect();
            if *want == Value::Array(shape) {
                return Ok(y);
            }
            wrong(format!("{op} gives {:?}", y.shape()))
        }
    }
}

/// A copy of `y` whose axes stand in memory in the order in which those of `x` do: chains state the
/// layout after a flip that copies so.
fn as_laid(x: &Tensor, y: &Tensor) -> lepton_autograd::Result<Tensor> {
    // From the innermost axis out; a stride of 0 has no place of its own, and stays where it is.
    let mut inner: Vec<usize> = (0..x.rank()).rev().collect();
    let before = |a: usize, b: usize| {
        let (s, t) = (x.strides()[a], x.strides()[b]);
        s != 0 && t != 0 && (s, x.shape()[a]) < (t, x.shape()[b])
    };
    for i in 1..inner.len() {
        let mut at = i;
        while at > 0 && before(inner[at], inner[at - 1]) {
            inner.swap(at, at - 1);
            at -= 1;
        }
    }
    let outer: Vec<usize> = inner.into_iter().rev().collect();
    let mut back = outer.clone();
    outer.iter().enumerate().for_each(|(i, &a)| back[a] = i);
    y.permute(&outer)?.contiguous().permute(&back)
}

type Viewed = Result<lepton_autograd::Result<Tensor>, Stop>;

fn view(x: &Tensor, name: &str, args: &[Value]) -> Viewed {
    let ints: Option<Vec<isize>> = args
        .iter()
        .flat_map(|v| match v {
            Value::Array(all) => all.iter().collect::<Vec<_>>(),
            v => vec![v],
        })
        .map(|v| v.as_i64().map(|i| i as isize))
        .collect();
    let Some(ints) = ints else {
        return lacks(format!("{name} of {args:?}"));
    };
    let sizes: Vec<usize> = ints.iter().map(|&i| i.max(0) as usize).collect();
    let axis = |i: isize| if i < 0 { i + x.rank() as isize } else { i } as usize;
    let size = |a: usize| x.shape().get(a).copied().unwrap_or(0);
    Ok(match (name, ints.as_slice()) {
        ("flip", &[a]) => x
            .slice(axis(a), size(axis(a)).saturating_sub(1), size(axis(a)), -1)
            .and_then(|y| as_laid(x, &y)),
        ("select", &[a, i]) => {
            let (a, n) = (axis(a), size(axis(a)) as isize);
            let at = if i < 0 { i + n } else { i };
            x.slice(a, at.max(0) as usize, 1, 1)
                .and_then(|y| y.squeeze(a))
        }
        ("slice", &[a, start, end, by]) => {
            let a = axis(a);
            let n = size(a) as isize;
            let clip = |i: isize| if i < 0 { i + n } else { i }.clamp(0, n);
            let (start, end, by) = (clip(start), clip(end), by.max(1));
            let len = (end - start)
                .max(0)
                .unsigned_abs()
                .div_ceil(by.unsigned_abs());
            x.slice(a, start.unsigned_abs(), len, by)
        }
        ("narrow", &[a, start, len]) => {
            x.slice(axis(a), start.max(0) as usize, len.max(0) as usize, 1)
        }
        ("reshape", to) => {
            lepton_autograd::infer_shape("reshape", x.shape(), to).and_then(|s| x.reshape(&s))
        }
        ("view", to) => {
            lepton_autograd::infer_shape("view", x.shape(), to).and_then(|s| x.try_view(&s))
        }
        ("unfold", &[a, size, by]) => x.unfold(axis(a), size.max(0) as usize, by.max(0) as usize),
        ("squeeze", &[a]) => x.squeeze(axis(a)),
        ("unsqueeze", &[a]) => {
            let a = if a < 0 { a + x.rank() as isize + 1 } else { a };
            x.unsqueeze(a as usize)
        }
        ("expand", _) => x.expand(&sizes),
        ("permute", order) => x.permute(&order.iter().map(|&a| axis(a)).collect::<Vec<_>>()),
        ("transpose", &[a, b]) => x.transpose(a, b),
        ("diagonal", &[offset, a, b]) => x.diagonal(offset, axis(a), axis(b)),
        _ => return lacks(format!("the view {name} of {args:?}")),
    })
}
