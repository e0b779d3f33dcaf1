//! More activations: thresholds, exponential units, and their smooth kin.

use std::f64::consts::LOG2_E;
use std::ops::Range;

use lepton_tensor::simd::{Lane, Libm, Num};
use lepton_tensor::{DType, Result};

use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::create::promotion::want_held;

crate::catalogue! {
    pub(crate)
    unary: Elu, GeluTanh, Hardsigmoid, Hardswish, Hardtanh, Shrink, Threshold;
}

/// Where the gradient takes the branch of `condition`: in f64 also at NaN, which in f32 passes, as PyTorch has it.
fn blocked(x: &Var, condition: Var) -> Var {
    match x.dtype() {
        DType::F32 => condition,
        _ => condition.logical_or(&x.isnan()),
    }
}

/// `x` above 0, `alpha (e^(x / width) - 1)` below: ELU (Clevert et al. 2016) with `width` 1, CELU
/// (Barron 2017) with `width` = `alpha`; SELU is a multiple of ELU.
#[derive(Clone, Copy, Debug)]
pub struct Elu {
    /// The depth of the lower plateau.
    pub alpha: f64,
    /// The length over which it is reached.
    pub width: f64,
}

impl Default for Elu {
    fn default() -> Elu {
        Elu {
            alpha: 1.3,
            width: 1.0,
        }
    }
}

impl Unary for Elu {
    const NAME: &'static str = "elu";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -3.0..-0.1;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let expm1 = Libm {
            name: "expm1",
            f: f64::exp_m1,
        };
        let low = (x / T::splat(self.width)).libm(expm1) * T::splat(self.alpha);
        T::select(x.le(T::splat(0.0)), low, x)
    }
    fn reference(&self, x: f64) -> f64 {
        if x > 0.0 {
            x
        } else {
            self.alpha * ((x / self.width).exp() - 1.0)
        }
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        let zero = x.zeros_like();
        // The exponential sees no positive value, so that it does not overflow where it is unused.
        let below = x.minimum(&zero) / self.width;
        let low = g * (below.exp() * (self.alpha / self.width));
        Var::where_(&blocked(&x, x.le(&zero)), &low, g)
    }
    crate::fields!(alpha, width);
}

/// `x` above `limit`, `value` at and below it.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// Where it switches.
    pub limit: f64,
    /// The value below.
    pub value: f64,
}

impl Default for Threshold {
    fn default() -> Threshold {
        Threshold {
            limit: 0.0,
            value: -0.5,
        }
    }
}

impl Unary for Threshold {
    const NAME: &'static str = "threshold";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = 0.1..3.0;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        self.int(x)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        // Written so that NaN is not below the limit and passes.
        T::select(x.le(T::splat(self.limit)), T::splat(self.value), x)
    }
    fn suits(&self, dtype: DType) -> Result<()> {
        want_held(Self::NAME, dtype, self.limit)?;
        want_held(Self::NAME, dtype, self.value)
    }
    fn reference(&self, x: f64) -> f64 {
        if x <= self.limit { self.value } else { x }
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        let low = Var::full(&[], self.limit, x.dtype(), x.device());
        Var::where_(&x.le(&low), &g.zeros_like(), g)
    }
    crate::fields!(limit, value);
}

/// `x` outside `[-band, band]`, 0 inside; or moved towards 0 by `band` when `soft`.
#[derive(Clone, Copy, Debug)]
pub struct Shrink {
    /// Half the width of the zone that gives 0.
    pub band: f64,
    /// Whether what is outside moves.
    pub soft: bool,
}

impl Default for Shrink {
    fn default() -> Shrink {
        Shrink {
            band: 0.5,
            soft: true,
        }
    }
}

