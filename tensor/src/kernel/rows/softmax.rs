//! Softmax over rows, its logarithm, and the gradients of both.

use std::f64::consts::{LN_2, LOG2_E};

use super::vectors::{BLOCK, dot, part, put, sum, uneven};
use crate::dtype::Element;
use crate::simd::{
    Float, Kernel, Lane, MaxBody, Num, Partial, Simd, SumBody, Vector, prefetch_next,
};

/// Which of the two functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SoftmaxKind {
    /// `e^x / sum e^x`.
    Plain,
    /// `x - ln sum e^x`.
    Log,
}

/// Softmax of each row of `len` elements.
pub(crate) struct Softmax<'a, T> {
    /// The rows.
    pub(crate) x: &'a [T],
    /// The result.
    pub(crate) y: &'a mut [T],
    /// Elements of a row.
    pub(crate) len: usize,
    /// Softmax or its logarithm.
    pub(crate) kind: SoftmaxKind,
}

/// The largest of a row: NaN where any is NaN.
#[inline(always)]
pub(crate) fn top<T: Float, S: Simd>(x: &[T]) -> T {
    let low = <T as Num>::splat(f64::NEG_INFINITY);
    let mut part = Partial::<T, S>::new(low);
    part.feed(x, x, low, |most, x, _| most.max(x));
    part.finish(MaxBody)
}

/// The largest number of a row. A NaN is passed over: the row's sum will have it.
#[inline(always)]
pub(super) fn highest<T: Float, S: Simd>(x: &[T]) -> T {
    let low = <T as Num>::splat(f64::NEG_INFINITY);
    let mut part = Partial::<T, S>::new(low);
    let larger = |most: T::Vec<S>, x: T::Vec<S>, _| Num::select(most.lt(x), x, most);
    let lanes = T::Vec::<S>::LANES;
    let mut even = x;
    if x.len() > lanes {
        // The first vectors may overlap: what is seen twice changes no maximum.
        part.feed(&x[..lanes], &x[..lanes], low, larger);
        even = &x[uneven::<T, S>(x)..];
    }
    part.feed(even, even, low, larger);
    part.finish(MaxBody)
}

/// `(e^r - 1) / r` in f32 for `abs(r) <= ln 2 / 2`, fitted by Lawson's iteration for the relative error
/// of `e^r`, which is below 1e-7 (1.5e-7 with rounding).
const SLOPE: [f64; 5] = [
    0.9999997063,
    0.4999914784,
    0.1666763813,
    0.04189815962,
    0.008290272112,
];

/// `e^x` for `x` of at most 0, or NaN: without a bound above, with 0 where the result would be below the
/// normal numbers, and in f32 with two terms less, it takes half of the steps of `exp`.
#[inline(always)]
pub(crate) fn power<T: Float, S: Simd>(x: T::Vec<S>) -> T::Vec<S> {
    let c = <T::Vec<S> as Num>::splat;
    let [high, low] = T::LN_2;
    let n = (x * c(LOG2_E)).round_even();
    let r = n.mul_add(c(-low), n.mul_add(c(-high), x));
    let slope = if T::EPSILON > 1e-10 {
        let [a, b, d, e, f] = SLOPE.map(c);
        let tail = f.mul_add(r, e).mul_add(r, d);
        tail.mul_add(r, b).mul_add(r, a)
    } else {
        T::exp_tail(r).mul_add(r, c(1.0))
    };
    let e = slope.mul_add(r, c(1.0));
    let y = e * Lane::pow2(n);
    Num::select(x.lt(c((1.0 - T::BIAS) * LN_2)), c(0.0), y)
}

/// The sum of `e^(x - top)`, which where `KEEP` are written to `y`. An element that is NaN, or a `top` that is, gives NaN.
#[inline(always)]
pub(super) fn powers<T: Float + Element, S: Simd, const KEEP: bool>(
    x: &[T],
    top: T,
    y: &mut [T],
) -> f64 {
    let lanes = T::Vec::<S>::LANES;
    let (low, top) = (
        <T as Num>::splat(f64::NEG_INFINITY),
        <T::Vec<S> as Vector>::repeat(top),
    );
    let mut total = 0.0;
    let mut start = 0;
    while start < x.len() {
        let end = x.len().min(start + BLOCK);
        let mut sums = [<T::Vec<S> as Num>::splat(0.0); 4];
        let mut at = start;
        while at + 4 * lanes <= end {
            for u in 0..4 {
                let i = at + u * lanes;
                prefetch_next::<S, _>(x, i);
                if KEEP {
                    prefetch_next::<S, _>(y, i);
                }
                let e = power::<T, S>(T::Vec::<S>::load(&x[i..]) - top);
                if KEEP {
                    e.store(&mut y[i..]);
                }
                sums[u] = sums[u] + e;
            }
            at += 4 * lanes;
        }
        for i in (at..end).step_by(lanes) {
            let e = power::<T, S>(part::<T, S>(&x[i..end], low) - top);
            if KEEP {
                put::<T, S>(e, &mut y[i..end]);
            }
            sums[0] = sums[0] + e;
        }
        total += Element::to_f64(Partial::<T, S>::of(sums).finish(SumBody));
        start = end;
    }
    total
}

