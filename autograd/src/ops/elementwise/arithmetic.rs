//! Elementwise arithmetic of one input: signs, constants, powers.

use std::ops::Range;

use lepton_tensor::simd::{Lane, Num};
use lepton_tensor::{DType, Result};

use crate::engine::attrs::Attrs;
use crate::engine::elementwise::{Map, Unary};
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::create::promotion::want_held;
use crate::ops::elementwise::roots::Reciprocal;

crate::catalogue! {
    pub(crate)
    unary: Abs, AddScalar, DivScalar, MulScalar, Neg, NumberDiv, PowScalar, Sign, Square;
}

/// `-x`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neg;

impl Unary for Neg {
    const NAME: &'static str = "neg";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: Range<f64> = -3.0..3.0;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        -x
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        -x
    }
    fn reference(&self, x: f64) -> f64 {
        -x
    }
    fn vjp(&self, _: &Saved<'_>, g: &Var) -> Var {
        -g
    }
}

/// `x + c`.
#[derive(Clone, Copy, Debug)]
pub struct AddScalar(pub f64);

impl Default for AddScalar {
    fn default() -> AddScalar {
        AddScalar(0.7)
    }
}

impl Unary for AddScalar {
    const NAME: &'static str = "add_scalar";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: Range<f64> = -3.0..3.0;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x + T::splat(self.0)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x + T::splat(self.0)
    }
    fn suits(&self, dtype: DType) -> Result<()> {
        want_held(Self::NAME, dtype, self.0)
    }
    fn reference(&self, x: f64) -> f64 {
        x + self.0
    }
    fn vjp(&self, _: &Saved<'_>, g: &Var) -> Var {
        g.clone()
    }
    fn attrs(&self) -> Attrs {
        Attrs::new().float("c", self.0)
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(AddScalar(a.get_float("c")?))
    }
}

/// `x * c`.
#[derive(Clone, Copy, Debug)]
pub struct MulScalar(pub f64);

impl Default for MulScalar {
    fn default() -> MulScalar {
        MulScalar(-1.3)
    }
}

impl Unary for MulScalar {
    const NAME: &'static str = "mul_scalar";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: Range<f64> = -3.0..3.0;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x * T::splat(self.0)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x * T::splat(self.0)
    }
    fn suits(&self, dtype: DType) -> Result<()> {
        want_held(Self::NAME, dtype, self.0)
    }
    fn reference(&self, x: f64) -> f64 {
        x * self.0
    }
    fn vjp(&self, _: &Saved<'_>, g: &Var) -> Var {
        g * self.0
    }
    fn attrs(&self) -> Attrs {
        Attrs::new().float("c", self.0)
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(MulScalar(a.get_float("c")?))
    }
}

/// `x / c`: a true division, which a product with the rounded `1 / c` is not.
#[derive(Clone, Copy, Debug)]
pub struct DivScalar(pub f64);

impl Default for DivScalar {
    fn default() -> DivScalar {
        DivScalar(3.0)
    }
}

impl Unary for DivScalar {
    const NAME: &'static str = "div_scalar";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: Range<f64> = -3.0..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x / T::splat(self.0)
    }
    fn reference(&self, x: f64) -> f64 {
        x / self.0
    }
    fn vjp(&self, _: &Saved<'_>, g: &Var) -> Var {
        g / self.0
    }
    fn attrs(&self) -> Attrs {
        Attrs::new().float("c", self.0)
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(DivScalar(a.get_float("c")?))
    }
}

/// `c / x`: a true division, which `c` times the rounded `1 / x` is not.
#[derive(Clone, Copy, Debug)]
pub struct NumberDiv(pub f64);

impl Default for NumberDiv {
    fn default() -> NumberDiv {
        NumberDiv(3.0)
    }
}

impl Unary for NumberDiv {
    const NAME: &'static str = "number_div";
    const KEEPS: Keeps = Keeps::INPUT.and(Keeps::OUTPUT);
    const DOMAIN: Range<f64> = 0.3..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        T::splat(self.0) / x
    }
    fn reference(&self, x: f64) -> f64 {
        self.0 / x
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        -(g * (k.output(0) / k.input(0)))
    }
    fn attrs(&self) -> Attrs {
        Attrs::new().float("c", self.0)
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(NumberDiv(a.get_float("c")?))
    }
}

