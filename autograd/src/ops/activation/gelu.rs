//! GELU, and its slope as an op of its own.

use std::ops::Range;

use lepton_tensor::simd::Lane;

use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    unary: Gelu;
    binary: GeluGrad;
}

/// `1 / sqrt(2 pi)`.
const DENSITY: f64 = 0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;

/// `x Phi(x)` with the exact normal distribution function (Hendrycks and Gimpel 2016).
#[derive(Clone, Copy, Debug, Default)]
pub struct Gelu;

impl Unary for Gelu {
    const NAME: &'static str = "gelu";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -3.0..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x * x.normal_cdf()
    }
    fn reference(&self, x: f64) -> f64 {
        0.5 * x
            * (1.0
                + crate::ops::elementwise::special::Erf
                    .reference(x * std::f64::consts::FRAC_1_SQRT_2))
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        crate::ops::elementwise::binary::zip(GeluGrad, g.clone(), k.input(0))
    }
}

/// `g (Phi(x) + x phi(x))`: the gradient of [`Gelu`], in one pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct GeluGrad;

impl crate::engine::elementwise::Binary for GeluGrad {
    const NAME: &'static str = "gelu_grad";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-2.0..2.0, -3.0..3.0];

    #[inline(always)]
    fn f<T: Lane>(&self, g: T, x: T) -> T {
        let [cdf, bell] = x.normal();
        g * (cdf + x * (bell * T::splat(DENSITY)))
    }
    fn reference(&self, g: f64, x: f64) -> f64 {
        let cdf = 0.5
            + 0.5
                * crate::ops::elementwise::special::Erf
                    .reference(x * std::f64::consts::FRAC_1_SQRT_2);
        g * (cdf + x * (-0.5 * x * x).exp() * DENSITY)
    }
    fn vjp(&self, k: &Saved<'_>, h: &Var) -> [Option<Var>; 2] {
        let x = k.input(1);
        let bend = || {
            let square = x.square();
            let density = (&square * -0.5).exp() * DENSITY;
            h * k.input(0) * density * (2.0 - square)
        };
        [
            k.needs(0)
                .then(|| crate::ops::elementwise::binary::zip(GeluGrad, h.clone(), x.clone())),
            k.needs(1).then(bend),
        ]
    }
}

impl Var {
    /// `x Phi(x)`, exact.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32, 100.0, -100.0], &[3]).gelu().to_vec::<f32>()?, [0.0, 100.0, 0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn gelu(&self) -> Var {
        self.clone().float().map(Gelu)
    }
}
