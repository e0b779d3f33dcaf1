//! Functions of functions: gradients, Jacobians, Hessians.

use std::slice::from_ref;

use lepton_tensor::{Error, Result};

use crate::engine::apply::OrPanic;
use crate::engine::backward::vjp;
use crate::engine::lift::{jvp, vmap};
use crate::engine::var::Var;

/// The gradient of a one-element `f` at `x`, differentiable itself.
///
/// ```
/// use lepton_autograd::{Var, grad};
/// let g = grad(|x| x.square().sum(&[]), &Var::new(&[1.0f64, -3.0], &[2])).unwrap();
/// assert_eq!(g.to_vec::<f64>().unwrap(), [2.0, -6.0]);
/// ```
///
/// # Errors
/// When `f` gives more than one element.
pub fn grad(f: impl FnOnce(&Var) -> Var, x: &Var) -> Result<Var> {
    x.dtype().want_float("grad")?;
    let leaf = as_leaf(x);
    let y = f(&leaf);
    one_element("grad", &y)?;
    let mut g = vjp(from_ref(&y), &[y.ones_like()], &[leaf])?;
    Ok(g.swap_remove(0))
}

/// `x` when gradients can be asked of it, else a leaf of its value.
fn as_leaf(x: &Var) -> Var {
    if x.is_constant() {
        Var::leaf(x.tensor().clone())
    } else {
        x.clone()
    }
}

fn one_element(what: &str, y: &Var) -> Result<()> {
    if y.numel() == 1 {
        return Ok(());
    }
    Err(Error::shape(format!(
        "{what}: the function gives shape {:?}, must give one element",
        y.shape()
    )))
}

/// All derivatives of `f` at `x`: shape `[outputs.., inputs..]`, by one batched forward pass.
///
/// ```
/// use lepton_autograd::{Var, jacobian};
/// let j = jacobian(|x| x.square(), &Var::new(&[1.0f64, 2.0], &[2])).unwrap();
/// assert_eq!(j.to_vec::<f64>().unwrap(), [2.0, 0.0, 0.0, 4.0]);
/// ```
///
/// # Errors
/// When an op has no rule for an empty batch and `x` is empty.
pub fn jacobian(f: impl Fn(&Var) -> Var, x: &Var) -> Result<Var> {
    x.dtype().want_float("jacobian")?;
    let n = x.numel();
    let basis = Var::eye(n, x.dtype(), x.device()).reshape(&[&[n], x.shape()].concat());
    let along = |t: &[Var]| jvp(|x| vec![f(&x[0])], from_ref(x), t).or_panic().1;
    let columns = vmap(along, &[basis])?.swap_remove(0);
    let out = columns.shape()[1..].to_vec();
    let m = out.iter().product();
    Ok(columns
        .reshape(&[n, m])
        .t()
        .reshape(&[&out, x.shape()].concat()))
}

/// The product of the Hessian of a one-element `f` at `x` with `v`: reverse over forward mode.
///
/// # Errors
/// When `v` has another shape than `x`, or `f` gives more than one element.
pub fn hvp(f: impl FnOnce(&Var) -> Var, x: &Var, v: &Var) -> Result<Var> {
    x.dtype().want_float("hvp")?;
    let leaf = as_leaf(x);
    let along = jvp(|x| vec![f(&x[0])], from_ref(&leaf), from_ref(v));
    let (y, t) = along.map_err(|e| e.told_by("hvp"))?;
    one_element("hvp", &y[0])?;
    let mut h = vjp(&t, &[t[0].ones_like()], &[leaf])?;
    Ok(h.swap_remove(0))
}

/// The Hessian of a one-element `f` at `x`: shape `[inputs.., inputs..]`.
///
/// Each row is a gradient of the derivative along one axis; the rows are one batch.
///
/// ```
/// use lepton_autograd::{Var, hessian};
/// let h = hessian(|x| (x * x * x).sum(&[]), &Var::new(&[1.0f64, 2.0], &[2])).unwrap();
/// assert_eq!(h.to_vec::<f64>().unwrap(), [6.0, 0.0, 0.0, 12.0]);
/// ```
///
/// # Errors
/// When `f` gives more than one element.
pub fn hessian(f: impl Fn(&Var) -> Var, x: &Var) -> Result<Var> {
    x.dtype().want_float("hessian")?;
    let n = x.numel();
    let shape = [&[n], x.shape()].concat();
    let points = as_leaf(&x.repeat_outer(n).detach());
    let basis = Var::eye(n, x.dtype(), x.device()).reshape(&shape);
    let slope = |v: &[Var]| jvp(|x| vec![f(&x[0])], &v[..1], &v[1..]).or_panic().1;
    let slopes = vmap(slope, &[points.clone(), basis])?.swap_remove(0);
    one_element(
        "hessian",
        &slopes
            .reshape(&[n.max(1), slopes.numel() / n.max(1)])
            .slice(0, 0, 1, 1),
    )?;
    let mut h = vjp(from_ref(&slopes), &[slopes.ones_like()], &[points])?;
    Ok(h.swap_remove(0).reshape(&[x.shape(), x.shape()].concat()))
}
