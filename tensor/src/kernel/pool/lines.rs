//! Rows of an image with their border, taken apart by the stride, so that every window of a row meets
//! its tap at its own number plus a constant.

use super::axis::PoolAxis;
use crate::simd::{Float, MAX_LANES, Simd, Vector};

/// Where a tap's elements stand for a row of windows: window `i` meets line `line` at `i + shift`.
#[derive(Clone, Copy)]
pub(super) struct LineTap {
    /// The line.
    pub(super) line: usize,
    /// Where window 0 meets it.
    pub(super) shift: usize,
}

/// The lines of one row of an image: one for each place modulo the stride.
pub(super) struct Lines<T> {
    /// The columns of the pool.
    axis: PoolAxis,
    /// The row with its border, and the lines cut from it (none where the stride is 1).
    row: Vec<T>,
    /// The lines, `len` apart.
    lines: Vec<T>,
    /// Room for a line.
    len: usize,
    /// Elements of a line that some window meets, and up to seven more.
    used: usize,
    /// Where each tap's elements stand.
    pub(super) taps: Vec<LineTap>,
    /// Whether no two taps meet the same place.
    apart: bool,
    /// Whether all windows lie inside the image.
    plain: bool,
}

impl<T: Float> Lines<T> {
    /// For the columns of a pool, the border being `outside`.
    pub(super) fn new(axis: PoolAxis, outside: T) -> Lines<T> {
        let tap = |t: usize| LineTap {
            line: t * axis.dilation % axis.stride,
            shift: t * axis.dilation / axis.stride,
        };
        let taps: Vec<LineTap> = (0..axis.kernel).map(tap).collect();
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
            plain: axis.padding == 0
                && (axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation < axis.size,
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
    pub(super) fn read<S: Simd>(&mut self, row: &[T]) {
        if !(self.plain && self.axis.stride == 2) {
            self.inside()[..row.len()].copy_from_slice(row);
            return self.cut::<S>();
        }
        cut_pairs::<T, S>(row, &mut self.lines, self.len, self.used);
    }

    /// Cuts the row into lines.
    #[inline(always)]
    pub(super) fn cut<S: Simd>(&mut self) {
        let (len, used, step) = (self.len, self.used, self.axis.stride);
        if step == 2 {
            cut_pairs::<T, S>(&self.row, &mut self.lines, len, used);
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
    pub(super) fn add<S: Simd>(&mut self, tap: LineTap, i: usize, v: T::Vec<S>) {
        let to = match self.axis.stride {
            1 => &mut self.row[tap.shift + i..],
            _ => &mut self.lines[tap.line * self.len + tap.shift + i..],
        };
        match self.apart {
            true => v.store(to),
            false => (v + Vector::load(to)).store(to),
        }
    }

    /// Writes the lines, joined to a row again, to a row of an image, or adds them where `add`.
    #[inline(always)]
    pub(super) fn join<S: Simd>(&mut self, out: &mut [T], add: bool) {
        let (len, used) = (self.len, self.used);
        let PoolAxis {
            stride, padding, ..
        } = self.axis;
        // Behind the last window there is nothing.
        let n = out.len().min((used * stride).saturating_sub(padding));
        let (out, behind) = out.split_at_mut(n);
        if !add && !behind.is_empty() {
            behind.fill(T::default());
        }
        if (stride, padding) == (2, 0) {
            let lanes = T::Vec::<S>::LANES;
            for i in (0..used).step_by(lanes) {
                let even = load::<T, S>(&self.lines, i);
                let odd = load::<T, S>(&self.lines, len + i);
                let [a, b]: [T::Vec<S>; 2] = Vector::zip(even, odd);
                put::<T, S>(out, 2 * i, a, add);
                put::<T, S>(out, 2 * i + lanes, b, add);
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
        let row = &self.row[padding..][..n];
        if !add {
            return out.copy_from_slice(row);
        }
        for i in 0..n {
            out[i] = out[i] + row[i];
        }
    }

    /// The elements that windows from `i` on meet with a tap.
    #[inline(always)]
    pub(super) fn vector<S: Simd>(&self, tap: LineTap, i: usize) -> T::Vec<S> {
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

/// The first `used` elements of two lines, `len` apart, from a row; zeros behind its end.
#[inline(always)]
fn cut_pairs<T: Float, S: Simd>(row: &[T], lines: &mut [T], len: usize, used: usize) {
    let lanes = T::Vec::<S>::LANES;
    let (even, odd) = lines.split_at_mut(len);
    for i in (0..used).step_by(lanes) {
        let [a, b] = [load::<T, S>(row, 2 * i), load::<T, S>(row, 2 * i + lanes)];
        let [a, b]: [T::Vec<S>; 2] = Vector::unzip(a, b);
        a.store(&mut even[i..]);
        b.store(&mut odd[i..]);
    }
}

/// A vector of `x` from `at` on, zeros behind its end.
#[inline(always)]
pub(super) fn load<T: Float, S: Simd>(x: &[T], at: usize) -> T::Vec<S> {
    let x = &x[at.min(x.len())..];
    match x.len() < T::Vec::<S>::LANES {
        true => Vector::load_first(x),
        false => Vector::load(x),
    }
}

/// Writes the elements of `y` from `at` on, as far as there are any, or adds to them.
#[inline(always)]
pub(super) fn put<T: Float, S: Simd>(y: &mut [T], at: usize, v: T::Vec<S>, add: bool) {
    let v = if add { v + load::<T, S>(y, at) } else { v };
    let at = at.min(y.len());
    let y = &mut y[at..];
    match y.len() < T::Vec::<S>::LANES {
        true => v.store_first(y),
        false => v.store(y),
    }
}
