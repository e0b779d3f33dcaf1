//! `exp`, `ln`, `tanh` and `erf`, each written once for scalars and for the vectors of every level.
//!
//! | | f32 | f64 |
//! |---|---|---|
//! | `exp` | `e^x = 2^n e^r`, `abs(r) <= ln 2 / 2`, minimax polynomial of degree 7 | the same, degree 11 |
//! | `exp2` | `2^x = 2^n 2^f`, `abs(f) <= 1/2`, the same polynomial of `f ln 2` | the same |
//! | `ln` | fdlibm's `log(1 + f)` in `s = f / (2 + f)`, 4 terms | the same, 7 terms |
//! | `tanh` | `t / (t + 2)` with `t = e^(2x) - 1` from the same reduction | the same |
//! | `erf` | `x + x P(x^2)`, and `1 - e^Q(x)` from 0.92 on | fdlibm's rational pieces |
//!
//! The worst relative errors that the tests allow are 2e-7 in f32 and 1e-15 in f64 on every level
//! (seen: 8e-8, 8e-8, 1.6e-7, 1e-7 in f32, below 5e-16 in f64), and infinities, NaN, signed zeros and subnormals come out as in the C library. The polynomials of
//! `exp` and of the f32 `erf` were fitted by the Remez exchange; those of `ln` and of the f64 `erf`
//! are the coefficients published in fdlibm (Sun Microsystems, 1993: `e_log.c`, `s_erf.c`; the f32
//! `ln` from FreeBSD's `e_logf.c`).
//!
//! Every step acts on each lane alone, so an element has the same bits wherever it stands.

#![allow(
    clippy::excessive_precision,
    reason = "coefficients stand as they were published or fitted"
)]

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

use super::{Lane, Vector};

/// What the functions of this file need to know of an element type.
pub trait Tables: Copy + 'static {
    /// The float with all bits set.
    const ALL_BITS: Self;
    /// The float with all bits set but the sign.
    const ALL_BUT_SIGN: Self;
    /// The float with the bits of the mantissa set.
    const MANTISSA: Self;
    /// 2 to the number of mantissa bits: from here on, floats are integers.
    const INTEGER: f64;
    /// The bias of the exponent.
    const BIAS: f64;
    /// The smallest normal number.
    const TINY: f64;
    /// `ln 2` in two parts; the product of the first and an exponent is exact.
    const LN_2: [f64; 2];
    /// Where `exp` has become 0 and infinity.
    const EXP_RANGE: [f64; 2];
    /// For `n` up to here, either sign, all bits of `2^n` times what rounds `1 + q` are normal numbers.
    const PLAIN: f64;
    /// Where `exp2` has become 0 and infinity.
    const EXP2_RANGE: [f64; 2];
    /// Where `tanh` has become 1.
    const TANH_END: f64;

    /// `x`, rounded to the type.
    fn from_f64(x: f64) -> Self;
    /// The value in f64.
    fn to_f64(self) -> f64;
    /// `P` of `e^r - 1 = r + r^2 P(r)`.
    fn exp_tail<T: Lane>(r: T) -> T;
    /// `P` of `2^f - 1 = f ln 2 + f^2 P(f)`.
    fn exp2_tail<T: Lane>(f: T) -> T;
    /// `R` of `ln((1 + s) / (1 - s)) = 2s + s R(s^2)`.
    fn ln_tail<T: Lane>(z: T) -> T;
    /// The error function.
    fn erf<T: Lane + Vector<Elem = Self>>(x: T) -> T;
    /// The distribution function of the standard normal.
    fn normal_cdf<T: Lane + Vector<Elem = Self>>(x: T) -> T;
    /// The same and `e^(-x^2/2)`.
    fn normal<T: Lane + Vector<Elem = Self>>(x: T) -> [T; 2];
}

/// `c[0] + c[1] x + c[2] x^2 + ..` by Horner's rule.
#[inline(always)]
pub(super) fn poly<T: Lane, const N: usize>(x: T, c: [f64; N]) -> T {
    let mut y = T::splat(c[N - 1]);
    for i in (0..N - 1).rev() {
        y = y.mul_add(x, T::splat(c[i]));
    }
    y
}

