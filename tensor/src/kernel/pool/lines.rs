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
    /// Whether no two taps meet the same place.
    apart: bool,
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
            apart: (axis.kernel - 1) * axis.dilation < axis.stride,
        }
    }

    /// The row inside its border, to be written before [`Lines::cut`]; a vector behind it is border.
    #[inline(always)]
    pub(super) fn inside(&mut self) -> &mut [T] {
        &mut self.row[self.axis.padding..]
    }

    /// A row of an image, cut into lines.
    #[inline(always)]
    pub(super) fn read(&mut self, row: &[T]) {
        let PoolAxis {
            stride, padding, ..
        } = self.axis;
        if (stride, padding) != (2, 0) {
            self.inside()[..row.len()].copy_from_slice(row);
            return self.cut();
        }
        // Without a border pairs are cut where they stand; what lies behind the row stays outside.
        let (even, odd) = self.lines.split_at_mut(self.len);
        let (pairs, rest) = row.as_chunks();
        let n = pairs.len().min(self.used);
        cut_pairs(&pairs[..n], even, odd);
        if let ([last], true) = (rest, n < self.used) {
            even[n] = *last;
        }
    }

    /// Cuts the row into lines.
    #[inline(always)]
    pub(super) fn cut(&mut self) {
        let (len, used, step) = (self.len, self.used, self.axis.stride);
        if step == 2 {
            let (even, odd) = self.lines.split_at_mut(len);
            let (pairs, _) = self.row.as_chunks();
            cut_pairs(&pairs[..used], even, odd);
        } else if step > 2 {
            for line in 0..step {
                let to = &mut self.lines[line * len..][..used];
                for i in 0..used {
                    to[i] = self.row[i * step + line];
                }
            }
        }
    }

    /// Nothing at any place where [`Lines::add`] adds.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        match self.axis.stride {
            _ if self.apart => {}
            1 => self.row.fill(T::default()),
            _ => self.lines.fill(T::default()),
        }
    }

    /// Adds to the places that windows from `i` on meet with a tap; where no other meets them, writes.
    #[inline(always)]
    pub(super) fn add<S: Simd>(&mut self, tap: Tap, i: usize, v: T::Vec<S>) {
        let to = match self.axis.stride {
            1 => &mut self.row[tap.shift + i..],
            _ => &mut self.lines[tap.line * self.len + tap.shift + i..],
        };
        match self.apart {
            true => v.store(to),
            false => (v + Vector::load(to)).store(to),
        }
    }

    /// Adds the lines, joined to a row again, to a row of an image.
    #[inline(always)]
    pub(super) fn join(&mut self, out: &mut [T]) {
        let (len, used) = (self.len, self.used);
        let PoolAxis {
            stride, padding, ..
        } = self.axis;
        if (stride, padding) == (2, 0) {
            let (even, odd) = (&self.lines[..used], &self.lines[len..][..used]);
            let (pairs, rest) = out.as_chunks_mut::<2>();
            let n = pairs.len().min(used);
            let (pairs, even_pairs, odd) = (&mut pairs[..n], &even[..n], &odd[..n]);
            for i in 0..n {
                pairs[i][0] = pairs[i][0] + even_pairs[i];
                pairs[i][1] = pairs[i][1] + odd[i];
            }
            if let ([last], true) = (rest, n < used) {
                *last = *last + even[n];
            }
            return;
        }
        if stride > 1 {
            for line in 0..stride {
                let from = &self.lines[line * len..][..used];
                for i in 0..used {
                    self.row[i * stride + line] = from[i];
                }
            }
        }
        // Behind the last window nothing is added.
        let n = out.len().min((used * stride).saturating_sub(padding));
        let (out, row) = (&mut out[..n], &self.row[padding..][..n]);
        for i in 0..n {
            out[i] = out[i] + row[i];
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

/// The first and the second elements of pairs.
#[inline(always)]
fn cut_pairs<T: Copy>(pairs: &[[T; 2]], even: &mut [T], odd: &mut [T]) {
    let n = pairs.len();
    let (even, odd) = (&mut even[..n], &mut odd[..n]);
    for i in 0..n {
        even[i] = pairs[i][0];
        odd[i] = pairs[i][1];
    }
}