/// `ln sum e^(x - top)`, where `top` is the largest of `x`.
#[inline(always)]
pub(super) fn log_powers<T: Float + Element, S: Simd>(x: &[T], top: T) -> f64 {
    let total = powers::<T, S, false>(x, top, &mut []);
    if total < NEAR_ONE
        && let Some(i) = x.iter().position(|&v| v == top)
    {
        // A sum next to 1 has rounded away what its logarithm is made of: the rest is added up by itself.
        let rest = [&x[..i], &x[i + 1..]].map(|x| powers::<T, S, false>(x, top, &mut []));
        return (rest[0] + rest[1]).ln_1p();
    }
    total.ln()
}

/// Sums up to here are taken again without their largest term.
const NEAR_ONE: f64 = 1.0 + 1.0 / 128.0;

impl<T: Float + Element> Kernel for Softmax<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let rows = self.x.chunks_exact(self.len);
        for (x, y) in rows.zip(self.y.chunks_exact_mut(self.len)) {
            let top = highest::<T, S>(x);
            match self.kind {
                SoftmaxKind::Plain => {
                    let total = powers::<T, S, true>(x, top, y);
                    scale::<T, S>(y, 1.0 / total);
                }
                SoftmaxKind::Log => {
                    logarithm::<T, S>(x, y, top, log_powers::<T, S>(x, top));
                }
            }
        }
    }
}

/// Multiplies a row by a number.
#[inline(always)]
pub(crate) fn scale<T: Float, S: Simd>(y: &mut [T], by: f64) {
    let by = <T::Vec<S> as Num>::splat(by);
    let (before, even) = y.split_at_mut(uneven::<T, S>(y));
    let mut vectors = even.chunks_exact_mut(T::Vec::<S>::LANES);
    for part in &mut vectors {
        (T::Vec::<S>::load(part) * by).store(part);
    }
    for part in [before, vectors.into_remainder()] {
        if !part.is_empty() {
            (T::Vec::<S>::load_first(part) * by).store_first(part);
        }
    }
}

/// In two steps, so that a large `top` does not swallow the digits of the logarithm.
#[inline(always)]
fn logarithm<T: Float, S: Simd>(x: &[T], y: &mut [T], top: T, log: f64) {
    let (top, log) = (
        <T::Vec<S> as Vector>::repeat(top),
        <T::Vec<S> as Num>::splat(log),
    );
    for i in (0..x.len()).step_by(T::Vec::<S>::LANES) {
        let v = part::<T, S>(&x[i..], T::default()) - top - log;
        put::<T, S>(v, &mut y[i..]);
    }
}

/// The gradient for the cotangent `g` of the result `y`: `(g - sum g y) y`, or `g - e^y sum g`.
pub(crate) struct SoftmaxBackward<'a, T> {
    /// The cotangent of the result.
    pub(crate) g: &'a [T],
    /// The result.
    pub(crate) y: &'a [T],
    /// The gradient of the rows.
    pub(crate) dx: &'a mut [T],
    /// Elements of a row.
    pub(crate) len: usize,
    /// Softmax or its logarithm.
    pub(crate) kind: SoftmaxKind,
}

impl<T: Float + Element> Kernel for SoftmaxBackward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (lanes, zero) = (T::Vec::<S>::LANES, T::default());
        let rows = self.g.chunks_exact(self.len);
        let rows = rows.zip(self.y.chunks_exact(self.len));
        for ((g, y), dx) in rows.zip(self.dx.chunks_exact_mut(self.len)) {
            let total = match self.kind {
                SoftmaxKind::Plain => dot::<T, S>(g, y),
                SoftmaxKind::Log => sum::<T, S>(g),
            };
            let total = <T::Vec<S> as Num>::splat(total);
            for i in (0..g.len()).step_by(lanes) {
                let (g, y) = (part::<T, S>(&g[i..], zero), part::<T, S>(&y[i..], zero));
                let v = match self.kind {
                    SoftmaxKind::Plain => (g - total) * y,
                    SoftmaxKind::Log => g - y.exp() * total,
                };
                put::<T, S>(v, &mut dx[i..]);
            }
        }
    }
}
