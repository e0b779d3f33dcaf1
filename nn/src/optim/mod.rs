//! Optimisers: they visit the parameters and update them in place.

mod adam;
mod sgd;

use std::collections::HashMap;

use lepton_autograd::{Error, Grads, Param, ParamId, Result, Tensor};

use crate::params::{ItemMut, Params, Path};

pub use adam::Adam;
pub use sgd::Sgd;

/// A rule that moves parameters against their gradients.
pub trait Optimizer {
    /// One step: every parameter of `module` that has a gradient moves, and the gradient is used up.
    ///
    /// # Errors
    /// When no parameter has a gradient (all frozen, or gradients of another module), or a gradient
    /// is not finite: nothing has moved then.
    fn step(&mut self, module: &mut dyn Params, grads: &mut Grads) -> Result<()>;

    /// The learning rate.
    fn learning_rate(&self) -> f64;

    /// Another learning rate, for schedules.
    ///
    /// # Errors
    /// When it is not a finite number of at least 0.
    fn set_learning_rate(&mut self, rate: f64) -> Result<()>;
}

/// Refuses a learning rate that would ruin every parameter in silence.
fn check_rate(rate: f64) -> Result<f64> {
    if rate.is_finite() && rate >= 0.0 {
        return Ok(rate);
    }
    Err(Error::value(format!(
        "learning rate: must be a finite number of at least 0, got {rate}"
    )))
}

/// Tensors that an optimiser keeps by parameter, started at zero.
type State<const N: usize> = HashMap<ParamId, [Tensor; N]>;

fn zeros<const N: usize>(like: &Tensor) -> [Tensor; N] {
    std::array::from_fn(|_| {
        Tensor::zeros(like.shape(), like.dtype(), like.device()).expect("the parameter exists")
    })
}

/// Calls `update` with each parameter that has a gradient.
fn for_each_grad(
    module: &mut dyn Params,
    grads: &mut Grads,
    mut update: impl FnMut(&mut Param, Tensor),
) -> Result<()> {
    check_grads(module, grads)?;
    module.visit_mut(&Path::ROOT, &mut |_, item| {
        if let ItemMut::Param(p) = item
            && let Some(g) = grads.take(p.id())
        {
            update(p, g);
        }
    });
    Ok(())
}

fn check_grads(module: &dyn Params, grads: &Grads) -> Result<()> {
    let mut found = false;
    for (path, p) in module.params() {
        if let Some(g) = grads.get(p.id()) {
            found = true;
            if !g.is_meta() && !lepton_tensor::ops::all_finite(g) {
                return Err(Error::value(format!(
                    "optimiser: the gradient of '{path}' is not finite; lower the learning rate or look for the op with detect_anomaly"
                )));
            }
        }
    }
    if found {
        return Ok(());
    }
    Err(Error::value(
        "optimiser: no parameter of this module has a gradient; are all frozen, or is the loss of another module?",
    ))
}
