//! Watchers: whoever wants to see every op that passes the door.

use std::sync::Arc;

use lepton_tensor::{Result, Tensor};

use crate::engine::op::AnyOp;
use crate::engine::param::ParamId;
use crate::engine::scope;

/// Sees every op that runs in a scope: counting, tracing and anomaly mode are watchers.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use lepton_autograd::{AnyOp, Result, Tensor, Var, Watch, watch};
/// #[derive(Default)]
/// struct Names(Mutex<Vec<&'static str>>);
/// impl Watch for Names {
///     fn op(&self, op: &dyn AnyOp, _: &[Tensor], _: &[Tensor]) -> Result<()> {
///         self.0.lock().unwrap().push(op.name());
///         Ok(())
///     }
/// }
/// let names = Arc::new(Names::default());
/// watch(names.clone(), || Var::scalar(1.0f32).exp().sin());
/// assert_eq!(*names.0.lock().unwrap(), ["exp", "sin"]);
/// ```
pub trait Watch: Send + Sync {
    /// Called after `op` has made `y` from `x`.
    ///
    /// # Errors
    /// An error becomes that of the op.
    fn op(&self, op: &dyn AnyOp, x: &[Tensor], y: &[Tensor]) -> Result<()>;

    /// Called when a parameter is read as itself.
    fn param(&self, _id: ParamId, _tensor: &Tensor) {}

    /// True when the ops of parallel tasks must pass one after the other.
    fn in_order(&self) -> bool {
        false
    }
}

/// Runs `f` while `watcher` sees every op, besides those that watch already.
pub fn watch<R>(watcher: Arc<dyn Watch>, f: impl FnOnce() -> R) -> R {
    scope::enter(|s| s.watchers.push(watcher), f)
}
