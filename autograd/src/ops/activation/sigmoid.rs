//! The sigmoid and its kin: tanh, softplus, SiLU.

use std::ops::Range;

use lepton_tensor::simd::Lane;

use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    unary: Sigmoid, Softplus, Tanh;
}

/// `tanh x`; its slope is `1 - y^2`, so the output is all it keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tanh;

impl Unary for Tanh {
    const NAME: &'static str = "tanh";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = -3.0..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.tanh()
    }
    fn reference(&self, x: f64) -> f64 {
        x.tanh()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * (1.0 - k.output(0).square())
    }
}

/// `1 / (1 + e^-x)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sigmoid;

impl Unary for Sigmoid {
    const NAME: &'static str = "sigmoid";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = -4.0..4.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let one = T::splat(1.0);
        one / (one + (-x).exp())
    }
    fn reference(&self, x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let y = k.output(0);
        g * (&y * (1.0 - &y))
    }
}

/// `ln(1 + e^x)`, written as `max(x, 0) + ln(1 + e^-|x|)` so that it neither overflows nor loses
/// small values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Softplus;

impl Unary for Softplus {
    const NAME: &'static str = "softplus";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -4.0..4.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let small = (-x.abs()).exp().libm(lepton_tensor::simd::Libm {
            name: "log1p",
            f: f64::ln_1p,
        });
        x.max(T::splat(0.0)) + small
    }
    fn reference(&self, x: f64) -> f64 {
        x.exp().ln_1p()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * k.input(0).sigmoid()
    }
}

impl Var {
    /// The hyperbolic tangent.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::scalar(0.0f32).tanh().item().unwrap(), 0.0);
    /// ```
    pub fn tanh(&self) -> Var {
        self.clone().float().map(Tanh)
    }

    /// `1 / (1 + e^-x)`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32], &[1]).sigmoid().to_vec::<f32>()?, [0.5]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn sigmoid(&self) -> Var {
        self.clone().float().map(Sigmoid)
    }

    /// `ln(1 + e^x)` without overflow.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(0.0f64).softplus().item()? - 2.0f64.ln()).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn softplus(&self) -> Var {
        self.clone().float().map(Softplus)
    }

    /// `x sigmoid(x)`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32, 100.0], &[2]).silu().to_vec::<f32>()?, [0.0, 100.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn silu(&self) -> Var {
        self * self.sigmoid()
    }
}
