//! The loop over images.

use crate::simd::Float;
use crate::threads::parallel_chunks;

/// Elements of the images in one task.
const TASK: usize = 1 << 15;

/// Calls `f` with groups of whole planes of `out`, from the plane of the given number on.
pub(super) fn planes<T: Float>(
    out: &mut [T],
    plane: usize,
    other: usize,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    if plane == 0 {
        return;
    }
    let group = TASK.div_ceil(plane.max(other));
    parallel_chunks(out, group * plane, |i, out| f(i * group, out));
}
