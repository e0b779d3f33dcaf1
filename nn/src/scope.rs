//! Train or eval mode and the random stream, as a scope around forward passes.

use std::sync::atomic::{AtomicU64, Ordering};

use lepton_autograd::{enter_above, with_above};

/// What layers ask of the scope.
struct NnScope {
    training: bool,
    seed: u64,
    step: u64,
    /// Draws so far in this scope: a layer's place in the order of calls names its stream.
    draws: AtomicU64,
}

/// Runs `f` in train mode; random layers draw from the stream of `seed` and `step`.
///
/// A pass run again under the same seed and step draws the same numbers.
pub fn train<R>(seed: u64, step: u64, f: impl FnOnce() -> R) -> R {
    enter_above(
        NnScope {
            training: true,
            seed,
            step,
            draws: AtomicU64::new(0),
        },
        f,
    )
}

/// Runs `f` in eval mode, which also holds outside any scope.
pub fn eval<R>(f: impl FnOnce() -> R) -> R {
    enter_above(
        NnScope {
            training: false,
            seed: 0,
            step: 0,
            draws: AtomicU64::new(0),
        },
        f,
    )
}

/// True in train mode.
pub fn is_training() -> bool {
    with_above(|s: Option<&NnScope>| s.is_some_and(|s| s.training))
}

/// Seed and stream of the next random layer, in train mode only.
pub(crate) fn draw() -> Option<(u64, u64)> {
    with_above(|s: Option<&NnScope>| {
        let s = s.filter(|s| s.training)?;
        let draw = s.draws.fetch_add(1, Ordering::Relaxed);
        Some((s.seed, (s.step << 16).wrapping_add(draw)))
    })
}
