//! Reverse mode: against numeric differences to second order, and its own algebra.

use lepton_tensor::Tensor;

use super::compare::{Verdict, close, tensors};
use crate::engine::case::Gradient;
use crate::engine::subject::Subject;
use crate::engine::var::Var;
use crate::inspect::gradcheck::{GradcheckOptions, gradcheck};

/// Exact gradients against the slopes of values, and second ones against the slopes of gradients.
pub(super) fn exact(s: &Subject) -> Verdict {
    let at = s.of_kind(Gradient::Exact);
    if at.is_empty() {
        return Ok(());
    }
    let x: Vec<Var> = at.iter().map(|&i| s.inputs[i].clone().into()).collect();
    numeric(s.function(&s.inputs, &at), &x, 2)
}

/// Steps of numeric differences. Where one crosses a kink, such as that of a maximum of two numbers a millionth
/// apart, a shorter one does not; a wrong derivative agrees with none.
pub(super) const STEPS: [f64; 3] = [1e-6, 1e-7, 1e-8];

fn numeric(f: impl Fn(&[Var]) -> Vec<Var>, x: &[Var], order: usize) -> Verdict {
    let check = |eps: f64| {
        let options = GradcheckOptions {
            order,
            eps,
            ..GradcheckOptions::default()
        };
        gradcheck(&f, x, options).map_err(|e| e.to_string())
    };
    STEPS[1..].iter().fold(check(STEPS[0]), |first, &eps| {
        first.or_else(|e| check(eps).map_err(|_| e))
    })
}

/// A surrogate gradient differs from the slope on purpose; as a function it has slopes of its own.
pub(super) fn surrogate(s: &Subject) -> Verdict {
    let at = s.of_kind(Gradient::Surrogate);
    if at.is_empty() {
        return Ok(());
    }
    let (n, f) = (at.len(), s.function(&s.inputs, &at));
    let x: Vec<Var> = at.iter().map(|&i| s.inputs[i].clone().into()).collect();
    let gradient = |z: &[Var]| {
        let leaf = |x: &Var| {
            if x.is_constant() {
                Var::leaf(x.tensor().clone())
            } else {
                x.clone()
            }
        };
        let x: Vec<Var> = z[..n].iter().map(leaf).collect();
        crate::vjp(&f(&x), &z[n..], &x).unwrap_or_else(|e| panic!("{e}"))
    };
    let all = [x, s.cotangents(&s.inputs)].concat();
    numeric(gradient, &all, 1).map_err(|e| format!("of the surrogate gradient: {e}"))
}

/// The gradient of one input alone is its part of all; the cotangent of one output alone adds its
/// part; the whole is linear in the cotangents.
pub(super) fn parts(s: &Subject) -> Verdict {
    let (u, at) = (s.cotangents(&s.inputs), s.floats());
    let whole = s.pull(&s.inputs, &u)?;
    for (k, &i) in at.iter().enumerate() {
        let leaf = [Var::leaf(s.inputs[i].clone())];
        let y = s.function(&s.inputs, &[i])(&leaf);
        let g = crate::vjp(&y, &u, &leaf).map_err(|e| e.to_string())?;
        let what = format!("gradient of input {i} alone");
        close(&what, &tensors(g), &whole[k..=k], 1e-12)?;
    }
    let twice: Vec<Var> = u.iter().map(|u| u * -2.0).collect();
    let scaled = |g: &Vec<Tensor>| {
        let one = |g: &Tensor| (Var::from(g.clone()) * -2.0).into_tensor();
        g.iter().map(one).collect::<Vec<_>>()
    };
    close(
        "gradient for doubled cotangents",
        &s.pull(&s.inputs, &twice)?,
        &scaled(&whole),
        1e-12,
    )?;
    by_output(s, &u, &whole)
}

fn by_output(s: &Subject, u: &[Var], whole: &[Tensor]) -> Verdict {
    let at = s.floats();
    let leaves: Vec<Var> = at.iter().map(|&i| Var::leaf(s.inputs[i].clone())).collect();
    let y = s.function(&s.inputs, &at)(&leaves);
    let mut sum: Option<Vec<Var>> = None;
    for (y, u) in y.into_iter().zip(u) {
        let g = crate::vjp(&[y], std::slice::from_ref(u), &leaves).map_err(|e| e.to_string())?;
        sum = Some(match sum {
            Some(old) => old.iter().zip(g).map(|(a, b)| a + b).collect(),
            None => g,
        });
    }
    sum.map_or(Ok(()), |sum| {
        close(
            "gradients of one output at a time, added",
            &tensors(sum),
            whole,
            1e-10,
        )
    })
}
