//! Elementwise ops of one input: arithmetic with constants, powers, exponentials, rounding.

use std::ops::Range;

use lepton_tensor::Result;
use lepton_tensor::simd::{Lane, Libm, Num};

use crate::attrs::Attrs;
use crate::node::Saved;
use crate::op::Keeps;
use crate::ops::elementwise::{Map, Unary};
use crate::var::Var;

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

/// The square root; its slope at 0 is infinite.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sqrt;

impl Unary for Sqrt {
    const NAME: &'static str = "sqrt";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = 0.2..4.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.sqrt()
    }
    fn reference(&self, x: f64) -> f64 {
        x.sqrt()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g / (k.output(0) * 2.0)
    }
}

/// `1 / sqrt(x)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rsqrt;

impl Unary for Rsqrt {
    const NAME: &'static str = "rsqrt";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = 0.2..4.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        T::splat(1.0) / x.sqrt()
    }
    fn reference(&self, x: f64) -> f64 {
        1.0 / x.sqrt()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * (k.output(0).pow_scalar(3.0) * -0.5)
    }
}

/// `1 / x`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reciprocal;

impl Unary for Reciprocal {
    const NAME: &'static str = "reciprocal";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = 0.3..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        T::splat(1.0) / x
    }
    fn reference(&self, x: f64) -> f64 {
        x.recip()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        -(g * k.output(0).square())
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

/// `e^x`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exp;

impl Unary for Exp {
    const NAME: &'static str = "exp";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = -3.0..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.exp()
    }
    fn reference(&self, x: f64) -> f64 {
        x.exp()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * k.output(0)
    }
}

/// The natural logarithm.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log;

impl Unary for Log {
    const NAME: &'static str = "log";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = 0.2..4.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.ln()
    }
    fn reference(&self, x: f64) -> f64 {
        x.ln()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g / k.input(0)
    }
}

/// `ln(1 + x)`, accurate near 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log1p;

impl Unary for Log1p {
    const NAME: &'static str = "log1p";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -0.6..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.libm(Libm {
            name: "log1p",
            f: f64::ln_1p,
        })
    }
    fn reference(&self, x: f64) -> f64 {
        x.ln_1p()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g / (k.input(0) + 1.0)
    }
}

/// `e^x - 1`, accurate near 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expm1;

impl Unary for Expm1 {
    const NAME: &'static str = "expm1";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = -3.0..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.libm(Libm {
            name: "expm1",
            f: f64::exp_m1,
        })
    }
    fn reference(&self, x: f64) -> f64 {
        x.exp_m1()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * (k.output(0) + 1.0)
    }
}

/// The sine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sin;

impl Unary for Sin {
    const NAME: &'static str = "sin";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -6.0..6.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.libm(Libm {
            name: "sin",
            f: f64::sin,
        })
    }
    fn reference(&self, x: f64) -> f64 {
        x.sin()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * k.input(0).cos()
    }
}

/// The cosine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cos;

impl Unary for Cos {
    const NAME: &'static str = "cos";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -6.0..6.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.libm(Libm {
            name: "cos",
            f: f64::cos,
        })
    }
    fn reference(&self, x: f64) -> f64 {
        x.cos()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        -(g * k.input(0).sin())
    }
}

/// The error function.
#[derive(Clone, Copy, Debug, Default)]
pub struct Erf;

impl Unary for Erf {
    const NAME: &'static str = "erf";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -2.5..2.5;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.erf()
    }
    /// The Maclaurin series, which has converged on the domain after 60 terms.
    fn reference(&self, x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * ((-k.input(0).square()).exp() * std::f64::consts::FRAC_2_SQRT_PI)
    }
}

impl Var {
    #[track_caller]
    pub(crate) fn map<U: Unary>(self, op: U) -> Var
    where
        Map<U>: crate::Listed,
    {
        crate::apply::short(Map(op), [self])
    }

    pub(crate) fn add_scalar(self, c: f64) -> Var {
        self.map(AddScalar(c))
    }
    pub(crate) fn mul_scalar(self, c: f64) -> Var {
        self.map(MulScalar(c))
    }
    pub(crate) fn div_scalar(self, c: f64) -> Var {
        self.float().map(DivScalar(c))
    }
    pub(crate) fn negative(self) -> Var {
        self.map(Neg)
    }

    /// `self^p` for a constant `p`.
    pub fn pow_scalar(&self, p: f64) -> Var {
        self.clone().map(PowScalar(p))
    }
    /// The square.
    pub fn square(&self) -> Var {
        self.clone().map(Square)
    }
    /// The square root.
    pub fn sqrt(&self) -> Var {
        self.clone().map(Sqrt)
    }
    /// `1 / sqrt(x)`.
    pub fn rsqrt(&self) -> Var {
        self.clone().map(Rsqrt)
    }
    /// `1 / x`.
    pub fn reciprocal(&self) -> Var {
        self.clone().float().map(Reciprocal)
    }
    /// The absolute value; its gradient at 0 is 0.
    pub fn abs(&self) -> Var {
        self.clone().map(Abs)
    }
    /// -1, 0 or 1.
    pub fn sign(&self) -> Var {
        self.clone().map(Sign)
    }
    /// `e^x`.
    pub fn exp(&self) -> Var {
        self.clone().map(Exp)
    }
    /// The natural logarithm.
    pub fn log(&self) -> Var {
        self.clone().map(Log)
    }
    /// `ln(1 + x)`.
    pub fn log1p(&self) -> Var {
        self.clone().map(Log1p)
    }
    /// `e^x - 1`.
    pub fn expm1(&self) -> Var {
        self.clone().map(Expm1)
    }
    /// The sine.
    pub fn sin(&self) -> Var {
        self.clone().map(Sin)
    }
    /// The cosine.
    pub fn cos(&self) -> Var {
        self.clone().map(Cos)
    }
    /// The error function.
    pub fn erf(&self) -> Var {
        self.clone().map(Erf)
    }
}
