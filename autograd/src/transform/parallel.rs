//! Tracked code on several threads.

use std::sync::Mutex;

use lepton_tensor::threads;

use crate::engine::node;
use crate::engine::scope;

/// Calls `f(0)`, .. `f(tasks - 1)` in parallel and returns their results in that order, the same
/// bits as one after the other.
///
/// Each task sees the caller's scope and numbers its nodes anew from the caller's count; the caller
/// goes on from the largest. Under a trace the tasks run in order. A task should clone the modules
/// it trains: two threads on one parameter handle contend for its count.
///
/// ```
/// let squares = lepton_autograd::parallel(4, |i| i * i);
/// assert_eq!(squares, [0, 1, 4, 9]);
/// ```
pub fn parallel<T: Send>(tasks: usize, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let scope = scope::current();
    if scope.watchers.iter().any(|w| w.in_order()) {
        return (0..tasks).map(f).collect();
    }
    let start = node::next_id();
    let last = Mutex::new(start);
    let task = |i: usize| {
        // The thread may be in the middle of another client's graph: its count is put back.
        let own = node::next_id();
        node::set_next_id(start);
        let out = scope::enter(|s| *s = scope.clone(), || f(i));
        let mut last = last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = node::next_id().max(*last);
        node::set_next_id(own);
        out
    };
    let out = threads::parallel_map(tasks, task);
    node::set_next_id(
        last.into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner),
    );
    out
}
