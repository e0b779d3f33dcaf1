//! The scope of this thread: recording, substituted parameters, a trace, and room for the crate
//! above (train mode, random stream). It lives in the slot of `lepton_tensor::threads`.

use std::any::Any;
use std::sync::{Arc, Mutex};

use lepton_tensor::{Tensor, threads};

use crate::engine::param::{ParamId, ParamMap};
use crate::engine::var::Var;
use crate::inspect::count::Counter;
use crate::transform::trace::Tracer;

/// What holds while a closure runs.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) record: bool,
    pub(crate) anomaly: bool,
    /// How many `vmap`s and `jvp`s enclose this point.
    pub(crate) depth: u32,
    pub(crate) params: Option<Arc<ParamMap>>,
    pub(crate) trace: Option<Arc<Mutex<Tracer>>>,
    pub(crate) count: Option<Arc<Counter>>,
    pub(crate) above: Option<Arc<dyn Any + Send + Sync>>,
}

impl Default for Scope {
    fn default() -> Scope {
        Scope {
            record: true,
            anomaly: false,
            depth: 0,
            params: None,
            trace: None,
            count: None,
            above: None,
        }
    }
}

/// Reads the current scope; `None` stands for the default.
#[inline]
pub(crate) fn read<R>(f: impl FnOnce(Option<&Scope>) -> R) -> R {
    threads::with_slot(|slot| f(slot.as_ref().and_then(|s| s.downcast_ref::<Scope>())))
}

/// The current scope, as a value.
pub(crate) fn current() -> Scope {
    read(|s| s.cloned()).unwrap_or_default()
}

/// Runs `f` in a copy of the current scope that `change` has changed.
pub(crate) fn enter<R>(change: impl FnOnce(&mut Scope), f: impl FnOnce() -> R) -> R {
    let mut scope = current();
    change(&mut scope);
    threads::enter_slot(Some(Arc::new(scope)), f)
}

/// Runs `f` without recording: its results are constants.
///
/// ```
/// use lepton_autograd::{Tensor, Var, no_grad};
/// let x = Var::leaf(Tensor::scalar(2.0f32));
/// assert!(no_grad(|| &x * &x).is_constant());
/// assert!(!(&x * &x).is_constant());
/// ```
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    enter(|s| s.record = false, f)
}

/// Runs `f` with recording on, also inside [`no_grad`].
pub fn enable_grad<R>(f: impl FnOnce() -> R) -> R {
    enter(|s| s.record = true, f)
}

/// True when ops are recorded here.
pub fn is_recording() -> bool {
    read(|s| s.is_none_or(|s| s.record))
}

/// Runs `f` so that the first op whose result is not finite fails with its name and shapes.
pub fn detect_anomaly<R>(f: impl FnOnce() -> R) -> R {
    enter(|s| s.anomaly = true, f)
}

/// Runs `f` with `value` as the scope of the crate above; see [`with_above`].
pub fn enter_above<T: Any + Send + Sync, R>(value: T, f: impl FnOnce() -> R) -> R {
    enter(|s| s.above = Some(Arc::new(value)), f)
}

/// Reads the scope of the crate above, when there is one of type `T`.
pub fn with_above<T: Any, R>(f: impl FnOnce(Option<&T>) -> R) -> R {
    read(|s| {
        f(s.and_then(|s| s.above.as_ref())
            .and_then(|a| a.downcast_ref::<T>()))
    })
}

/// What stands in place of a parameter here; where it stands for itself, a running trace is told
/// that `tensor` is the parameter `id`.
pub(crate) fn param(id: ParamId, tensor: &Tensor) -> Option<Var> {
    read(|s| {
        let s = s?;
        if let Some(other) = s.params.as_ref().and_then(|p| p.get(&id)) {
            return Some(other.clone());
        }
        if let Some(trace) = &s.trace {
            let mut trace = trace.lock().expect("a trace is used by one thread");
            trace.param(id, tensor);
        }
        None
    })
}