impl Unary for Shrink {
    const NAME: &'static str = "shrink";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = 0.6..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let (zero, band) = (T::splat(0.0), T::splat(self.band));
        let inside = (-band).le(x) & x.le(band);
        let moved = if self.soft {
            x - T::select(x.lt(zero), -band, band)
        } else {
            x
        };
        T::select(inside, zero, moved)
    }
    fn reference(&self, x: f64) -> f64 {
        let by = if self.soft { self.band } else { 0.0 };
        if x > self.band {
            x - by
        } else if x < -self.band {
            x + by
        } else {
            0.0
        }
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        let at = |c: f64| Var::full(&[], c, x.dtype(), x.device());
        let inside = x.ge(&at(-self.band)).logical_and(&x.le(&at(self.band)));
        Var::where_(&blocked(&x, inside), &g.zeros_like(), g)
    }
    crate::fields!(band, soft);
}

/// `x` held within `[low, high]`, with slope 0 at and beyond the bounds: `Clamp`, but for NaN, of which PyTorch lets
/// the gradient pass in f32.
#[derive(Clone, Copy, Debug)]
pub struct Hardtanh {
    /// The least value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
}

impl Default for Hardtanh {
    fn default() -> Hardtanh {
        Hardtanh {
            low: -1.0,
            high: 1.0,
        }
    }
}

impl Unary for Hardtanh {
    const NAME: &'static str = "hardtanh";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -0.9..0.9;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        self.int(x)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x.max(T::splat(self.low)).min(T::splat(self.high))
    }
    fn reference(&self, x: f64) -> f64 {
        x.clamp(self.low, self.high)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        let at = |c: f64| Var::full(&[], c, x.dtype(), x.device());
        let outside = x.le(&at(self.low)).logical_or(&x.ge(&at(self.high)));
        Var::where_(&blocked(&x, outside), &g.zeros_like(), g)
    }
    crate::fields!(low, high);
}

/// `x min(max(x + 3, 0), 6) / 6` (Howard et al. 2019).
#[derive(Clone, Copy, Debug, Default)]
pub struct Hardswish;

impl Unary for Hardswish {
    const NAME: &'static str = "hardswish";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -2.9..2.9;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let gate = (x + T::splat(3.0)).max(T::splat(0.0)).min(T::splat(6.0));
        x * gate / T::splat(6.0)
    }
    fn reference(&self, x: f64) -> f64 {
        x * (x + 3.0).clamp(0.0, 6.0) / 6.0
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        let at = |c: f64| Var::full(&[], c, x.dtype(), x.device());
        let middle = g * (&x / 3.0 + 0.5);
        let high = Var::where_(&blocked(&x, x.lt(&at(3.0))), &middle, g);
        Var::where_(&x.le(&at(-3.0)), &g.zeros_like(), &high)
    }
}

/// `min(max(x + 3, 0), 6) / 6` (Courbariaux et al. 2015, as PyTorch scales it).
#[derive(Clone, Copy, Debug, Default)]
pub struct Hardsigmoid;

/// The slope as PyTorch has it in every dtype: one sixth in f32, off by 3e-8.
const SIXTH: f64 = (1.0f32 / 6.0) as f64;

impl Unary for Hardsigmoid {
    const NAME: &'static str = "hardsigmoid";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -2.9..2.9;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let gate = (x + T::splat(3.0)).max(T::splat(0.0)).min(T::splat(6.0));
        gate / T::splat(6.0)
    }
    fn reference(&self, x: f64) -> f64 {
        (x / 6.0 + 0.5).clamp(0.0, 1.0)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        let at = |c: f64| Var::full(&[], c, x.dtype(), x.device());
        let inside = x.gt(&at(-3.0)).logical_and(&x.lt(&at(3.0)));
        Var::where_(&inside, &(g * SIXTH), &g.zeros_like())
    }
}

/// The tanh approximation of GELU (Hendrycks and Gimpel 2016).
#[derive(Clone, Copy, Debug, Default)]
pub struct GeluTanh;

/// `sqrt(2 / pi)` and the cubic coefficient.
const GELU: [f64; 2] = [0.797_884_560_802_865_4, 0.044_715];

