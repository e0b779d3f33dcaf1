//! The constants and polynomials of f64.

#![allow(
    clippy::excessive_precision,
    reason = "coefficients stand as they were published or fitted"
)]

use super::erf;
use super::normal;
use super::poly::{base_2, halves, poly};
use super::tables::Tables;
use crate::simd::{Lane, Vector};

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
        erf::erf(x)
    }
    #[inline(always)]
    fn normal_cdf<T: Lane + Vector<Elem = f64>>(x: T) -> T {
        normal::long_cdf(x)
    }
    #[inline(always)]
    fn normal<T: Lane + Vector<Elem = f64>>(x: T) -> [T; 2] {
        normal::long(x)
    }
}
