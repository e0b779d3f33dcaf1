//! One gradient for each row, of any module and loss, in one backward pass.
//!
//! Each parameter becomes a leaf of shape `[rows, ..]` that repeats it without a copy, and module
//! and loss run on single rows under [`vmap`]. A row then meets only its own copy of the
//! parameters, so one backward pass from the sum of all losses leaves each row's gradient in its
//! own slice. No layer needs a rule of its own, and none can mix rows: it never sees two.

use lepton_autograd::{Param, ParamId, ParamMap, Var, vmap, with_params};
use lepton_nn::Module;
use lepton_tensor::{Error, Result, Tensor, ops};

use crate::clipped_sum::ClippedSum;

/// Gradient elements held at once: rows go in parts that stay below, one row at least.
const ELEMENTS: usize = 1 << 21;

/// The gradient of `loss(module(row), target)` for each row of `x` and `y`: for each parameter that
/// is not frozen, in the module's order, its path and a tensor of its shape with the rows as an
/// axis in front.
///
/// `loss` sees a batch of one row. All gradients are held in memory; [`clipped_sum`] is not so
/// hungry.
///
/// ```
/// use lepton_federated::per_sample_grads;
/// use lepton_nn::{Linear, Rng, mse};
/// use lepton_tensor::Tensor;
/// let line = Linear::new(1, 1, &mut Rng::new(0));
/// let x = Tensor::from_vec(vec![1.0f32, -2.0], &[2, 1])?;
/// let grads = per_sample_grads(&line, mse, &x, &x)?;
/// assert_eq!((grads[0].0.as_str(), grads[0].1.shape()), ("weight", [2, 1, 1].as_slice()));
/// // d/dw (w x + b - x)^2 is x times the derivative to b.
/// let (w, b) = (grads[0].1.to_f64(), grads[1].1.to_f64());
/// assert!((w[0] - b[0]).abs() < 1e-6 && (w[1] + 2.0 * b[1]).abs() < 1e-5);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If `x` and `y` differ in rows, the loss of a row is not one element, or an op refuses its input.
///
/// # Panics
/// Where the module or the loss does.
pub fn per_sample_grads(
    module: &dyn Module,
    loss: impl Fn(&Var, &Var) -> Var,
    x: &Tensor,
    y: &Tensor,
) -> Result<Vec<(String, Tensor)>> {
    let leaves = trained(module);
    let mut parts: Vec<Vec<Tensor>> = vec![Vec::new(); leaves.len()];
    in_parts(module, &loss, x, y, |grads| {
        parts.iter_mut().zip(grads).for_each(|(p, g)| p.push(g));
        Ok(())
    })?;
    let join = |((path, p), mut parts): ((String, &Param), Vec<Tensor>)| {
        let grad = match parts.len() {
            0 => no_rows(p.tensor())?,
            1 => parts.remove(0),
            _ => ops::cat(&parts, 0),
        };
        Ok((path, grad))
    };
    leaves.into_iter().zip(parts).map(join).collect()
}

/// The sum over rows of each row's gradient, shortened to the norm `clip`: what [`DpSgd`] adds
/// noise to. One tensor for each parameter that is not frozen, in the module's order.
///
/// ```
/// use lepton_federated::clipped_sum;
/// use lepton_nn::{Linear, Rng, mse};
/// use lepton_tensor::Tensor;
/// let line = Linear::new(1, 1, &mut Rng::new(0));
/// let x = Tensor::from_vec(vec![100.0f32], &[1, 1])?;
/// let sum = clipped_sum(&line, mse, &x, &x, 0.5)?.values().concat();
/// assert!((sum[0].hypot(sum[1]) - 0.5).abs() < 1e-9); // one long gradient, as long as allowed
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`per_sample_grads`], and as [`ClippedSum::new`].
///
/// # Panics
/// Where the module or the loss does.
///
/// [`DpSgd`]: crate::DpSgd
pub fn clipped_sum(
    module: &dyn Module,
    loss: impl Fn(&Var, &Var) -> Var,
    x: &Tensor,
    y: &Tensor,
    clip: f64,
) -> Result<ClippedSum> {
    let like: Vec<Tensor> = trained(module)
        .iter()
        .map(|(_, p)| p.tensor().clone())
        .collect();
    let mut sum = ClippedSum::new(&like, clip)?;
    in_parts(module, &loss, x, y, |grads| sum.add(&grads))?;
    Ok(sum)
}

