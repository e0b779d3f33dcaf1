//! Activations.

use std::ops::Range;

use lepton_tensor::simd::{Lane, Num};
use lepton_tensor::{DType, Result};

use crate::engine::attrs::Attrs;
use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::create::promotion::want_bounds;

crate::catalogue! {
    pub(crate)
    unary: Clamp, Gelu, LeakyRelu, Relu, Sigmoid, Softplus, Tanh;
    binary: GeluGrad, ReluGrad;
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

/// `max(x, 0)`, with slope 0 at 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

impl Unary for Relu {
    const NAME: &'static str = "relu";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = 0.1..3.0;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        self.int(x)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x.max(T::splat(0.0))
    }
    fn reference(&self, x: f64) -> f64 {
        x.max(0.0)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        relu_gate(g, &k.output(0))
    }
}

/// `g` but 0 where `y <= 0`.
pub(crate) fn relu_gate(g: &Var, y: &Var) -> Var {
    crate::ops::elementwise::binary::zip(ReluGrad, g.clone(), y.clone())
}

/// `g` but 0 where `y <= 0`: the gradient of [`Relu`], in one pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReluGrad;

impl crate::engine::elementwise::Binary for ReluGrad {
    const NAME: &'static str = "relu_grad";
    const KEEPS: Keeps = Keeps {
        inputs: 2,
        ..Keeps::NONE
    };
    const DOMAIN: [Range<f64>; 2] = [-2.0..2.0, 0.1..2.0];

    #[inline(always)]
    fn f<T: Lane>(&self, g: T, y: T) -> T {
        let zero = T::splat(0.0);
        // NaN is not below 0: it passes, so that it is seen.
        T::select(y.le(zero), zero, g)
    }
    fn reference(&self, g: f64, y: f64) -> f64 {
        if y > 0.0 { g } else { 0.0 }
    }
    fn vjp(&self, k: &Saved<'_>, h: &Var) -> [Option<Var>; 2] {
        [
            k.needs(0).then(|| relu_gate(h, &k.input(1))),
            k.needs(1).then(|| h.zeros_like()),
        ]
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

/// `x` above 0, `slope * x` below and at 0.
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu(pub f64);

impl Default for LeakyRelu {
    fn default() -> LeakyRelu {
        LeakyRelu(0.01)
    }
}

impl Unary for LeakyRelu {
    const NAME: &'static str = "leaky_relu";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = 0.1..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        T::select(T::splat(0.0).lt(x), x, x * T::splat(self.0))
    }
    fn reference(&self, x: f64) -> f64 {
        if x > 0.0 { x } else { self.0 * x }
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        Var::where_(&x.gt(&x.zeros_like()), g, &(g * self.0))
    }
    fn attrs(&self) -> Attrs {
        Attrs::new().float("slope", self.0)
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(LeakyRelu(a.get_float("slope")?))
    }
}

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
                + crate::ops::elementwise::exponential::Erf
                    .reference(x * std::f64::consts::FRAC_1_SQRT_2))
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        crate::ops::elementwise::binary::zip(GeluGrad, g.clone(), k.input(0))
    }
}

/// `g (Phi(x) + x phi(x))`: the gradient of [`Gelu`], in one pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct GeluGrad;

/// `1 / sqrt(2 pi)`.
const DENSITY: f64 = 0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;

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
                * crate::ops::elementwise::exponential::Erf
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

/// `x` held within `[low, high]`, with slope 0 at and beyond the bounds.
#[derive(Clone, Copy, Debug)]
pub struct Clamp {
    /// The least value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
}

impl Default for Clamp {
    fn default() -> Clamp {
        Clamp {
            low: -1.0,
            high: 2.0,
        }
    }
}

impl Unary for Clamp {
    const NAME: &'static str = "clamp";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -0.9..1.9;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        self.int(x)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x.max(T::splat(self.low)).min(T::splat(self.high))
    }
    fn suits(&self, dtype: DType) -> Result<()> {
        want_bounds(Self::NAME, dtype, self.low, self.high)
    }
    fn reference(&self, x: f64) -> f64 {
        x.clamp(self.low, self.high)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        let inside = x.gt_scalar(self.low).logical_and(&x.lt_scalar(self.high));
        g * inside.to_dtype(g.dtype())
    }
    crate::fields!(low, high);
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
    /// `max(x, 0)`; its gradient at 0 is 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-1.0f32, 0.0, 2.0], &[3]).relu().to_vec::<f32>()?, [0.0, 0.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn relu(&self) -> Var {
        self.clone().map(Relu)
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
    /// `x` above 0, `slope * x` elsewhere.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-4.0f32, 2.0], &[2]).leaky_relu(0.25).to_vec::<f32>()?, [-1.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn leaky_relu(&self, slope: f64) -> Var {
        self.clone().float().map(LeakyRelu(slope))
    }
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
    /// `x` held within `[low, high]`; integers become f32 where a bound that can be reached is no
    /// integer of theirs.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-3.0f32, 0.5, 3.0], &[3]).clamp(-1.0, 1.0).to_vec::<f32>()?, [-1.0, 0.5, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn clamp(&self, low: f64, high: f64) -> Var {
        self.between(low, high).map(Clamp { low, high })
    }
}
