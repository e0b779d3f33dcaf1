//! The constants and polynomials of f32.

#![allow(
    clippy::excessive_precision,
    reason = "coefficients stand as they were published or fitted"
)]

use super::exp::reduced_exp;
use super::normal;
use super::poly::{base_2, halves, poly};
use super::tables::Tables;
use crate::simd::{Lane, Vector};

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
        normal::short_cdf(x)
    }
    #[inline(always)]
    fn normal<T: Lane + Vector<Elem = f32>>(x: T) -> [T; 2] {
        normal::short(x)
    }
}
