//! A product as its algorithms take it.

use super::epilogue::Epilogue;
use crate::kernel::matrix::MatRef;
use crate::simd::Level;
use crate::threads;

/// Multiplications below which a product stays on one thread: they take less than a fork.
pub(super) const PARALLEL: usize = 1 << 21;

/// A product without its destination.
pub(super) struct Job<'a, T> {
    /// The level of all kernels of the product.
    pub(super) level: Level,
    /// `[m, k]`.
    pub(super) a: MatRef<'a, T>,
    /// `[k, n]`.
    pub(super) b: MatRef<'a, T>,
    /// Whether C is added to.
    pub(super) add: bool,
    /// What follows on each finished block of C.
    pub(super) epilogue: Option<&'a dyn Epilogue<T>>,
    /// Whether threads may share the work.
    pub(super) threading: Threading,
}

/// Whether one product may use several threads; its bits are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threading {
    Serial,
    Parallel,
}

impl<T> Job<'_, T> {
    /// Whether so many multiplications are shared by threads.
    pub(super) fn uses_threads(&self, work: usize) -> bool {
        self.threading == Threading::Parallel && work >= PARALLEL && threads::count() > 1
    }
}

/// An address that several tasks write through, each to its own part.
pub(super) struct Shared<T>(pub(super) *mut T);

// SAFETY: whoever uses the address keeps the tasks' parts apart (see there).
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The address.
    pub(super) fn get(&self) -> *mut T {
        self.0
    }
}
