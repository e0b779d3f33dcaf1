//! What a lane can do: the vocabulary in which elementwise bodies are written.
//!
//! [`Num`] is arithmetic that integers have as well; [`Lane`] adds what only floats have. Scalars
//! (`f32`, `f64`) and vectors of every level implement both, so one body serves all of them.
//! Bodies select and never branch; a type that prints itself can therefore run them too.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// Arithmetic and comparison of one or many numbers at once; integers wrap.
///
/// A body selects and never branches: both sides are computed, and [`Num::select`] takes one for each lane.
///
/// ```
/// use std::num::Wrapping;
/// use lepton_tensor::simd::Num;
/// /// Written once, for integers, floats and vectors.
/// fn relu<T: Num>(x: T) -> T {
///     T::select(x.lt(T::splat(0.0)), T::splat(0.0), x)
/// }
/// assert_eq!(relu(-2.5f32), 0.0);
/// assert_eq!(relu(Wrapping(7i8)), Wrapping(7));
/// ```
pub trait Num:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// The answer of a comparison, lane by lane.
    type Mask: Copy
        + BitAnd<Output = Self::Mask>
        + BitOr<Output = Self::Mask>
        + Not<Output = Self::Mask>;

    /// The constant `x` in every lane (rounded or truncated to the type).
    fn splat(x: f64) -> Self;
    /// `self < o`, false where either is NaN.
    fn lt(self, o: Self) -> Self::Mask;
    /// `self <= o`, false where either is NaN.
    fn le(self, o: Self) -> Self::Mask;
    /// `self == o`, false where either is NaN.
    fn eq(self, o: Self) -> Self::Mask;
    /// `a` where `m`, else `b`.
    fn select(m: Self::Mask, a: Self, b: Self) -> Self;
    /// The larger; NaN where either is NaN (PyTorch's `maximum`).
    fn max(self, o: Self) -> Self;
    /// The smaller; NaN where either is NaN (PyTorch's `minimum`).
    fn min(self, o: Self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// 1 where `m`, else 0.
    #[inline(always)]
    fn one_where(m: Self::Mask) -> Self {
        Self::select(m, Self::splat(1.0), Self::splat(0.0))
    }
}

/// A scalar function that a lane applies one element at a time, with its name.
///
/// ```
/// use lepton_tensor::simd::{Lane, Libm};
/// let cbrt = Libm { name: "cbrt", f: f64::cbrt };
/// assert_eq!(27.0f64.libm(cbrt), 3.0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Libm {
    /// The C library's name of the function.
    pub name: &'static str,
    /// The function in f64.
    pub f: fn(f64) -> f64,
}

/// A scalar function of two numbers that a lane applies one pair at a time, with its name.
#[derive(Clone, Copy, Debug)]
pub struct Libm2 {
    /// The C library's name of the function.
    pub name: &'static str,
    /// The function in f64.
    pub f: fn(f64, f64) -> f64,
}