/// The same as two polynomials in `x^2`, of the even and of the odd powers: half as many steps wait for each
/// other. One product more, where `x^2` is not there already.
#[inline(always)]
fn halves<T: Lane, const N: usize>(x: T, c: [f64; N]) -> T {
    let square = x * x;
    let every_other = |last: usize| {
        let mut y = T::splat(c[last]);
        for i in (0..last).rev().skip(1).step_by(2) {
            y = y.mul_add(square, T::splat(c[i]));
        }
        y
    };
    let [even, odd] = match N % 2 {
        0 => [every_other(N - 2), every_other(N - 1)],
        _ => [every_other(N - 1), every_other(N - 2)],
    };
    odd.mul_add(x, even)
}

/// `(n, e^r - 1)` with `x = n ln 2 + r` and `n` an integer.
#[inline(always)]
fn reduced_exp<T: Lane + Vector<Elem: Tables>>(x: T) -> (T, T) {
    let [high, low] = T::Elem::LN_2;
    let n = (x * T::splat(LOG2_E)).round_even();
    let r = n.mul_add(T::splat(-high), x);
    let r = n.mul_add(T::splat(-low), r);
    (n, (r * r).mul_add(T::Elem::exp_tail(r), r))
}

#[inline(always)]
pub(super) fn exp<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
    let far = far(x, T::Elem::PLAIN * LN_2);
    let [low, high] = T::Elem::EXP_RANGE;
    let (n, q) = reduced_exp(if far { x.clamp(low, high) } else { x });
    if far {
        return (q + T::splat(1.0)).scale(n);
    }
    let power = T::pow2(n);
    q.mul_add(power, power)
}

/// Three steps fewer than `exp`: what is left of `x` is exact, and needs no product with a constant.
#[inline(always)]
pub(super) fn exp2<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
    let far = far(x, T::Elem::PLAIN);
    let [low, high] = T::Elem::EXP2_RANGE;
    let x = if far { x.clamp(low, high) } else { x };
    let n = x.round_even();
    let f = x - n;
    let q = T::Elem::exp2_tail(f).mul_add(f, T::splat(LN_2));
    if far {
        return q.mul_add(f, T::splat(1.0)).scale(n);
    }
    let power = T::pow2(n);
    q.mul_add(f * power, power)
}

/// Whether some exponent needs care. Else `(1 + q) 2^n` is `q 2^n + 2^n`, a step fewer and with the same
/// bits, as no product with `2^n` rounds.
#[inline(always)]
fn far<T: Lane>(x: T, end: f64) -> bool {
    T::SCALES || T::any(T::splat(end).lt(x.abs()))
}

/// The coefficients of `2^f = 1 + f ln 2 + f^2 P(f)` from those of `e^r = 1 + r + r^2 P(r)`.
const fn base_2<const N: usize>(mut tail: [f64; N]) -> [f64; N] {
    let (mut i, mut power) = (0, LN_2 * LN_2);
    while i < N {
        tail[i] *= power;
        power *= LN_2;
        i += 1;
    }
    tail
}

/// `x 2^n` for levels without an instruction for it.
#[inline(always)]
pub(super) fn scale<T: Lane + Vector<Elem: Tables>>(x: T, n: T) -> T {
    // 2^n alone may leave the normal numbers; of its two halves only the last one rounds.
    let half = (n * T::splat(0.5)).floor();
    x * T::pow2(half) * T::pow2(n - half)
}

#[inline(always)]
pub(super) fn tanh<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
    let y = x.abs().clamp(0.0, T::Elem::TANH_END);
    let (n, q) = reduced_exp(y + y);
    let scale = T::pow2(n);
    let t = scale.mul_add(q, scale - T::splat(1.0));
    (t / (t + T::splat(2.0))).copysign(x)
}

#[inline(always)]
pub(super) fn ln<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
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

/// `P` of `e^r - 1 = r + r^2 P(r)` in f32.
const EXP_F32: [f64; 6] = [
    0.5000000047,
    0.1666666682,
    0.04166635354,
    0.008333272828,
    0.001394110219,
    0.0001991430415,
];

impl Tables for f32 {
    const ALL_BITS: f32 = f32::from_bits(u32::MAX);
    const ALL_BUT_SIGN: f32 = f32::from_bits(u32::MAX >> 1);
    const MANTISSA: f32 = f32::from_bits((1 << 23) - 1);
    const INTEGER: f64 = 8388608.0;
    const BIAS: f64 = 127.0;
    const TINY: f64 = f32::MIN_POSITIVE as f64;
    const LN_2: [f64; 2] = [0.693359375, -2.121944400546905827679e-4];
    const EXP_RANGE: [f64; 2] = [-104.0, 89.0];
    const PLAIN: f64 = 92.0;
    const EXP2_RANGE: [f64; 2] = [-151.0, 129.0];
    const TANH_END: f64 = 10.0;

