//! A correlation as its algorithms take it.

use std::ops::Range;

use super::axis::Axis;
use super::padded_image::Images;
use super::weights::Weights;
use crate::kernel::matrix::MatMut;

/// Multiplications below which a convolution stays on one thread: they take less than a fork.
pub(super) const PARALLEL: usize = 1 << 21;

/// Images and weights that are correlated.
pub struct Correlation<'a, T> {
    /// The images, `[images, groups * inputs, rows, columns]`.
    pub x: &'a [T],
    /// Number of images.
    pub images: usize,
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Input channels of a group.
    pub inputs: usize,
    /// Output channels of a group.
    pub outputs: usize,
    /// The weights; tap `[r, c]` of a kernel has distance `taps[0][r] + taps[1][c]`.
    pub weights: Weights<'a, T>,
    /// From one row of taps to the next, and from one column to the next.
    pub taps: [usize; 2],
    /// Rows and columns.
    pub axes: [&'a Axis; 2],
    /// One number for each output channel, added at the end.
    pub bias: Option<&'a [T]>,
}

impl<'a, T> Correlation<'a, T> {
    /// The images with their sizes.
    pub(super) fn image(&self) -> Images<'a, T> {
        Images {
            x: self.x,
            groups: self.groups,
            inputs: self.inputs,
            size: self.axes.map(|a| a.size),
        }
    }

    /// Some rows of outputs of some channels of all groups of an image, in `out` with rows of `columns`: a row
    /// for each channel. Outputs follow each other along both axes.
    ///
    /// # Safety
    /// `out` is the result of `self`, as [`correlate`](super::correlate) checks, and nothing else uses these outputs meanwhile.
    pub(super) unsafe fn part_of<'o>(
        &self,
        out: &MatMut<'o, T>,
        columns: usize,
        image: usize,
        rows: &Range<usize>,
        channels: &Range<usize>,
    ) -> MatMut<'o, T> {
        let len = (rows.len() - 1) * columns + self.axes[1].out;
        let top = image * self.groups * self.outputs + channels.start;
        // SAFETY: all of it lies within `out`, and the caller vouches that nothing else uses it.
        unsafe { out.block(top, rows.start * columns, [channels.len(), len]) }
    }
}