/// The parameters that gradients are taken of, each once.
pub(crate) fn trained(module: &dyn Module) -> Vec<(String, &Param)> {
    let mut all = module.params();
    let mut seen: Vec<ParamId> = Vec::new();
    // A shared parameter counts once in the norm, or clipping would bound another vector.
    all.retain(|(_, p)| {
        let new = !p.frozen() && !seen.contains(&p.id());
        seen.push(p.id());
        new
    });
    all
}

/// Calls `each` with the gradients of some rows after the others, in order.
fn in_parts(
    module: &dyn Module,
    loss: &dyn Fn(&Var, &Var) -> Var,
    x: &Tensor,
    y: &Tensor,
    mut each: impl FnMut(Vec<Tensor>) -> Result<()>,
) -> Result<()> {
    let rows = check_rows(x, y)?;
    let size: usize = trained(module)
        .iter()
        .map(|(_, p)| p.tensor().numel())
        .sum();
    let step = (ELEMENTS / size.max(1)).max(1);
    let mut start = 0;
    while start < rows {
        let n = step.min(rows - start);
        let (x, y) = (x.slice(0, start, n, 1)?, y.slice(0, start, n, 1)?);
        each(grads_of(module, loss, x, y)?)?;
        start += n;
    }
    Ok(())
}

fn check_rows(x: &Tensor, y: &Tensor) -> Result<usize> {
    match (x.shape().first(), y.shape().first()) {
        (Some(rows), Some(targets)) if rows == targets => Ok(*rows),
        _ => Err(Error::shape(format!(
            "per-sample gradients: inputs {:?} and targets {:?} must have the same rows on axis 0",
            x.shape(),
            y.shape()
        ))),
    }
}

/// Each row's gradients, for one or more rows.
fn grads_of(
    module: &dyn Module,
    loss: &dyn Fn(&Var, &Var) -> Var,
    x: Tensor,
    y: Tensor,
) -> Result<Vec<Tensor>> {
    let n = x.shape()[0];
    let params = trained(module);
    let repeat = |p: &Param| {
        let shape = [&[n], p.tensor().shape()].concat();
        Ok(Var::leaf(p.tensor().expand(&shape)?))
    };
    let leaves: Vec<Var> = params
        .iter()
        .map(|(_, p)| repeat(p))
        .collect::<Result<_>>()?;
    let mut inputs = leaves.clone();
    inputs.extend([Var::from(x), Var::from(y)]);
    let one_row = |v: &[Var]| {
        let (own, row) = v.split_at(params.len());
        let ids = params.iter().map(|(_, p)| p.id());
        let map: ParamMap = ids.zip(own.iter().cloned()).collect();
        let (x, y) = (row[0].unsqueeze(0), row[1].unsqueeze(0));
        vec![with_params(&map, || loss(&module.forward(&x), &y))]
    };
    let losses = vmap(one_row, &inputs)?.swap_remove(0);
    if losses.numel() != n {
        return Err(Error::shape(format!(
            "per-sample gradients: the loss of one row has shape {:?}, must be one element",
            &losses.shape()[1..]
        )));
    }
    let mut grads = losses.sum(&[]).backward();
    let take = |leaf: &Var| {
        let grad = leaf.leaf_id().and_then(|id| grads.take(id));
        // A parameter that the loss does not depend on.
        grad.map_or_else(|| zeros(leaf.tensor()), Ok)
    };
    leaves.iter().map(take).collect()
}

fn zeros(like: &Tensor) -> Result<Tensor> {
    Tensor::zeros(like.shape(), like.dtype(), like.device())
}

fn no_rows(p: &Tensor) -> Result<Tensor> {
    Tensor::zeros(&[&[0], p.shape()].concat(), p.dtype(), p.device())
}

#[cfg(test)]
mod tests;
