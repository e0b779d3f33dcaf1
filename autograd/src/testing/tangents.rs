//! Forward mode: against reverse mode, by parts, and to second order.

use lepton_tensor::Tensor;

use super::compare::{Verdict, close, close_numbers, dot, tensors};
use super::gradients::STEPS;
use crate::engine::case::Gradient;
use crate::engine::lift::jvp;
use crate::engine::subject::Subject;
use crate::engine::var::Var;

/// Two analytic answers for one number.
const ANALYTIC: f64 = 1e-10;

fn vars(x: &[Tensor], at: &[usize]) -> Vec<Var> {
    at.iter().map(|&i| x[i].clone().into()).collect()
}

fn along(f: impl Fn(&[Var]) -> Vec<Var>, x: &[Var], v: &[Var]) -> (Vec<Var>, Vec<Var>) {
    jvp(f, x, v).unwrap_or_else(|e| panic!("{e}"))
}

/// `<u, J v> = <J^T u, v>`, and the tangents of all inputs are the sum over one at a time.
pub(super) fn against_vjp(s: &Subject) -> Verdict {
    let (at, u, v) = (s.floats(), s.cotangents(&s.inputs), s.tangents(1));
    if at.is_empty() {
        return Ok(());
    }
    let x = vars(&s.inputs, &at);
    let (y, t) = along(s.function(&s.inputs, &at), &x, &v);
    let run: Vec<Tensor> = s.run(&s.inputs);
    let run: Vec<Tensor> = run.into_iter().filter(|y| y.dtype().is_float()).collect();
    close("values beside the tangents", &tensors(y), &run, 1e-12)?;
    let g: Vec<Var> = s.pull(&s.inputs, &u)?.into_iter().map(Var::from).collect();
    close_numbers(
        "<u, jvp(v)> against <vjp(u), v>",
        dot(&u, &t),
        dot(&g, &v),
        ANALYTIC,
    )?;
    let mut sum = vec![0.0; t.len()];
    for (k, &i) in at.iter().enumerate() {
        let (_, one) = along(s.function(&s.inputs, &[i]), &x[k..=k], &v[k..=k]);
        for (sum, (t, u)) in sum.iter_mut().zip(one.iter().zip(&u)) {
            *sum += dot(std::slice::from_ref(u), std::slice::from_ref(t));
        }
    }
    for (sum, (t, u)) in sum.into_iter().zip(t.iter().zip(&u)) {
        let all = dot(std::slice::from_ref(u), std::slice::from_ref(t));
        close_numbers("tangents of one input at a time, added", sum, all, ANALYTIC)?;
    }
    Ok(())
}

/// The derivative of `<u, J v>` along `w`: forward over forward and reverse over forward against
/// numeric differences and reverse over reverse.
pub(super) fn second(s: &Subject) -> Verdict {
    let at = s.of_kind(Gradient::Exact);
    if at.is_empty() || at != s.floats() {
        return Ok(());
    }
    let (u, v, w) = (s.cotangents(&s.inputs), s.tangents(1), s.tangents(2));
    let f = s.function(&s.inputs, &at);
    let slope = |x: &[Var]| along(&f, x, &v).1;
    let x = vars(&s.inputs, &at);
    let (_, forward) = along(slope, &x, &w);
    let forward = dot(&u, &forward);
    let moved = |by: f64| {
        let step = |(x, w): (&Var, &Var)| x + w * by;
        dot(&u, &slope(&x.iter().zip(&w).map(step).collect::<Vec<_>>()))
    };
    let numeric = |eps: f64| (moved(eps) - moved(-eps)) / (2.0 * eps);
    let agrees = |numeric: f64| (forward - numeric).abs() <= 1e-5 + 1e-3 * numeric.abs();
    if !STEPS.iter().any(|&eps| agrees(numeric(eps))) {
        let numeric = numeric(STEPS[0]);
        return Err(format!("jvp of jvp: {forward:e}, numeric {numeric:e}"));
    }
    let leaves: Vec<Var> = x.iter().map(|x| Var::leaf(x.tensor().clone())).collect();
    let pull = |y: &[Var], u: &[Var]| crate::vjp(y, u, &leaves).map_err(|e| e.to_string());
    let reverse = pull(&slope(&leaves), &u)?;
    close_numbers(
        "vjp of jvp against jvp of jvp",
        dot(&reverse, &w),
        forward,
        ANALYTIC,
    )?;
    let twice = pull(&pull(&f(&leaves), &u)?, &v)?;
    close(
        "vjp of jvp against vjp of vjp",
        &tensors(reverse),
        &tensors(twice),
        ANALYTIC,
    )
}
