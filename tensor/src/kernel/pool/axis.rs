//! One axis of a pool.

use std::ops::Range;

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
    pub(super) fn inside(&self, o: usize) -> Range<usize> {
        let (start, step) = (o * self.stride, self.dilation);
        let first = self.padding.saturating_sub(start).div_ceil(step);
        let end = (self.size + self.padding)
            .saturating_sub(start)
            .div_ceil(step);
        first.min(self.kernel)..end.min(self.kernel)
    }

    /// The image's place that window `o` meets with a tap of [`PoolAxis::inside`].
    #[inline(always)]
    pub(super) fn place(&self, o: usize, tap: usize) -> usize {
        o * self.stride + tap * self.dilation - self.padding
    }
}
