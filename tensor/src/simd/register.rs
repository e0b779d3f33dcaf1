//! [`Reg`], the few instructions that a level brings for its registers, and [`V`], the vector type
//! that builds everything [`Num`] and [`Lane`] promise out of them, once for all levels.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use super::math::{self, Tables};
use super::{Lane, Libm, Libm2, Num, Vector};

/// A machine register of floats.
pub(super) trait Reg: Copy {
    /// The element.
    type Elem: Tables + Default;
    /// The answer of a comparison: a register with all bits of a lane set or none, or a bit a lane.
    type Mask: Copy;
    /// Elements in the register.
    const LANES: usize;

    /// `x` in every lane.
    fn splat(x: Self::Elem) -> Self;
    /// The first `LANES` elements; panics when there are fewer.
    fn load(x: &[Self::Elem]) -> Self;
    /// Writes the first `LANES` elements; panics when there are fewer.
    fn store(self, x: &mut [Self::Elem]);
    /// The same by a non-temporal store, where the level has one and the address is aligned for it.
    #[inline(always)]
    fn stream(self, x: &mut [Self::Elem]) {
        self.store(x);
    }
    /// The elements of `x`, at most `LANES`, with `pad` behind them.
    #[inline(always)]
    fn load_padded(x: &[Self::Elem], pad: Self::Elem) -> Self {
        let mut all = [pad; super::MAX_LANES];
        super::copy_short(x, &mut all);
        Self::load(&all)
    }
    /// Writes the first elements to all of `x`, which has at most `LANES`.
    #[inline(always)]
    fn store_first(self, x: &mut [Self::Elem]) {
        let mut all = [Self::Elem::from_f64(0.0); super::MAX_LANES];
        self.store(&mut all);
        super::copy_short(&all[..x.len()], x);
    }
    /// Writes the last elements to all of `x`, which has at most `LANES`.
    #[inline(always)]
    fn store_last(self, x: &mut [Self::Elem]) {
        let mut all = [Self::Elem::from_f64(0.0); super::MAX_LANES];
        self.store(&mut all);
        super::copy_short(&all[Self::LANES - x.len()..Self::LANES], x);
    }
    /// `self + o`.
    fn add(self, o: Self) -> Self;
    /// `self - o`.
    fn sub(self, o: Self) -> Self;
    /// `self * o`.
    fn mul(self, o: Self) -> Self;
    /// `self / o`.
    fn div(self, o: Self) -> Self;
    /// `self * b + c`, fused where the level has the instruction.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `self < o ? self : o`, so `o` where either is NaN.
    fn least(self, o: Self) -> Self;
    /// `self > o ? self : o`, so `o` where either is NaN.
    fn most(self, o: Self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The largest integer not above.
    fn floor(self) -> Self;
    /// The nearest integer, ties to even.
    fn round_even(self) -> Self;
    /// `self < o`.
    fn lt(self, o: Self) -> Self::Mask;
    /// `self <= o`.
    fn le(self, o: Self) -> Self::Mask;
    /// `self == o`.
    fn eq(self, o: Self) -> Self::Mask;
    /// True where both masks are.
    fn both(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// True where either mask is.
    fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// True where the mask is not.
    fn not(mask: Self::Mask) -> Self::Mask;
    /// Bitwise and.
    fn and(self, o: Self) -> Self;
    /// Bitwise or.
    fn or(self, o: Self) -> Self;
    /// Bitwise exclusive or.
    fn xor(self, o: Self) -> Self;
    /// `a` where the mask is set, else `b`.
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self;
    /// True where the mask has any lane set.
    fn any(mask: Self::Mask) -> bool;
    /// Each lane's bits shifted left by the bits of a mantissa.
    fn shift_into_exponent(self) -> Self;
    /// Each lane's bits shifted right by the bits of a mantissa, zeros coming in.
    fn shift_out_of_exponent(self) -> Self;
    /// Whether [`Reg::scale`] is one instruction, right for every `n`.
    const SCALES: bool = false;
    /// `self * 2^n` for integer-valued `n`.
    #[inline(always)]
    fn scale(self, n: Self) -> Self {
        math::scale(V(self), V(n)).0
    }
    /// Transposes a square of `LANES` registers.
    #[inline(always)]
    fn transpose(square: &mut [V<Self>]) {
        let mut transposed = [[Self::Elem::from_f64(0.0); super::MAX_LANES]; super::MAX_LANES];
        for i in 0..Self::LANES {
            let mut row = [Self::Elem::from_f64(0.0); super::MAX_LANES];
            square[i].store(&mut row);
            for j in 0..Self::LANES {
                transposed[j][i] = row[j];
            }
        }
        for i in 0..Self::LANES {
            square[i] = V(Self::load(&transposed[i]));
        }
    }
    /// The elements of `a` and then `b` with even numbers, and those with odd ones.
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> [Self; 2] {
        let mut all = [Self::Elem::from_f64(0.0); 2 * super::MAX_LANES];
        a.store(&mut all);
        b.store(&mut all[Self::LANES..]);
        let mut apart = [[Self::Elem::from_f64(0.0); super::MAX_LANES]; 2];
        for i in 0..Self::LANES {
            apart[0][i] = all[2 * i];
            apart[1][i] = all[2 * i + 1];
        }
        [Self::load(&apart[0]), Self::load(&apart[1])]
    }
    /// The elements of two registers in turn, those of `even` first.
    #[inline(always)]
    fn zip(even: Self, odd: Self) -> [Self; 2] {
        let mut apart = [[Self::Elem::from_f64(0.0); super::MAX_LANES]; 2];
        even.store(&mut apart[0]);
        odd.store(&mut apart[1]);
        let mut all = [Self::Elem::from_f64(0.0); 2 * super::MAX_LANES];
        for i in 0..Self::LANES {
            all[2 * i] = apart[0][i];
            all[2 * i + 1] = apart[1][i];
        }
        [Self::load(&all), Self::load(&all[Self::LANES..])]
    }
}

/// A vector: a register with the arithmetic of a [`Lane`].
#[derive(Clone, Copy)]
pub(super) struct V<R>(pub(super) R);

/// The answer of comparing two [`V`]s.
#[derive(Clone, Copy)]
pub(super) struct Mask<R: Reg>(R::Mask);

impl<R: Reg> Add for V<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        V(self.0.add(o.0))
    }
}