impl Unary for GeluTanh {
    const NAME: &'static str = "gelu_tanh";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = -3.0..3.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        // (1 + tanh u) / 2 is the logistic function of 2u, which has one exponential less to undo; in
        // powers of 2 the constants take in what a power of e would multiply by.
        let outer = -2.0 * LOG2_E * GELU[0];
        let slope = (x * x).mul_add(T::splat(outer * GELU[1]), T::splat(outer));
        x / (T::splat(1.0) + (x * slope).exp2())
    }
    fn reference(&self, x: f64) -> f64 {
        let u = GELU[0] * (x + GELU[1] * x.powi(3));
        0.5 * x * (1.0 + u.tanh())
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let x = k.input(0);
        let square = x.square();
        let t = ((&x + &square * &x * GELU[1]) * GELU[0]).tanh();
        let inner = (square * (3.0 * GELU[1]) + 1.0) * GELU[0];
        g * ((&t + 1.0) * 0.5 + x * 0.5 * (1.0 - t.square()) * inner)
    }
}

impl Var {
    /// `x` above 0, `alpha (e^x - 1)` below.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-1000.0f32, 2.0], &[2]).elu(0.5).to_vec::<f32>()?, [-0.5, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn elu(&self, alpha: f64) -> Var {
        self.clone().float().map(Elu { alpha, width: 1.0 })
    }
    /// `x` above 0, `alpha (e^(x / alpha) - 1)` below.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-1000.0f32, 2.0], &[2]).celu(0.5).to_vec::<f32>()?, [-0.5, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn celu(&self, alpha: f64) -> Var {
        self.clone().float().map(Elu {
            alpha,
            width: alpha,
        })
    }
    /// The self-normalising unit (Klambauer et al. 2017).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(1.0f64).selu().item()? - 1.0507009873554805).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn selu(&self) -> Var {
        self.elu(1.673_263_242_354_377_2) * 1.050_700_987_355_480_5
    }
    /// `x` above `limit`, `value` elsewhere.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.5f32, 2.0], &[2]).threshold(1.0, -7.0).to_vec::<f32>()?, [-7.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn threshold(&self, limit: f64, value: f64) -> Var {
        self.beside(&[limit, value]).map(Threshold { limit, value })
    }
    /// `x` outside `[-band, band]`, 0 inside.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-2.0f32, 0.25, 2.0], &[3]).hardshrink(0.5).to_vec::<f32>()?, [-2.0, 0.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn hardshrink(&self, band: f64) -> Var {
        self.clone().float().map(Shrink { band, soft: false })
    }
    /// `x` moved towards 0 by `band`, at most to 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-2.0f32, 0.25, 2.0], &[3]).softshrink(0.5).to_vec::<f32>()?, [-1.5, 0.0, 1.5]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn softshrink(&self, band: f64) -> Var {
        self.clone().float().map(Shrink { band, soft: true })
    }
    /// `x min(max(x + 3, 0), 6) / 6`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-4.0f32, 0.0, 4.0], &[3]).hardswish().to_vec::<f32>()?, [0.0, 0.0, 4.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn hardswish(&self) -> Var {
        self.clone().float().map(Hardswish)
    }
    /// `min(max(x + 3, 0), 6) / 6`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-4.0f32, 0.0, 4.0], &[3]).hardsigmoid().to_vec::<f32>()?, [0.0, 0.5, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn hardsigmoid(&self) -> Var {
        self.clone().float().map(Hardsigmoid)
    }
    /// `x` held within `[low, high]`, with slope 0 at the bounds.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-3.0f32, 0.5, 3.0], &[3]).hardtanh(-1.0, 1.0).to_vec::<f32>()?, [-1.0, 0.5, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn hardtanh(&self, low: f64, high: f64) -> Var {
        self.clone().map(Hardtanh { low, high })
    }
    /// `x` held within 0 and 6.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[-1.0f32, 3.0, 9.0], &[3]).relu6().to_vec::<f32>()?, [0.0, 3.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn relu6(&self) -> Var {
        self.hardtanh(0.0, 6.0)
    }
    /// The tanh approximation of GELU.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32, 100.0, -100.0], &[3]).gelu_tanh().to_vec::<f32>()?, [0.0, 100.0, 0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn gelu_tanh(&self) -> Var {
        self.clone().float().map(GeluTanh)
    }
}