/// `x^p` for a constant `p`; the gradient of `x^0` is 0 everywhere.
#[derive(Clone, Copy, Debug)]
pub struct PowScalar(pub f64);

impl Default for PowScalar {
    fn default() -> PowScalar {
        PowScalar(2.5)
    }
}

impl Unary for PowScalar {
    const NAME: &'static str = "pow_scalar";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = 0.3..2.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        // Small whole powers are products, which is faster and exact where powf is not.
        if self.0 == 2.0 {
            x * x
        } else if self.0 == 3.0 {
            x * x * x
        } else {
            x.libm2(
                T::splat(self.0),
                lepton_tensor::simd::Libm2 {
                    name: "pow",
                    f: f64::powf,
                },
            )
        }
    }
    fn reference(&self, x: f64) -> f64 {
        x.powf(self.0)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        if self.0 == 0.0 {
            return g.zeros_like();
        }
        g * (k.input(0).pow_scalar(self.0 - 1.0) * self.0)
    }
    fn attrs(&self) -> Attrs {
        Attrs::new().float("p", self.0)
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(PowScalar(a.get_float("p")?))
    }
}

/// `x^2`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Square;

impl Unary for Square {
    const NAME: &'static str = "square";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -3.0..3.0;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x * x
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x * x
    }
    fn reference(&self, x: f64) -> f64 {
        x * x
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * (k.input(0) * 2.0)
    }
}

/// `|x|`, with slope 0 at 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Abs;

impl Unary for Abs {
    const NAME: &'static str = "abs";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = 0.1..3.0;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.abs()
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x.abs()
    }
    fn reference(&self, x: f64) -> f64 {
        x.abs()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * k.input(0).sign()
    }
}

/// -1, 0 or 1 as `x`; its slope is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sign;

impl Unary for Sign {
    const NAME: &'static str = "sign";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: Range<f64> = 0.1..3.0;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        self.int(x)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        let zero = T::splat(0.0);
        T::one_where(zero.lt(x)) - T::one_where(x.lt(zero))
    }
    fn reference(&self, x: f64) -> f64 {
        if x == 0.0 { 0.0 } else { x.signum() }
    }
    fn vjp(&self, _: &Saved<'_>, g: &Var) -> Var {
        g.zeros_like()
    }
}

impl Var {
    #[track_caller]
    pub(crate) fn map<U: Unary>(self, op: U) -> Var
    where
        Map<U>: crate::Listed,
    {
        let (x, from) = self.into_parts();
        crate::engine::apply::fast(&Map(op), [x], [from])
    }

    #[track_caller]
    pub(crate) fn add_scalar(self, c: f64) -> Var {
        self.float().map(AddScalar(c))
    }

    #[track_caller]
    pub(crate) fn mul_scalar(self, c: f64) -> Var {
        self.float().map(MulScalar(c))
    }

    #[track_caller]
    pub(crate) fn div_scalar(self, c: f64) -> Var {
        self.float().map(DivScalar(c))
    }

    /// `c / self`.
    pub(crate) fn divide_number(self, c: f64) -> Var {
        let x = self.float();
        if c == 1.0 {
            return x.map(Reciprocal);
        }
        x.map(NumberDiv(c))
    }

    pub(crate) fn negative(self) -> Var {
        self.map(Neg)
    }

    /// `self^p` for a constant `p`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[2.0f32, 3.0], &[2]).pow_scalar(2.0).to_vec::<f32>()?, [4.0, 9.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn pow_scalar(&self, p: f64) -> Var {
        self.clone().float().map(PowScalar(p))
    }

    /// The square.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-2.0f32, 3.0], &[2]).square().to_vec::<f32>()?, [4.0, 9.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn square(&self) -> Var {
        self.clone().map(Square)
    }

    /// The absolute value; its gradient at 0 is 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-2.0f32, 3.0], &[2]).abs().to_vec::<f32>()?, [2.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn abs(&self) -> Var {
        self.clone().map(Abs)
    }

    /// -1, 0 or 1.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-2.0f32, 0.0, 3.0], &[3]).sign().to_vec::<f32>()?, [-1.0, 0.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn sign(&self) -> Var {
        self.clone().map(Sign)
    }
}
