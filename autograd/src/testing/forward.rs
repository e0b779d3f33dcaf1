//! The values: against plainer means, in f32 against f64, and where buffers are given away.

use lepton_tensor::Tensor;

use super::compare::{Verdict, close, same_bits};
use crate::engine::subject::{Subject, recast};
use crate::engine::var::Var;

/// Rounding that an f64 result may gather.
const DOUBLE: f64 = 1e-9;
/// The same in f32: 256 units in the last place of the largest element.
const SINGLE: f64 = 256.0 * f32::EPSILON as f64;

/// The outputs the case wants, and the same bits when asked again.
pub(super) fn values(s: &Subject) -> Verdict {
    let y = s.run(&s.inputs);
    if let Some(want) = &s.want {
        close("forward against plain means", &y, want, DOUBLE)?;
    }
    same_bits("forward, run twice", &s.run(&s.inputs), &y)
}

/// f32 within its rounding of f64 on the same (rounded) inputs, forward and gradient.
pub(super) fn single(s: &Subject) -> Verdict {
    if s.random {
        return Ok(());
    }
    let narrow = s.single()?;
    let wide: Vec<Tensor> = narrow.inputs.iter().map(|t| recast(t, false)).collect();
    let up = |all: Vec<Tensor>| all.iter().map(|t| recast(t, false)).collect::<Vec<_>>();
    let (y, z) = (narrow.run(&narrow.inputs), s.run(&wide));
    if y.iter()
        .zip(&z)
        .any(|(y, z)| y.dtype().is_float() && y.dtype() != recast(z, true).dtype())
    {
        return Err(format!("f32: an output is {}", y[0].dtype()));
    }
    close("f32 against f64", &up(y), &up(z), SINGLE)?;
    let u = narrow.cotangents(&narrow.inputs);
    let u_wide: Vec<Var> = u.iter().map(|u| recast(u.tensor(), false).into()).collect();
    let (g, h) = (narrow.pull(&narrow.inputs, &u)?, s.pull(&wide, &u_wide)?);
    close("f32 gradient against f64", &up(g), &up(h), SINGLE)
}

/// Inputs and outputs that nobody else holds may be overwritten; values and gradients stay.
pub(super) fn reuse(s: &Subject) -> Verdict {
    let (y, u) = (s.run(&s.inputs), s.cotangents(&s.inputs));
    let g = s.pull(&s.inputs, &u)?;
    let at = s.floats();
    let leaves: Vec<Var> = at.iter().map(|&i| Var::leaf(fresh(&s.inputs[i]))).collect();
    // A product with one is a new buffer whose only handle is given away.
    let mut given: Vec<Var> = s.inputs.iter().map(|t| fresh(t).into()).collect();
    at.iter()
        .zip(&leaves)
        .for_each(|(&i, x)| given[i] = x * 1.0);
    let mut out = s.call(given);
    let seen: Vec<Tensor> = out.iter().map(|y| fresh(y.tensor())).collect();
    same_bits("forward on buffers given away", &seen, &y)?;
    out.retain(|y| y.dtype().is_float());
    // The sum overwrites an output that nothing has kept.
    let moved: Vec<Var> = out.into_iter().map(|y| y + 1.0).collect();
    let found = crate::vjp(&moved, &u, &leaves).map_err(|e| e.to_string())?;
    let found: Vec<Tensor> = found.into_iter().map(Var::into_tensor).collect();
    same_bits("gradient on buffers given away", &found, &g)
}

/// The long form gives what the short one does, on buffers that are shared and on its own.
pub(super) fn long_form(s: &Subject) -> Verdict {
    let (y, attrs) = (s.run(&s.inputs), s.op.attrs());
    let run = |mut x: Vec<Tensor>| (s.long)(&attrs, &mut x).map_err(|e| e.to_string());
    same_bits("forward in its long form", &run(s.inputs.clone())?, &y)?;
    let own = s.inputs.iter().map(fresh).collect();
    same_bits(
        "forward in its long form, on buffers given away",
        &run(own)?,
        &y,
    )
}

/// A contiguous copy that shares nothing.
pub(super) fn fresh(t: &Tensor) -> Tensor {
    lepton_tensor::match_dtype!(t.dtype(), T => {
        Tensor::from_vec(t.to_vec::<T>().expect("its own dtype"), t.shape()).expect("as many")
    })
}
