//! Elementwise functions of one input: roots, exponentials, logarithms, the error function.

use std::ops::Range;

use lepton_tensor::simd::{Lane, Libm};

use crate::engine::elementwise::{Map, Unary};
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::elementwise::arithmetic::{
    Abs, AddScalar, DivScalar, MulScalar, Neg, NumberDiv, PowScalar, Sign, Square,
};

crate::catalogue! {
    pub(crate)
    unary: Cos, Erf, Exp, Expm1, Log, Log1p, Reciprocal, Rsqrt, Sin, Sqrt;
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
    const SCALAR: bool = true;

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
    const SCALAR: bool = true;

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
    const SCALAR: bool = true;

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
    const SCALAR: bool = true;

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
    /// The square root.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[4.0f32, 9.0], &[2]).sqrt().to_vec::<f32>()?, [2.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn sqrt(&self) -> Var {
        self.clone().float().map(Sqrt)
    }
    /// `1 / sqrt(x)`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[4.0f32, 0.25], &[2]).rsqrt().to_vec::<f32>()?, [0.5, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn rsqrt(&self) -> Var {
        self.clone().float().map(Rsqrt)
    }
    /// `1 / x`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[4.0f32, 0.5], &[2]).reciprocal().to_vec::<f32>()?, [0.25, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn reciprocal(&self) -> Var {
        self.clone().float().map(Reciprocal)
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
    /// `e^x`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32], &[1]).exp().to_vec::<f32>()?, [1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn exp(&self) -> Var {
        self.clone().float().map(Exp)
    }
    /// The natural logarithm.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32], &[1]).log().to_vec::<f32>()?, [0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn log(&self) -> Var {
        self.clone().float().map(Log)
    }
    /// `ln(1 + x)`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(1e-20f64).log1p().item()? - 1e-20).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn log1p(&self) -> Var {
        self.clone().float().map(Log1p)
    }
    /// `e^x - 1`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(1e-20f64).expm1().item()? - 1e-20).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn expm1(&self) -> Var {
        self.clone().float().map(Expm1)
    }
    /// The sine.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(1.0f64).sin().item()? - 0.8414709848078965).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn sin(&self) -> Var {
        self.clone().float().map(Sin)
    }
    /// The cosine.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(1.0f64).cos().item()? - 0.5403023058681398).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn cos(&self) -> Var {
        self.clone().float().map(Cos)
    }
    /// The error function.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(1.0f64).erf().item()? - 0.8427007929497149).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn erf(&self) -> Var {
        self.clone().float().map(Erf)
    }
}
