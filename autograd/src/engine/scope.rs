//! The scope of this thread: recording, substituted parameters, watchers, and room for the crate
//! above (train mode, random stream). It lives in the slot of `lepton_tensor::threads`.
//!
//! The slot is borrowed while [`read`] runs, and work inside may wait for other threads and run their
//! tasks, which enter scopes of their own. So a reader takes out what it needs and works afterwards.

use std::any::Any;
use std::sync::Arc;

use lepton_tensor::{Tensor, threads};

use crate::engine::param::{ParamId, ParamMap};
use crate::engine::var::Var;
use crate::engine::watch::Watch;

/// What holds while a closure runs.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) record: bool,
    /// How many `vmap`s and `jvp`s enclose this point.
    pub(crate) depth: u32,
    pub(crate) params: Option<Arc<ParamMap>>,
    pub(crate) watchers: Vec<Arc<dyn Watch>>,
    pub(crate) above: Option<Arc<dyn Any + Send + Sync>>,
}

impl Default for Scope {
    fn default() -> Scope {
        Scope {
            record: true,
            depth: 0,
            params: None,
            watchers: Vec::new(),
            above: None,
        }
    }
}

/// Reads the current scope; `None` stands for the default.
///
/// The slot is borrowed while `f` runs, so `f` takes out what it needs and does no work of its own:
/// a loop would park the slot. Whoever works, or calls a closure of others, takes [`current`].
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

/// Runs `f` with `value` as the scope of the crate above; see [`with_above`].
pub fn enter_above<T: Any + Send + Sync, R>(value: T, f: impl FnOnce() -> R) -> R {
    enter(|s| s.above = Some(Arc::new(value)), f)
}

/// Reads the scope of the crate above, when there is one of type `T`.
pub fn with_above<T: Any, R>(f: impl FnOnce(Option<&T>) -> R) -> R {
    let above = read(|s| s.and_then(|s| s.above.clone()));
    f(above.as_ref().and_then(|a| a.downcast_ref::<T>()))
}

/// Those who watch here.
pub(crate) fn watchers() -> Vec<Arc<dyn Watch>> {
    read(|s| s.map_or_else(Vec::new, |s| s.watchers.clone()))
}

/// What stands in place of a parameter here; where it stands for itself, watchers are told that
/// `tensor` is the parameter `id`.
pub(crate) fn param(id: ParamId, tensor: &Tensor) -> Option<Var> {
    let (other, watched) = read(|s| {
        let Some(s) = s else { return (None, false) };
        let other = s.params.as_ref().and_then(|p| p.get(&id)).cloned();
        (other, !s.watchers.is_empty())
    });
    if other.is_none() && watched {
        watchers().iter().for_each(|w| w.param(id, tensor));
    }
    other
}