impl<R: Reg> Sub for V<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        V(self.0.sub(o.0))
    }
}

impl<R: Reg> Mul for V<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        V(self.0.mul(o.0))
    }
}

impl<R: Reg> Div for V<R> {
    type Output = Self;
    #[inline(always)]
    fn div(self, o: Self) -> Self {
        V(self.0.div(o.0))
    }
}

impl<R: Reg> Neg for V<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        V(self.0.xor(Self::splat(-0.0).0))
    }
}

impl<R: Reg> BitAnd for Mask<R> {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, o: Self) -> Self {
        Mask(R::both(self.0, o.0))
    }
}

impl<R: Reg> BitOr for Mask<R> {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, o: Self) -> Self {
        Mask(R::either(self.0, o.0))
    }
}

impl<R: Reg> Not for Mask<R> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Mask(R::not(self.0))
    }
}

impl<R: Reg> Num for V<R> {
    type Mask = Mask<R>;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        V(R::splat(R::Elem::from_f64(x)))
    }
    #[inline(always)]
    fn lt(self, o: Self) -> Mask<R> {
        Mask(self.0.lt(o.0))
    }
    #[inline(always)]
    fn le(self, o: Self) -> Mask<R> {
        Mask(self.0.le(o.0))
    }
    #[inline(always)]
    fn eq(self, o: Self) -> Mask<R> {
        Mask(self.0.eq(o.0))
    }
    #[inline(always)]
    fn select(m: Mask<R>, a: Self, b: Self) -> Self {
        V(R::select(m.0, a.0, b.0))
    }
    #[inline(always)]
    fn max(self, o: Self) -> Self {
        V(R::select(self.0.eq(self.0), self.0.most(o.0), self.0))
    }
    #[inline(always)]
    fn min(self, o: Self) -> Self {
        V(R::select(self.0.eq(self.0), self.0.least(o.0), self.0))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        V(self.0.and(R::splat(R::Elem::ALL_BUT_SIGN)))
    }
}

