//! Pooling: one pass over each image, rows first.
//!
//! A window's rows are joined first, as whole rows of the image whose elements are adjacent; then its
//! columns, in a row that lies in the first cache and is taken apart by the stride (see `lines.rs`),
//! or in registers where windows are two columns wide (`pairs.rs`).

mod average;
mod lines;
mod max;
mod pairs;
mod reduce;

pub use average::{Average, average, average_back};
pub use max::{Max, max, max_back, max_pick};

use std::ops::Range;

use crate::simd::Float;
use crate::threads::parallel_chunks;

/// Elements of the images in one task.
const TASK: usize = 1 << 15;

/// One axis of a pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolAxis {
    /// The image's size.
    pub size: usize,
    /// The number of windows.
    pub out: usize,
    /// Elements of a window.
    pub kernel: usize,
    /// Steps from one window to the next.
    pub stride: usize,
    /// Places before and after the image.
    pub padding: usize,
    /// Distance of neighbours in a window.
    pub dilation: usize,
}

impl PoolAxis {
    /// The taps with which window `o` meets the image.
    #[inline(always)]
    fn inside(&self, o: usize) -> Range<usize> {
        let (start, step) = (o * self.stride, self.dilation);
        let first = self.padding.saturating_sub(start).div_ceil(step);
        let end = (self.size + self.padding)
            .saturating_sub(start)
            .div_ceil(step);
        first.min(self.kernel)..end.min(self.kernel)
    }

    /// The image's place that window `o` meets with a tap of [`PoolAxis::inside`].
    #[inline(always)]
    fn place(&self, o: usize, tap: usize) -> usize {
        o * self.stride + tap * self.dilation - self.padding
    }
}

/// Calls `f` with groups of whole planes of `out`, from the plane of the given number on.
fn planes<T: Float>(out: &mut [T], plane: usize, other: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if plane == 0 {
        return;
    }
    let group = TASK.div_ceil(plane.max(other));
    parallel_chunks(out, group * plane, |i, out| f(i * group, out));
}
