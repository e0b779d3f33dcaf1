//! Anomaly mode: the first result that is not finite names its op.

use std::sync::Arc;

use lepton_tensor::{Error, Result, Tensor};

use crate::engine::op::AnyOp;
use crate::engine::watch::{Watch, watch};

struct Anomaly;

impl Watch for Anomaly {
    fn op(&self, op: &dyn AnyOp, x: &[Tensor], y: &[Tensor]) -> Result<()> {
        let here = |t: &&Tensor| !t.is_meta() && t.dtype().is_float();
        let mut elements = y.iter().filter(here).flat_map(Tensor::to_f64);
        match elements.find(|v| !v.is_finite()) {
            None => Ok(()),
            Some(bad) => {
                let shapes: Vec<&[usize]> = x.iter().map(Tensor::shape).collect();
                Err(Error::value(format!(
                    "{}: the result contains {bad}; inputs have shapes {shapes:?}",
                    op.name()
                )))
            }
        }
    }
}

/// Runs `f` so that the first op whose result is not finite fails with its name and shapes.
///
/// ```should_panic
/// use lepton_autograd::{Var, detect_anomaly};
/// detect_anomaly(|| Var::zeros(&[3], lepton_autograd::DType::F32, lepton_autograd::Device::Cpu).log());
/// ```
pub fn detect_anomaly<R>(f: impl FnOnce() -> R) -> R {
    watch(Arc::new(Anomaly), f)
}
