//! How a window becomes one number.

use crate::simd::Lane;

/// How the elements of a window are combined.
pub(super) trait Combine: Copy + Send + Sync {
    /// What lies outside the image.
    const OUTSIDE: f64;
    /// Two parts of a window.
    fn combine<V: Lane>(a: V, b: V) -> V;
}

/// The larger, NaN first.
#[derive(Clone, Copy)]
pub(super) struct Largest;

impl Combine for Largest {
    const OUTSIDE: f64 = f64::NEG_INFINITY;
    #[inline(always)]
    fn combine<V: Lane>(a: V, b: V) -> V {
        a.max(b)
    }
}

/// The sum.
#[derive(Clone, Copy)]
pub(super) struct Total;

impl Combine for Total {
    const OUTSIDE: f64 = 0.0;
    #[inline(always)]
    fn combine<V: Lane>(a: V, b: V) -> V {
        a + b
    }
}
