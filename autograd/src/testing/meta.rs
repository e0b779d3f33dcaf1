//! Shapes alone: the device `Meta` agrees with a real run, forward, backward and along tangents.

use lepton_tensor::{Meta, Tensor};

use super::compare::{Verdict, tensors};
use crate::engine::lift::jvp;
use crate::engine::subject::Subject;
use crate::engine::var::Var;

fn shadow(t: &Tensor) -> Tensor {
    Tensor::meta_like(t.meta())
}

fn agree(what: &str, on_meta: &[Tensor], real: &[Tensor]) -> Verdict {
    if let Some(t) = on_meta.iter().find(|t| !t.is_meta()) {
        return Err(format!(
            "{what}: a result {:?} left the device meta",
            t.shape()
        ));
    }
    if real.iter().any(Tensor::is_meta) {
        return Err(format!("{what}: a real result is on the device meta"));
    }
    let metas = |all: &[Tensor]| all.iter().map(|t| t.meta().clone()).collect::<Vec<Meta>>();
    if metas(on_meta) != metas(real) {
        return Err(format!(
            "{what}: {:?} on meta, {:?} in a real run",
            metas(on_meta),
            metas(real)
        ));
    }
    Ok(())
}

/// Outputs, gradients and tangents.
pub(super) fn shapes(s: &Subject) -> Verdict {
    if s.inputs.is_empty() {
        return Ok(());
    }
    let x: Vec<Tensor> = s.inputs.iter().map(shadow).collect();
    agree("outputs", &s.run(&x), &s.run(&s.inputs))?;
    let (u, at) = (s.cotangents(&s.inputs), s.floats());
    let flat: Vec<Var> = u.iter().map(|u| shadow(u.tensor()).into()).collect();
    let real = s.pull(&s.inputs, &u)?;
    agree("gradients", &s.pull(&x, &flat)?, &real)?;
    let of = |x: &[Tensor]| at.iter().map(|&i| x[i].clone()).collect::<Vec<_>>();
    agree("gradients against their inputs", &of(&x), &real)?;
    if at.is_empty() {
        return Ok(());
    }
    let vars = |x: Vec<Tensor>| x.into_iter().map(Var::from).collect::<Vec<_>>();
    let along = |x: &[Tensor], v: &[Var]| {
        let f = s.function(x, &at);
        let found = jvp(f, &vars(of(x)), v).map_err(|e| e.to_string());
        found.map(|(_, t)| tensors(t))
    };
    let v = s.tangents(1);
    let still: Vec<Var> = v.iter().map(|v| shadow(v.tensor()).into()).collect();
    agree("tangents", &along(&x, &still)?, &along(&s.inputs, &v)?)
}