    #[inline(always)]
    fn from_f64(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.into()
    }
    #[inline(always)]
    fn exp_tail<T: Lane>(r: T) -> T {
        halves(r, EXP_F32)
    }
    #[inline(always)]
    fn exp2_tail<T: Lane>(f: T) -> T {
        poly(f, const { base_2(EXP_F32) })
    }
    #[inline(always)]
    fn ln_tail<T: Lane>(z: T) -> T {
        const R: [f64; 4] = [0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841];
        z * poly(z, R)
    }
    #[inline(always)]
    fn erf<T: Lane + Vector<Elem = f32>>(x: T) -> T {
        const NEAR: [f64; 6] = [
            0.1283791477,
            -0.376124811,
            0.1128168254,
            -0.0267617198,
            0.004985940513,
            -0.0005953741297,
        ];
        const FAR: [f64; 8] = [
            0.0001746829153,
            -1.129514923,
            -0.6333469225,
            -0.1082800709,
            0.02511941488,
            -0.004171058078,
            0.0004344615527,
            -2.109495459e-5,
        ];
        let a = x.abs();
        let near = x.mul_add(poly(x * x, NEAR), x);
        let outside = T::splat(0.92).lt(a);
        // An element's bits do not depend on whether its vector takes this turn.
        if !T::any(outside) {
            return near;
        }
        // `e^Q` is between 1.5e-8 and 0.2 here, far from where exponents end.
        let (n, q) = reduced_exp(poly(a.clamp(0.92, 4.0), FAR));
        let (one, scale) = (T::splat(1.0), T::pow2(n));
        let far = one - scale.mul_add(q, scale);
        T::select(outside, far.copysign(x), near)
    }
    #[inline(always)]
    fn normal_cdf<T: Lane + Vector<Elem = f32>>(x: T) -> T {
        super::normal::short_cdf(x)
    }
    #[inline(always)]
    fn normal<T: Lane + Vector<Elem = f32>>(x: T) -> [T; 2] {
        super::normal::short(x)
    }
}

/// `P` of `e^r - 1 = r + r^2 P(r)` in f64.
const EXP_F64: [f64; 10] = [
    0.50000000000000056,
    0.16666666666666686184,
    0.041666666666572953628,
    0.0083333333333144423994,
    0.0013888888932614027758,
    0.00019841269903406821958,
    0.000024801504147351812431,
    2.7557227578395388002e-6,
    2.762645082475701675e-7,
    2.5114602518753207741e-8,
];

impl Tables for f64 {
    const ALL_BITS: f64 = f64::from_bits(u64::MAX);
    const ALL_BUT_SIGN: f64 = f64::from_bits(u64::MAX >> 1);
    const MANTISSA: f64 = f64::from_bits((1 << 52) - 1);
    const INTEGER: f64 = 4503599627370496.0;
    const BIAS: f64 = 1023.0;
    const TINY: f64 = f64::MIN_POSITIVE;
    const LN_2: [f64; 2] = [6.93147180369123816490e-1, 1.90821492927058770002e-10];
    const EXP_RANGE: [f64; 2] = [-746.0, 710.0];
    const PLAIN: f64 = 920.0;
    const EXP2_RANGE: [f64; 2] = [-1077.0, 1025.0];
    const TANH_END: f64 = 22.0;

    #[inline(always)]
    fn from_f64(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn exp_tail<T: Lane>(r: T) -> T {
        halves(r, EXP_F64)
    }
    #[inline(always)]
    fn exp2_tail<T: Lane>(f: T) -> T {
        poly(f, const { base_2(EXP_F64) })
    }
    #[inline(always)]
    fn ln_tail<T: Lane>(z: T) -> T {
        const R: [f64; 7] = [
            6.666666666666735130e-1,
            3.999999999940941908e-1,
            2.857142874366239149e-1,
            2.222219843214978396e-1,
            1.818357216161805012e-1,
            1.531383769920937332e-1,
            1.479819860511658591e-1,
        ];
        z * poly(z, R)
    }
    #[inline(always)]
    fn erf<T: Lane + Vector<Elem = f64>>(x: T) -> T {
        super::erf::erf(x)
    }
    #[inline(always)]
    fn normal_cdf<T: Lane + Vector<Elem = f64>>(x: T) -> T {
        super::normal::long_cdf(x)
    }
    #[inline(always)]
    fn normal<T: Lane + Vector<Elem = f64>>(x: T) -> [T; 2] {
        super::normal::long(x)
    }
}
