//! A vector's elements combined into one, pairwise: the one order of such sums.

use super::{Float, MAX_LANES, Num, Simd, SumBody, Vector, ZipBody};

/// The elements of `v` combined by `f`: halves of the vector, then halves of those, and so on.
#[inline(always)]
pub(crate) fn fold_lanes<T: Float, S: Simd>(v: T::Vec<S>, f: impl ZipBody) -> T {
    let mut x = [T::default(); MAX_LANES];
    v.store(&mut x);
    let mut n = T::Vec::<S>::LANES;
    while n > 1 {
        n /= 2;
        for i in 0..n {
            x[i] = f.f(x[i], x[i + n]);
        }
    }
    x[0]
}

/// The sum of the elements of `v`.
#[inline(always)]
pub(crate) fn sum_lanes<T: Float, S: Simd>(v: T::Vec<S>) -> T {
    fold_lanes::<T, S>(v, SumBody)
}

/// [`sum_lanes`] of each of several vectors at once, by transposing them: the same bits.
#[inline(always)]
pub(crate) fn sum_lanes_of_each<T: Float, S: Simd, const N: usize>(v: &[T::Vec<S>; N]) -> [T; N] {
    let lanes = T::Vec::<S>::LANES;
    let mut totals = [T::default(); N];
    for first in (0..N).step_by(lanes) {
        let mut square = [<T::Vec<S> as Num>::splat(0.0); MAX_LANES];
        let n = lanes.min(N - first);
        square[..n].copy_from_slice(&v[first..first + n]);
        T::Vec::<S>::transpose(&mut square);
        let mut half = lanes / 2;
        while half > 0 {
            for i in 0..half {
                square[i] = square[i] + square[i + half];
            }
            half /= 2;
        }
        let mut all = [T::default(); MAX_LANES];
        square[0].store(&mut all);
        totals[first..first + n].copy_from_slice(&all[..n]);
    }
    totals
}