/// Floating-point lanes.
///
/// `exp`, `exp2`, `ln`, `tanh` and `erf` are vectorised here from a few bit-level steps (see `math.rs` for
/// polynomials and errors); what is rarer goes through [`Lane::libm`].
///
/// ```
/// use lepton_tensor::simd::Lane;
/// fn sigmoid<T: Lane>(x: T) -> T {
///     T::splat(1.0) / (T::splat(1.0) + (-x).exp())
/// }
/// assert_eq!(sigmoid(0.0f64), 0.5); // a scalar is a lane
/// ```
pub trait Lane: Num + Div<Output = Self> {
    /// Whether [`Lane::scale`] is one instruction, right for every `n`.
    const SCALES: bool = false;
    /// `self * b + c`, fused where the level has the instruction.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// The largest integer not above.
    fn floor(self) -> Self;
    /// The nearest integer, ties to even.
    fn round_even(self) -> Self;
    /// The magnitude of `self` with the sign of `o`.
    fn copysign(self, o: Self) -> Self;
    /// `2^n` for integer-valued `n` within the normal exponents of the type.
    fn pow2(n: Self) -> Self;
    /// `self * 2^n` for integer-valued `n` from -2098 to 2046, rounded once.
    fn scale(self, n: Self) -> Self;
    /// `(m, e)` with `self = m * 2^e` and `m` in `[0.5, 1)`, for positive normal `self`.
    fn frexp(self) -> (Self, Self);
    /// True where the mask has any lane set; only to leave out what would change nothing.
    fn any(m: Self::Mask) -> bool;
    /// `f` applied to each element, computed in f64.
    fn libm(self, f: Libm) -> Self;
    /// `f` applied to each pair of elements, computed in f64.
    fn libm2(self, o: Self, f: Libm2) -> Self;
    /// `e^x`.
    fn exp(self) -> Self;
    /// `2^x`.
    fn exp2(self) -> Self;
    /// The natural logarithm; NaN below 0, -inf at 0.
    fn ln(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The error function.
    fn erf(self) -> Self;
    /// The distribution function of the standard normal.
    fn normal_cdf(self) -> Self;
    /// The same and `e^(-x^2/2)`, which cost one exponential together.
    fn normal(self) -> [Self; 2];

    /// The smallest integer not below.
    #[inline(always)]
    fn ceil(self) -> Self {
        -(-self).floor()
    }
    /// The integer part.
    #[inline(always)]
    fn trunc(self) -> Self {
        self.abs().floor().copysign(self)
    }
    /// `self` held between `low` and `high`; NaN stays NaN.
    #[inline(always)]
    fn clamp(self, low: f64, high: f64) -> Self {
        let (low, high) = (Self::splat(low), Self::splat(high));
        let x = Self::select(self.lt(low), low, self);
        Self::select(high.lt(x), high, x)
    }
    /// True where NaN.
    #[inline(always)]
    fn is_nan(self) -> Self::Mask {
        !Self::eq(self, self)
    }
}

/// A register of elements that can be loaded and stored.
///
/// ```
/// use lepton_tensor::simd::{dispatch, Kernel, Simd, Vector};
/// /// Reverses pairs, whatever the width of a vector.
/// struct SwapPairs<'a>(&'a mut [f32]);
/// impl Kernel for SwapPairs<'_> {
///     type Out = ();
///     #[inline(always)]
///     fn run<S: Simd>(self, _: S) {
///         let lanes = S::F32::LANES;
///         for two in self.0.chunks_exact_mut(2 * lanes) {
///             let [even, odd] = Vector::unzip(S::F32::load(two), S::F32::load(&two[lanes..]));
///             let [a, b] = Vector::zip(odd, even);
///             a.store(two);
///             b.store(&mut two[lanes..]);
///         }
///     }
/// }
/// let mut x: Vec<f32> = (0..32).map(|i| i as f32).collect();
/// dispatch(SwapPairs(&mut x));
/// assert_eq!(x[..4], [1.0, 0.0, 3.0, 2.0]);
/// ```
pub trait Vector: Copy {
    /// The element.
    type Elem: Copy + Default;
    /// Elements in one vector.
    const LANES: usize;
    /// `x` in every lane.
    fn repeat(x: Self::Elem) -> Self;
    /// The first `LANES` elements of `x`; panics when there are fewer.
    fn load(x: &[Self::Elem]) -> Self;
    /// Writes the vector to the first `LANES` elements of `x`; panics when there are fewer.
    fn store(self, x: &mut [Self::Elem]);
    /// The same by a non-temporal store, where the level has one and the address is aligned for it.
    fn stream(self, x: &mut [Self::Elem]);
    /// The elements of `x`, at most `LANES`, with `pad` behind them.
    fn load_padded(x: &[Self::Elem], pad: Self::Elem) -> Self;
    /// The same with zeros behind them.
    #[inline(always)]
    fn load_first(x: &[Self::Elem]) -> Self {
        Self::load_padded(x, Self::Elem::default())
    }
    /// Writes the first elements of the vector to all of `x`, which has at most `LANES`.
    fn store_first(self, x: &mut [Self::Elem]);
    /// Writes the last elements of the vector to all of `x`, which has at most `LANES`.
    fn store_last(self, x: &mut [Self::Elem]);
    /// The elements of `a` and then `b` with even numbers, and those with odd ones.
    fn unzip(a: Self, b: Self) -> [Self; 2];
    /// The elements of two vectors in turn, those of `even` first: what [`Vector::unzip`] takes apart.
    fn zip(even: Self, odd: Self) -> [Self; 2];
    /// Transposes the square of the first `LANES` vectors; panics when there are fewer.
    fn transpose(square: &mut [Self]);
}
