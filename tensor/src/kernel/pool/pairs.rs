//! Adjacent windows two columns wide: a vector of them is two vectors of a row of the image, deinterleaved in
//! registers.
//!
//! Most pools are of this kind, and their rows are often short: lines in memory, which windows of any shape use
//! (`lines.rs`), would cost a LeNet's step an eighth of its time.

use std::ops::Range;

use super::axis::PoolAxis;
use super::combine::Combine;
use super::lines::{load, put};
use crate::simd::{Float, Num, Simd, Vector};

/// Whether windows have such columns, all of them inside the image.
pub(super) fn fit(columns: PoolAxis) -> bool {
    let shape = [columns.kernel, columns.stride, columns.dilation];
    shape == [2, 2, 1] && columns.padding == 0 && 2 * columns.out <= columns.size
}

/// A row of windows of `image`, each reduced to one element of `out`.
#[inline(always)]
pub(super) fn reduce<T: Float, S: Simd, C: Combine>(
    [rows, columns]: [PoolAxis; 2],
    o: usize,
    image: &[T],
    out: &mut [T],
) {
    let outside = <T::Vec<S> as Num>::splat(C::OUTSIDE);
    for i in (0..out.len()).step_by(T::Vec::<S>::LANES) {
        let mut reduced = [outside; 2];
        for (n, row) in met([rows, columns], o, rows.inside(o)).enumerate() {
            let here = two::<T, S>(&image[row], i);
            reduced = match n {
                0 => here,
                _ => [
                    C::combine(reduced[0], here[0]),
                    C::combine(reduced[1], here[1]),
                ],
            };
        }
        let [even, odd] = Vector::unzip(reduced[0], reduced[1]);
        put::<T, S>(out, i, C::combine(even, odd), false);
    }
}

/// Writes the gradient of the rows of `image` that row `o` of windows meets, from that of its largest elements,
/// `g`, of which each goes to the first of equals.
#[inline(always)]
pub(super) fn max_backward<T: Float, S: Simd>(
    [rows, columns]: [PoolAxis; 2],
    o: usize,
    image: &[T],
    g: &[T],
    out: &mut [T],
) {
    let splat = <T::Vec<S> as Num>::splat;
    let (lanes, taps) = (T::Vec::<S>::LANES, rows.inside(o));
    let place = |n: usize| splat(n as f64);
    for i in (0..g.len()).step_by(lanes) {
        // Where nothing is larger than negative infinity, the first place is that of the largest.
        let (mut best, mut at) = (splat(f64::NEG_INFINITY), splat(0.0));
        for (n, row) in met([rows, columns], o, taps.clone()).enumerate() {
            let [a, b] = two::<T, S>(&image[row], i);
            for (c, v) in Vector::unzip(a, b).into_iter().enumerate() {
                // Larger or NaN, and none was NaN before.
                let further = !v.le(best) & best.eq(best);
                best = Num::select(further, v, best);
                at = Num::select(further, place(2 * n + c), at);
            }
        }
        let g = load::<T, S>(g, i);
        for (n, row) in met([rows, columns], o, taps.clone()).enumerate() {
            let part = |c| Num::select(at.eq(place(2 * n + c)), g, splat(0.0));
            let [a, b] = Vector::zip(part(0), part(1));
            put::<T, S>(&mut out[row.clone()], 2 * i, a, false);
            put::<T, S>(&mut out[row], 2 * i + lanes, b, false);
        }
    }
    for row in met([rows, columns], o, taps) {
        // Behind the last window there is nothing.
        out[row.end..row.start + columns.size].fill(T::default());
    }
}

/// Where the rows that row `o` of windows meets with `taps` stand in an image, as far as windows reach.
#[inline(always)]
fn met(
    [rows, columns]: [PoolAxis; 2],
    o: usize,
    taps: Range<usize>,
) -> impl Iterator<Item = Range<usize>> {
    taps.map(move |tap| {
        let start = rows.place(o, tap) * columns.size;
        start..start + 2 * columns.out
    })
}

/// The elements of a row that windows from `i` on meet.
#[inline(always)]
fn two<T: Float, S: Simd>(row: &[T], i: usize) -> [T::Vec<S>; 2] {
    let lanes = T::Vec::<S>::LANES;
    [load::<T, S>(row, 2 * i), load::<T, S>(row, 2 * i + lanes)]
}
