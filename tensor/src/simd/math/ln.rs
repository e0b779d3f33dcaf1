//! The natural logarithm.

use std::f64::consts::FRAC_1_SQRT_2;

use super::tables::Tables;
use crate::simd::{Lane, Vector};

/// The natural logarithm: NaN below 0, negative infinity at 0.
#[inline(always)]
pub(in crate::simd) fn ln<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
    let zero = T::splat(0.0);
    let subnormal = x.lt(T::splat(T::Elem::TINY));
    let scaled = T::select(subnormal, x * T::splat(T::Elem::INTEGER * 2.0), x);
    let (m, e) = scaled.frexp();
    // m in [sqrt(1/2), sqrt(2)), so that ln has no cancellation near 1.
    let below = m.lt(T::splat(FRAC_1_SQRT_2));
    let f = T::select(below, m + m, m) - T::splat(1.0);
    let e = e - T::one_where(below);
    let e = e - T::select(subnormal, T::splat(T::Elem::INTEGER.log2() + 1.0), zero);

    let s = f / (f + T::splat(2.0));
    let square = f * f * T::splat(0.5);
    let tail = s * (square + T::Elem::ln_tail(s * s));
    let [high, low] = T::Elem::LN_2;
    let y = e.mul_add(
        T::splat(high),
        f - (square - e.mul_add(T::splat(low), tail)),
    );

    let y = T::select(x.lt(T::splat(f64::INFINITY)), y, x);
    let y = T::select(x.eq(zero), T::splat(f64::NEG_INFINITY), y);
    T::select(x.lt(zero), T::splat(f64::NAN), y)
}
