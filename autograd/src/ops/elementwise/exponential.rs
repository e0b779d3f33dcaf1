//! Exponentials and natural logarithms.

use std::ops::Range;

use lepton_tensor::simd::{Lane, Libm};

use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    unary: Exp, Expm1, Log, Log1p;
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

impl Var {
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
}
