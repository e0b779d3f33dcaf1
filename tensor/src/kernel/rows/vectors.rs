//! Parts of rows as vectors, and sums over rows.

use crate::dtype::Element;
use crate::simd::{self, Float, Lane, Partial, Simd, SumBody, Vector, sum_lanes};

/// Elements whose sum is taken in vectors before it is added to the others in f64.
pub(super) const BLOCK: usize = 1024;

/// The vector at the front of `x`; where fewer elements are left, `pad` stands behind them.
#[inline(always)]
pub(crate) fn part<T: Float, S: Simd>(x: &[T], pad: T) -> T::Vec<S> {
    let n = x.len().min(T::Vec::<S>::LANES);
    Vector::load_padded(&x[..n], pad)
}

/// The elements of `x` before the first vector that lies on a boundary of its own size.
///
/// A vector that crosses a cache line takes twice the time of one that does not, and rows of an odd length
/// cross one at every step.
#[inline(always)]
pub(super) fn uneven<T: Float, S: Simd>(x: &[T]) -> usize {
    simd::elements_before_aligned(x, T::Vec::<S>::LANES * size_of::<T>())
}

/// Writes `v`, or as much of it as `out` holds, to the front of `out`.
#[inline(always)]
pub(crate) fn put<T: Float, S: Simd>(v: T::Vec<S>, out: &mut [T]) {
    let n = out.len().min(T::Vec::<S>::LANES);
    v.store_first(&mut out[..n]);
}

/// The vector at the front of `x`, zeros behind what is left; where `WHOLE` it is sure to be whole.
#[inline(always)]
pub(crate) fn get<T: Float, S: Simd, const WHOLE: bool>(x: &[T]) -> T::Vec<S> {
    if WHOLE {
        Vector::load(x)
    } else {
        Vector::load_first(&x[..x.len().min(T::Vec::<S>::LANES)])
    }
}

/// [`put`], which where `WHOLE` is sure to find room for a whole vector.
#[inline(always)]
pub(crate) fn set<T: Float, S: Simd, const WHOLE: bool>(v: T::Vec<S>, out: &mut [T]) {
    if WHOLE {
        v.store(out);
    } else {
        put::<T, S>(v, out);
    }
}

/// The sum over a row of `step`, which adds what it sees of `x` and `y` to a vector of sums; behind
/// the tail it sees `pad` twice, of which it must make nothing.
#[inline(always)]
pub(crate) fn total<T: Float + Element, S: Simd>(
    x: &[T],
    y: &[T],
    pad: T,
    step: impl Fn(T::Vec<S>, T::Vec<S>, T::Vec<S>) -> T::Vec<S>,
) -> f64 {
    let mut sum = 0.0;
    let mut start = 0;
    while start < x.len() {
        let end = x.len().min(start + BLOCK);
        let mut part = Partial::<T, S>::new(T::default());
        part.feed(&x[start..end], &y[start..end], pad, &step);
        sum += Element::to_f64(part.finish(SumBody));
        start = end;
    }
    sum
}

/// The sum of a row.
#[inline(always)]
pub(crate) fn sum<T: Float + Element, S: Simd>(x: &[T]) -> f64 {
    total::<T, S>(x, x, T::default(), |sum, x, _| sum + x)
}

/// The sum of the products of two rows.
#[inline(always)]
pub(crate) fn dot<T: Float + Element, S: Simd>(x: &[T], y: &[T]) -> f64 {
    total::<T, S>(x, y, T::default(), |sum, x, y| x.mul_add(y, sum))
}

/// The sum of a vector's elements.
#[inline(always)]
pub(super) fn across<T: Float + Element, S: Simd>(v: T::Vec<S>) -> f64 {
    // Beside zero, so that a sum of negative zeros is zero.
    Element::to_f64(sum_lanes::<T, S>(v + Vector::repeat(T::default())))
}
