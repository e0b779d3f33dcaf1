//! From a block's sums to the result.

use crate::kernel::gemm::MatMut;
use crate::simd::{Float, Kernel, Simd};

/// Writes sums plus bias to their places in the result.
pub(super) struct StoreSums<'a, T> {
    /// A row for each output channel, `sums_pitch` apart, in it rows of outputs `pitch` apart.
    pub(super) sums: &'a [T],
    /// From one channel's sums to the next.
    pub(super) sums_pitch: usize,
    /// From one row of sums to the next.
    pub(super) pitch: usize,
    /// A number for each output channel.
    pub(super) bias: Option<&'a [T]>,
    /// A row for each output channel.
    pub(super) out: MatMut<'a, T>,
    /// Rows of outputs.
    pub(super) rows: usize,
    /// Columns of outputs.
    pub(super) columns: usize,
    /// From one row, and from one column, of outputs to the next.
    pub(super) spread: [usize; 2],
}

impl<T: Float> Kernel for StoreSums<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let [down, across] = self.spread;
        let (mut rows, mut columns) = (self.rows, self.columns);
        if columns == self.pitch && down == columns && across == 1 {
            (rows, columns) = (1, rows * columns);
        }
        for channel in 0..self.out.shape()[0] {
            let out = self.out.row(channel);
            let sums = &self.sums[channel * self.sums_pitch..];
            let bias = self.bias.map_or(T::default(), |b| b[channel]);
            for r in 0..rows {
                let from = &sums[r * self.pitch..][..columns];
                let to = &mut out[r * down..];
                if across == 1 {
                    let to = &mut to[..columns];
                    for c in 0..columns {
                        to[c] = from[c] + bias;
                    }
                } else {
                    for c in 0..columns {
                        to[c * across] = from[c] + bias;
                    }
                }
            }
        }
    }
}
