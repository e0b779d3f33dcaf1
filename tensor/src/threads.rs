//! Parallel loops, and the one thread-local slot that must not leak through them.
//!
//! A task may run on a thread that is inside someone else's scope: a rayon worker that waits in its
//! user's loop runs whatever task there is. If the recording mode, the train scope or the random stream
//! lived in an ordinary thread-local, the task would run under that one. So all of it lives in one
//! opaque slot, and loops park it while a task runs: the task finds it empty, and its owner finds it as
//! it was.
//!
//! Loops here hand out tasks of a size that follows from the shape ([`parallel_chunks`]), and never one for each
//! thread: so a result has the same bits on any number of threads. rayon's own reductions are refused by the linter.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

use crate::sys::fork;

/// Elements that one parallel task works on at least.
pub(crate) const GRAIN: usize = 1 << 15;

/// Rows of `len` elements that one parallel task works on, where a row is visited several times.
pub(crate) fn rows_per_task(len: usize) -> usize {
    (GRAIN / len.max(1)).max(1)
}

/// What the slot holds: nothing, or a value of the crate above.
pub type Slot = Option<Arc<dyn Any + Send + Sync>>;

thread_local! {
    static SLOT: RefCell<Slot> = const { RefCell::new(None) };
}

/// Reads this thread's slot.
#[inline]
pub fn with_slot<R>(read: impl FnOnce(&Slot) -> R) -> R {
    SLOT.with(|s| read(&s.borrow()))
}

/// Runs `f` with `slot` in place, and puts the old one back afterwards, also when `f` panics.
///
/// ```
/// use std::sync::Arc;
/// use lepton_tensor::threads::{enter_slot, with_slot};
/// enter_slot(Some(Arc::new(1u8)), || with_slot(|slot| assert!(slot.is_some())));
/// with_slot(|slot| assert!(slot.is_none()));
/// ```
pub fn enter_slot<R>(slot: Slot, f: impl FnOnce() -> R) -> R {
    let _restore = Restore(swap(slot));
    f()
}

/// Puts back what was in the slot.
struct Restore(Slot);

impl Drop for Restore {
    fn drop(&mut self) {
        drop(swap(self.0.take()));
    }
}

/// Not inlined, or every loop of the engine would have its copy of the access.
#[inline(never)]
fn swap(slot: Slot) -> Slot {
    SLOT.with(|s| s.replace(slot))
}

/// The number of threads a loop may use. With one, loops run on the caller's own thread: to hand
/// them to a pool of one worker and wait costs two switches of context and shares nothing.
pub fn count() -> usize {
    rayon::current_num_threads()
}

/// Calls `f(0)`, .. `f(tasks - 1)`, in parallel where that helps, with an empty slot.
///
/// Results must not depend on which thread runs what: split work by shape, never by [`count`].
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use lepton_tensor::threads::parallel_for;
/// let sum = AtomicUsize::new(0);
/// parallel_for(10, |i| {
///     sum.fetch_add(i, Ordering::Relaxed);
/// });
/// assert_eq!(sum.into_inner(), 45);
/// ```
pub fn parallel_for(tasks: usize, f: impl Fn(usize) + Sync) {
    if tasks < 2 || count() == 1 {
        return enter_slot(None, || (0..tasks).for_each(f));
    }
    // As `dyn`: the machinery is compiled once, and not for every loop of the engine.
    // Parked twice: while this thread waits, and on the threads that help.
    let task = |i| enter_slot(None, || f(i));
    enter_slot(None, || fork::run(tasks, count() - 1, &task));
}

/// Calls `f(i, chunk)` for each piece of `out` of `chunk` elements (the last may be shorter); no
/// piece is empty, so there is no call for an empty `out`.
///
/// ```
/// use lepton_tensor::threads::parallel_chunks;
/// let mut out = [0; 7];
/// parallel_chunks(&mut out, 3, |i, chunk| chunk.fill(i));
/// assert_eq!(out, [0, 0, 0, 1, 1, 1, 2]);
/// ```
pub fn parallel_chunks<T: Send>(out: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if out.is_empty() {
        return;
    }
    if out.len() <= chunk {
        return enter_slot(None, || f(0, out));
    }
    fork_chunks(out, chunk, &f);
}

/// Once for each element type, and not for every loop of the engine.
fn fork_chunks<T: Send>(out: &mut [T], chunk: usize, f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    if count() == 1 {
        return enter_slot(None, || {
            out.chunks_mut(chunk).enumerate().for_each(|(i, c)| f(i, c))
        });
    }
    let task = |i: usize, piece: &mut [T]| enter_slot(None, || f(i, piece));
    enter_slot(None, || fork::run_chunks(out, chunk, count() - 1, &task));
}

/// The results of `f(0)`, .. `f(tasks - 1)`, in that order.
///
/// ```
/// use lepton_tensor::threads::parallel_map;
/// assert_eq!(parallel_map(4, |i| i * i), [0, 1, 4, 9]);
/// ```
pub fn parallel_map<T: Send>(tasks: usize, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut results: Vec<Option<T>> = std::iter::repeat_with(|| None).take(tasks).collect();
    parallel_chunks(&mut results, 1, |i, place| place[0] = Some(f(i)));
    let done = |result: Option<T>| result.expect("every task has ended");
    results.into_iter().map(done).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_is_empty_inside_a_loop_and_back_after_it_also_after_a_panic() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .expect("a pool");
        pool.install(|| {
            enter_slot(Some(Arc::new(7u32)), || {
                parallel_for(4, |_| with_slot(|s| assert!(s.is_none())));
                with_slot(|s| assert!(s.is_some()));
                let caught = std::panic::catch_unwind(|| enter_slot(None, || panic!("boom")));
                assert!(caught.is_err());
                with_slot(|s| assert!(s.is_some()));
            });
            with_slot(|s| assert!(s.is_none()));
        });
    }
}
