//! What the functions of this folder know of an element type.

use crate::simd::{Lane, Vector};

/// Constants and polynomials of an element type.
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
