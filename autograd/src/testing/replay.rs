//! Programs: attributes through a file, a trace on data and on shapes, replayed to the same bits.

use lepton_tensor::Tensor;

use super::compare::{Verdict, same_bits, tensors};
use crate::engine::subject::{Subject, call};
use crate::engine::var::Var;
use crate::transform::trace::{Trace, trace};

fn constants(x: &[Tensor]) -> Vec<Var> {
    x.iter().cloned().map(Var::from).collect()
}

/// The op made anew from its attributes is the same op.
pub(super) fn attributes(s: &Subject) -> Verdict {
    let attrs = s.op.attrs();
    let again = (s.make)(&attrs).map_err(|e| format!("from_attrs refuses attrs(): {e}"))?;
    if again.attrs() != attrs {
        return Err(format!(
            "attributes change on the way: {attrs:?} became {:?}",
            again.attrs()
        ));
    }
    let y = tensors(call(again.as_ref(), constants(&s.inputs)));
    same_bits("the op from its attributes", &y, &s.run(&s.inputs))?;
    let (copy, u) = (s.with_op(again), s.cotangents(&s.inputs));
    let (g, h) = (copy.pull(&s.inputs, &u)?, s.pull(&s.inputs, &u)?);
    same_bits("gradient of the op from its attributes", &g, &h)
}

/// A trace on data, and one on shapes alone, replay to the same bits on these inputs and on others;
/// so does a trace of the gradient.
pub(super) fn traces(s: &Subject) -> Verdict {
    let on_data = trace(|x| s.call(x.to_vec()), &constants(&s.inputs));
    let metas: Vec<Var> = s
        .inputs
        .iter()
        .map(|t| Tensor::meta_like(t.meta()).into())
        .collect();
    let on_shapes = trace(|x| s.call(x.to_vec()), &metas);
    for x in s.examples() {
        let want = s.run(x);
        same_bits("replay", &run(&on_data, x)?, &want)?;
        same_bits("replay of a trace on shapes", &run(&on_shapes, x)?, &want)?;
    }
    if on_data.metas != on_shapes.metas {
        return Err("a trace on shapes has other shapes than one on data".to_owned());
    }
    gradient(s)
}

fn gradient(s: &Subject) -> Verdict {
    let (at, u) = (s.floats(), s.cotangents(&s.inputs));
    let back = |x: &[Var]| {
        let mut all = x.to_vec();
        let leaves: Vec<Var> = at
            .iter()
            .map(|&i| Var::leaf(x[i].tensor().clone()))
            .collect();
        at.iter()
            .zip(&leaves)
            .for_each(|(&i, l)| all[i] = l.clone());
        let mut y = s.call(all);
        y.retain(|y| y.dtype().is_float());
        crate::vjp(&y, &u, &leaves).unwrap_or_else(|e| panic!("{e}"))
    };
    let t = trace(back, &constants(&s.inputs));
    for x in s.examples() {
        same_bits("replay of the gradient", &run(&t, x)?, &s.pull(x, &u)?)?;
    }
    Ok(())
}

fn run(t: &Trace, x: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let y = t.run(&constants(x), |_| None).map_err(|e| e.to_string())?;
    Ok(tensors(y))
}
