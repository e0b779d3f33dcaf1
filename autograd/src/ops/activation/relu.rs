//! Rectifiers, and clamping.

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
    unary: Clamp, LeakyRelu, Relu;
    binary: ReluGrad;
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
