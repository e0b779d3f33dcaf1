//! Roots and the reciprocal.

use std::ops::Range;

use lepton_tensor::simd::Lane;

use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    unary: Reciprocal, Rsqrt, Sqrt;
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

impl Var {
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
}