impl<R: Reg> Lane for V<R> {
    const SCALES: bool = R::SCALES;
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        V(self.0.mul_add(b.0, c.0))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        V(self.0.sqrt())
    }
    #[inline(always)]
    fn floor(self) -> Self {
        V(self.0.floor())
    }
    #[inline(always)]
    fn round_even(self) -> Self {
        V(self.0.round_even())
    }
    #[inline(always)]
    fn copysign(self, o: Self) -> Self {
        let sign = Self::splat(-0.0).0.and(o.0);
        V(self.abs().0.or(sign))
    }
    #[inline(always)]
    fn clamp(self, low: f64, high: f64) -> Self {
        V(Self::splat(high).0.least(Self::splat(low).0.most(self.0)))
    }
    #[inline(always)]
    fn pow2(n: Self) -> Self {
        // Adding 2^mantissa bits leaves the biased exponent, an integer, in the lowest bits.
        V((n + Self::splat(R::Elem::INTEGER + R::Elem::BIAS))
            .0
            .shift_into_exponent())
    }
    #[inline(always)]
    fn scale(self, n: Self) -> Self {
        V(self.0.scale(n.0))
    }
    #[inline(always)]
    fn frexp(self) -> (Self, Self) {
        let half = Self::splat(0.5).0;
        let m = self.0.and(R::splat(R::Elem::MANTISSA)).or(half);
        let integer = Self::splat(R::Elem::INTEGER).0;
        let e = V(self.0.shift_out_of_exponent().or(integer));
        (
            V(m),
            e - Self::splat(R::Elem::INTEGER + R::Elem::BIAS - 1.0),
        )
    }
    #[inline(always)]
    fn any(m: Mask<R>) -> bool {
        R::any(m.0)
    }
    #[inline(always)]
    fn libm(self, f: Libm) -> Self {
        let mut x = [R::Elem::from_f64(0.0); super::MAX_LANES];
        self.store(&mut x);
        for i in 0..R::LANES {
            x[i] = R::Elem::from_f64((f.f)(x[i].to_f64()));
        }
        Self::load(&x)
    }
    #[inline(always)]
    fn libm2(self, o: Self, f: Libm2) -> Self {
        let mut x = [R::Elem::from_f64(0.0); super::MAX_LANES];
        let mut y = x;
        self.store(&mut x);
        o.store(&mut y);
        for i in 0..R::LANES {
            x[i] = R::Elem::from_f64((f.f)(x[i].to_f64(), y[i].to_f64()));
        }
        Self::load(&x)
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
        R::Elem::erf(self)
    }
    #[inline(always)]
    fn normal_cdf(self) -> Self {
        R::Elem::normal_cdf(self)
    }
    #[inline(always)]
    fn normal(self) -> [Self; 2] {
        R::Elem::normal(self)
    }
}

impl<R: Reg> Vector for V<R> {
    type Elem = R::Elem;
    const LANES: usize = R::LANES;
    #[inline(always)]
    fn repeat(x: R::Elem) -> Self {
        V(R::splat(x))
    }
    #[inline(always)]
    fn load(x: &[R::Elem]) -> Self {
        V(R::load(x))
    }
    #[inline(always)]
    fn store(self, x: &mut [R::Elem]) {
        self.0.store(x);
    }
    #[inline(always)]
    fn stream(self, x: &mut [R::Elem]) {
        self.0.stream(x);
    }
    #[inline(always)]
    fn load_padded(x: &[R::Elem], pad: R::Elem) -> Self {
        match x.len() == R::LANES {
            true => V(R::load(x)),
            false => V(R::load_padded(x, pad)),
        }
    }
    #[inline(always)]
    fn store_first(self, x: &mut [R::Elem]) {
        match x.len() == R::LANES {
            true => self.0.store(x),
            false => self.0.store_first(x),
        }
    }
    #[inline(always)]
    fn store_last(self, x: &mut [R::Elem]) {
        self.0.store_last(x);
    }
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> [Self; 2] {
        R::unzip(a.0, b.0).map(V)
    }
    #[inline(always)]
    fn zip(even: Self, odd: Self) -> [Self; 2] {
        R::zip(even.0, odd.0).map(V)
    }
    #[inline(always)]
    fn transpose(square: &mut [Self]) {
        R::transpose(square);
    }
}
