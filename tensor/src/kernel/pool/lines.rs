//! Rows of an image with their border, taken apart by the stride, so that every window of a row meets
//! its tap at its own number plus a constant.

use super::PoolAxis;
use crate::simd::{Float, MAX_LANES, Simd, Vector};

/// Where a tap's elements stand for a row of windows: window `i` meets line `line` at `i + shift`.
#[derive(Clone, Copy)]
pub(super) struct Tap {
    pub(super) line: usize,
    pub(super) shift: usize,
}

/// The lines of one row of an image: one for each place modulo the stride.
pub(super) struct Lines<T> {
    axis: PoolAxis,
    /// The row with its border, and the lines cut from it (none where the stride is 1).
    row: Vec<T>,
    lines: Vec<T>,
    len: usize,
    /// Elements of a line that some window meets, and up to seven more.
    used: usize,
    pub(super) taps: Vec<Tap>,
}

impl<T: Float> Lines<T> {
    /// For the columns of a pool, the border being `outside`.
    pub(super) fn new(axis: PoolAxis, outside: T) -> Lines<T> {
        let tap = |t: usize| Tap {
            line: t * axis.dilation % axis.stride,
            shift: t * axis.dilation / axis.stride,
        };
        let taps: Vec<Tap> = (0..axis.kernel).map(tap).collect();
        let reach = taps.last().map_or(0, |t| t.shift);
        let used = (axis.out + reach).next_multiple_of(8);
        let len = used + MAX_LANES;
        let cut = if axis.stride == 1 { 0 } else { axis.stride };
        let width = (len * axis.stride).max(axis.padding + axis.size) + MAX_LANES;
        Lines {
            axis,
            row: vec![outside; width],
            lines: vec![outside; cut * len],
            len,
            used,
            taps,
        }
    }

    /// The row inside its border, to be written before [`Lines::cut`]; a vector behind it is border.
    #[inline(always)]
    pub(super) fn inside(&mut self) -> &mut [T] {
        &mut self.row[self.axis.padding..]
    }

    /// Cuts the row into lines.
    #[inline(always)]
    pub(super) fn cut(&mut self) {
        let (len, used, step) = (self.len, self.used, self.axis.stride);
        if step == 2 {
            let (even, odd) = self.lines.split_at_mut(len);
            let (pairs, _) = self.row.as_chunks::<2>();
            let (pairs, even, odd) = (&pairs[..used], &mut even[..used], &mut odd[..used]);
            for i in 0..used {
                even[i] = pairs[i][0];
                odd[i] = pairs[i][1];
            }
        } else if step > 2 {
            for line in 0..step {
                let to = &mut self.lines[line * len..][..used];
                for i in 0..used {
                    to[i] = self.row[i * step + line];
                }
            }
        }
    }

    /// The elements that windows from `i` on meet with a tap.
    #[inline(always)]
    pub(super) fn vector<S: Simd>(&self, tap: Tap, i: usize) -> T::Vec<S> {
        match self.axis.stride {
            1 => Vector::load(&self.row[tap.shift + i..]),
            _ => Vector::load(&self.lines[tap.line * self.len + tap.shift + i..]),
        }
    }

    /// Adds each window's element of `share` to its places of the row.
    #[inline(always)]
    pub(super) fn spread(&mut self, share: &[T]) {
        for tap in 0..self.axis.kernel {
            let start = tap * self.axis.dilation;
            for i in 0..share.len() {
                let y = &mut self.row[start + i * self.axis.stride];
                *y = *y + share[i];
            }
        }
    }
}
