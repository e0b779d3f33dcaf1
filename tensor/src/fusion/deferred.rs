//! A value that is computed when it is first needed.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A computation that has not run yet, with all that it needs.
pub(crate) trait Thunk<T>: Any + Send + Sync {
    /// The value: the same bits at every call.
    fn run(&self) -> T;
}

/// A value, or the thunk that computes it.
pub(crate) struct Deferred<T> {
    /// Set once, by whoever realizes it first.
    value: OnceLock<T>,
    /// Whether another thunk has absorbed this one.
    lent: AtomicBool,
    /// Gone once the value is there, so that the inputs can be freed.
    thunk: Mutex<Option<Arc<dyn Thunk<T>>>>,
}

impl<T: 'static> Deferred<T> {
    /// The value of `thunk`, which runs when it is first needed.
    pub(crate) fn new(thunk: Arc<dyn Thunk<T>>) -> Deferred<T> {
        Deferred {
            value: OnceLock::new(),
            lent: AtomicBool::new(false),
            thunk: Mutex::new(Some(thunk)),
        }
    }

    /// The lock on the thunk; nothing can panic while it is held, so a poisoned one is whole.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<dyn Thunk<T>>>> {
        self.thunk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thunk, while the value has not been needed.
    fn thunk(&self) -> Option<Arc<dyn Thunk<T>>> {
        self.lock().clone()
    }

    /// The thunk, for one other that absorbs it: only the first caller gets it, so a thunk runs twice at
    /// most, once within the other and once for whoever needs this value.
    pub(crate) fn lend(&self) -> Option<Arc<dyn Thunk<T>>> {
        let thunk = self.thunk()?;
        (!self.lent.swap(true, Ordering::Relaxed)).then_some(thunk)
    }

    /// The value. No lock is held while the thunk runs, since it may wait for other threads: two that need
    /// the value at once both compute it, with the same bits, and one result is kept.
    pub(crate) fn realize(&self) -> &T {
        if let Some(value) = self.value.get() {
            return value;
        }
        if let Some(thunk) = self.thunk() {
            let value = thunk.run();
            let _ = self.value.set(value);
            let inputs = self.lock().take();
            drop(inputs); // outside the lock: it may free whole tensors
        }
        // A thunk is taken away only after its value was set.
        self.value.get().expect("the thunk has run")
    }

    /// The value, to change.
    pub(crate) fn realize_mut(&mut self) -> Option<&mut T> {
        self.realize();
        self.value.get_mut()
    }
}
