//! Exponentials, and what follows from one.

use std::f64::consts::{LN_2, LOG2_E};

use super::tables::Tables;
use crate::simd::{Lane, Vector};

/// `(n, e^r - 1)` with `x = n ln 2 + r` and `n` an integer.
#[inline(always)]
pub(super) fn reduced_exp<T: Lane + Vector<Elem: Tables>>(x: T) -> (T, T) {
    let [high, low] = T::Elem::LN_2;
    let n = (x * T::splat(LOG2_E)).round_even();
    let r = n.mul_add(T::splat(-high), x);
    let r = n.mul_add(T::splat(-low), r);
    (n, (r * r).mul_add(T::Elem::exp_tail(r), r))
}

/// `e^x`.
#[inline(always)]
pub(in crate::simd) fn exp<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
    let careful = needs_care(x, T::Elem::PLAIN * LN_2);
    let [low, high] = T::Elem::EXP_RANGE;
    let (n, q) = reduced_exp(if careful { x.clamp(low, high) } else { x });
    if careful {
        return (q + T::splat(1.0)).scale(n);
    }
    let power = T::pow2(n);
    q.mul_add(power, power)
}

/// Three steps fewer than `exp`: what is left of `x` is exact, and needs no product with a constant.
#[inline(always)]
pub(in crate::simd) fn exp2<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
    let careful = needs_care(x, T::Elem::PLAIN);
    let [low, high] = T::Elem::EXP2_RANGE;
    let x = if careful { x.clamp(low, high) } else { x };
    let n = x.round_even();
    let f = x - n;
    let q = T::Elem::exp2_tail(f).mul_add(f, T::splat(LN_2));
    if careful {
        return q.mul_add(f, T::splat(1.0)).scale(n);
    }
    let power = T::pow2(n);
    q.mul_add(f * power, power)
}

/// Whether some exponent needs care. Else `(1 + q) 2^n` is `q 2^n + 2^n`, a step fewer and with the same
/// bits, as no product with `2^n` rounds.
#[inline(always)]
fn needs_care<T: Lane>(x: T, end: f64) -> bool {
    T::SCALES || T::any(T::splat(end).lt(x.abs()))
}

/// `x 2^n` for levels without an instruction for it.
#[inline(always)]
pub(in crate::simd) fn scale<T: Lane + Vector<Elem: Tables>>(x: T, n: T) -> T {
    // 2^n alone may leave the normal numbers; of its two halves only the last one rounds.
    let half = (n * T::splat(0.5)).floor();
    x * T::pow2(half) * T::pow2(n - half)
}

/// The hyperbolic tangent, from `e^(2 |x|) - 1`, which loses no digit near 0.
#[inline(always)]
pub(in crate::simd) fn tanh<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
    let y = x.abs().clamp(0.0, T::Elem::TANH_END);
    let (n, q) = reduced_exp(y + y);
    let scale = T::pow2(n);
    let t = scale.mul_add(q, scale - T::splat(1.0));
    (t / (t + T::splat(2.0))).copysign(x)
}
