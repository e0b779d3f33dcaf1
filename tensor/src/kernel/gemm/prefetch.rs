//! Software prefetching of rows that lie far apart.

use crate::simd::prefetch_l2;

/// Steps by which unpacked memory is prefetched ahead, into L2: rows a page apart share few sets of L1 and
/// would evict each other there.
pub(super) const AHEAD: isize = 24;

/// Cache lines of a step of `cols` elements: one more than it fills, since a step that begins inside
/// a line ends inside another one.
#[inline(always)]
pub(super) const fn lines<T>(cols: usize) -> usize {
    cols.div_ceil(64 / size_of::<T>()) + 1
}

/// The element of a step of `cols` whose address prefetches its `line`th cache line.
#[inline(always)]
pub(super) const fn line_at<T>(line: usize, cols: usize) -> usize {
    let at = line * (64 / size_of::<T>());
    if at < cols { at } else { cols - 1 }
}

/// Prefetches the cache lines of `cols` adjacent elements. (A counted loop is unrolled where `cols` is a
/// constant; an iterator by steps was not on every level.)
#[inline(always)]
pub(super) fn prefetch_lines<T>(from: *const T, cols: usize) {
    for line in 0..lines::<T>(cols) {
        prefetch_l2(from.wrapping_add(line_at::<T>(line, cols)));
    }
}
