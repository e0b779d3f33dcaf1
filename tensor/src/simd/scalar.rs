//! Scalars as lanes: `f32` and `f64` with everything a [`Lane`] has, wrapping integers with what a
//! [`Num`] has.
//!
//! A scalar's multiply-add is a product and a sum, as on the portable level, so both give the same
//! bits. (`f32::mul_add` without the FMA instruction is a slow call into the C library.)

use std::num::Wrapping;
use std::ops::{Add, Mul, Neg, Sub};

use super::math::{self, Tables};
use super::{Lane, Libm, Libm2, Num, Vector};

/// `Num`, `Lane` and `Vector` of a primitive float; the two differ in names only.
macro_rules! scalar_lane {
    ($T:ident, $MANTISSA_BITS:literal) => {
        impl Num for $T {
            type Mask = bool;

            #[inline(always)]
            fn splat(x: f64) -> Self {
                x as $T
            }
            #[inline(always)]
            fn lt(self, o: Self) -> bool {
                self < o
            }
            #[inline(always)]
            fn le(self, o: Self) -> bool {
                self <= o
            }
            #[inline(always)]
            fn eq(self, o: Self) -> bool {
                self == o
            }
            #[inline(always)]
            fn select(m: bool, a: Self, b: Self) -> Self {
                if m { a } else { b }
            }
            #[inline(always)]
            fn max(self, o: Self) -> Self {
                if self > o || self.is_nan() { self } else { o }
            }
            #[inline(always)]
            fn min(self, o: Self) -> Self {
                if self < o || self.is_nan() { self } else { o }
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$T>::abs(self)
            }
        }

        impl Lane for $T {
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                self * b + c
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$T>::sqrt(self)
            }
            #[inline(always)]
            fn floor(self) -> Self {
                <$T>::floor(self)
            }
            #[inline(always)]
            fn round_even(self) -> Self {
                <$T>::round_ties_even(self)
            }
            #[inline(always)]
            fn copysign(self, o: Self) -> Self {
                <$T>::copysign(self, o)
            }
            #[inline(always)]
            fn pow2(n: Self) -> Self {
                let biased = n + (<$T>::INTEGER + <$T>::BIAS) as $T;
                <$T>::from_bits(biased.to_bits() << $MANTISSA_BITS)
            }
            #[inline(always)]
            fn scale(self, n: Self) -> Self {
                math::scale(self, n)
            }
            #[inline(always)]
            fn frexp(self) -> (Self, Self) {
                let mantissa = self.to_bits() & <$T>::MANTISSA.to_bits();
                let e = (self.to_bits() >> $MANTISSA_BITS) as $T - (<$T>::BIAS - 1.0) as $T;
                (<$T>::from_bits(mantissa | (0.5 as $T).to_bits()), e)
            }
            #[inline(always)]
            fn any(m: bool) -> bool {
                m
            }
            #[inline(always)]
            fn libm(self, f: Libm) -> Self {
                (f.f)(self.into()) as $T
            }
            #[inline(always)]
            fn libm2(self, o: Self, f: Libm2) -> Self {
                (f.f)(self.into(), o.into()) as $T
            }
            #[inline(always)]
            fn exp(self) -> Self {
                math::exp(self)
            }
            #[inline(always)]
            fn exp2(self) -> Self {
                math::exp2(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                math::ln(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                math::tanh(self)
            }
            #[inline(always)]
            fn erf(self) -> Self {
                <$T as Tables>::erf(self)
            }
            #[inline(always)]
            fn normal_cdf(self) -> Self {
                <$T as Tables>::normal_cdf(self)
            }
            #[inline(always)]
            fn normal(self) -> [Self; 2] {
                <$T as Tables>::normal(self)
            }
        }

        impl Vector for $T {
            type Elem = $T;
            const LANES: usize = 1;
            #[inline(always)]
            fn repeat(x: $T) -> Self {
                x
            }
            #[inline(always)]
            fn load(x: &[$T]) -> Self {
                x[0]
            }
            #[inline(always)]
            fn stream(self, x: &mut [$T]) {
                self.store(x);
            }
            #[inline(always)]
            fn store(self, x: &mut [$T]) {
                x[0] = self;
            }
            #[inline(always)]
            fn load_padded(x: &[$T], pad: $T) -> Self {
                x.first().copied().unwrap_or(pad)
            }
            #[inline(always)]
            fn store_first(self, x: &mut [$T]) {
                x.fill(self);
            }
            #[inline(always)]
            fn store_last(self, x: &mut [$T]) {
                x.fill(self);
            }
            #[inline(always)]
            fn unzip(a: $T, b: $T) -> [$T; 2] {
                [a, b]
            }
            #[inline(always)]
            fn zip(even: $T, odd: $T) -> [$T; 2] {
                [even, odd]
            }
            #[inline(always)]
            fn transpose(_: &mut [$T]) {}
        }
    };
}

scalar_lane!(f32, 23);
scalar_lane!(f64, 52);

/// The integers whose wrapping forms are [`Num`]s: what a generic body cannot say of them itself.
pub trait Integer: Copy + Ord {
    /// `x` truncated, and held within the type.
    fn truncate(x: f64) -> Self;
    /// The absolute value, wrapping.
    fn magnitude(self) -> Self;
}

/// The two methods, for each width.
macro_rules! integer {
    ($T:ident, $magnitude:expr) => {
        impl Integer for $T {
            #[inline(always)]
            fn truncate(x: f64) -> $T {
                x as $T
            }
            #[inline(always)]
            fn magnitude(self) -> $T {
                $magnitude(self)
            }
        }
    };
}

integer!(i64, i64::wrapping_abs);
integer!(i32, i32::wrapping_abs);
integer!(i8, i8::wrapping_abs);
integer!(u8, std::convert::identity);

impl<I: Integer> Num for Wrapping<I>
where
    Wrapping<I>: Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>,
{
    type Mask = bool;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Wrapping(I::truncate(x))
    }
    #[inline(always)]
    fn lt(self, o: Self) -> bool {
        self.0 < o.0
    }
    #[inline(always)]
    fn le(self, o: Self) -> bool {
        self.0 <= o.0
    }
    #[inline(always)]
    fn eq(self, o: Self) -> bool {
        self.0 == o.0
    }
    #[inline(always)]
    fn select(m: bool, a: Self, b: Self) -> Self {
        if m { a } else { b }
    }
    #[inline(always)]
    fn max(self, o: Self) -> Self {
        if self.0 > o.0 { self } else { o }
    }
    #[inline(always)]
    fn min(self, o: Self) -> Self {
        if self.0 < o.0 { self } else { o }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Wrapping(self.0.magnitude())
    }
}
