//! Elementwise functions of two inputs beyond arithmetic: angles, remainders, guarded logarithms.

use std::ops::Range;

use lepton_tensor::simd::{Lane, Libm2, Num};

use crate::engine::apply::OrPanic;
use crate::engine::elementwise::Binary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::elementwise::binary::zip;
use crate::ops::shape::reshape::broadcast_shape;

crate::catalogue! {
    pub(crate)
    binary: Atan2, Copysign, FloorDiv, Fmax, Fmin, Fmod, Hypot, LogAddExp, Remainder, Xlog1py, Xlogy;
}

/// The angle of the point `(y, x)`; its gradient at the origin is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Atan2;

impl Binary for Atan2 {
    const NAME: &'static str = "atan2";
    const FLOATS: bool = true;
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-2.0..2.0, 0.3..2.0];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, y: T, x: T) -> T {
        let atan2 = Libm2 {
            name: "atan2",
            f: f64::atan2,
        };
        y.libm2(x, atan2)
    }
    fn reference(&self, y: f64, x: f64) -> f64 {
        (y / x).atan()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (y, x) = (k.input(0), k.input(1));
        // Twice by the radius, whose square may overflow.
        let radius = y.hypot(&x);
        let origin = radius.eq(&radius.zeros_like());
        let radius = Var::where_(&origin, &radius.ones_like(), &radius);
        let scaled = g / &radius;
        [
            k.needs(0).then(|| &scaled * (&x / &radius)),
            k.needs(1).then(|| -(&scaled * (&y / &radius))),
        ]
    }
}

/// `sqrt(x^2 + y^2)` without overflow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hypot;

impl Binary for Hypot {
    const NAME: &'static str = "hypot";
    const FLOATS: bool = true;
    const KEEPS: Keeps = Keeps::INPUTS.and(Keeps::OUTPUT);
    const DOMAIN: [Range<f64>; 2] = [0.3..2.0, -2.0..2.0];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        let hypot = Libm2 {
            name: "hypot",
            f: f64::hypot,
        };
        x.libm2(y, hypot)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        (x * x + y * y).sqrt()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let of = |i: usize| k.needs(i).then(|| g * (k.input(i) / k.output(0)));
        [of(0), of(1)]
    }
}

/// The magnitude of `x` with the sign of `y`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Copysign;

impl Binary for Copysign {
    const NAME: &'static str = "copysign";
    const FLOATS: bool = true;
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [0.2..2.0, -2.0..-0.2];

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x.copysign(y)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        if y < 0.0 { -x.abs() } else { x.abs() }
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let turned = || {
            let x = k.input(0);
            g * (x.sign() * x.ones_like().copysign(&k.input(1)))
        };
        [k.needs(0).then(turned), k.needs(1).then(|| g.zeros_like())]
    }
}

/// The larger of two, the other where one is NaN; at a tie each takes half of the gradient.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fmax;

/// The smaller of two, the other where one is NaN; at a tie each takes half of the gradient.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fmin;

/// Cotangents where the first input is chosen when `first` holds, and each counts half when they are equal.
fn chosen(k: &Saved<'_>, g: &Var, first: &Var) -> [Option<Var>; 2] {
    let (zero, half) = (g.zeros_like(), g * 0.5);
    let tie = k.input(0).eq(&k.input(1));
    let pick = |x: &Var, y: &Var| Var::where_(&tie, &half, &Var::where_(first, x, y));
    [
        k.needs(0).then(|| pick(g, &zero)),
        k.needs(1).then(|| pick(&zero, g)),
    ]
}

impl Binary for Fmax {
    const NAME: &'static str = "fmax";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-2.0..0.0, 0.1..2.0];
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        T::select(y.le(x) | y.is_nan(), x, y)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x.max(y)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x.max(y)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (x, y) = (k.input(0), k.input(1));
        chosen(k, g, &x.ge(&y).logical_or(&y.isnan()))
    }
}

impl Binary for Fmin {
    const NAME: &'static str = "fmin";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-2.0..0.0, 0.1..2.0];
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        T::select(x.le(y) | y.is_nan(), x, y)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x.min(y)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x.min(y)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (x, y) = (k.input(0), k.input(1));
        chosen(k, g, &x.le(&y).logical_or(&y.isnan()))
    }
}

/// What is left of `x` after whole `y`, with the sign of `x`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fmod;

/// What is left of `x` after whole `y`, with the sign of `y`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remainder;

/// `x / y` rounded down, consistent with [`Remainder`]; its slope is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct FloorDiv;

fn fmod(x: f64, y: f64) -> f64 {
    x % y
}

fn remainder(x: f64, y: f64) -> f64 {
    let r = x % y;
    if r != 0.0 && (r < 0.0) != (y < 0.0) {
        r + y
    } else {
        r
    }
}

/// Python's way: from the exact remainder, so that a rounded quotient cannot be one too high.
fn floor_div(x: f64, y: f64) -> f64 {
    if y == 0.0 {
        return x / y;
    }
    let r = x % y;
    let whole = (x - r) / y - f64::from(u8::from(r != 0.0 && (r < 0.0) != (y < 0.0)));
    if whole == 0.0 {
        return 0f64.copysign(x / y);
    }
    let down = whole.floor();
    if whole - down > 0.5 { down + 1.0 } else { down }
}

impl Binary for Fmod {
    const NAME: &'static str = "fmod";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [2.1..2.9, 0.98..1.02];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x.libm2(
            y,
            Libm2 {
                name: "fmod",
                f: fmod,
            },
        )
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x - y * (x / y).trunc()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let gy = || -(g * (k.input(0) / k.input(1)).trunc());
        [k.needs(0).then(|| g.clone()), k.needs(1).then(gy)]
    }
}

impl Binary for Remainder {
    const NAME: &'static str = "remainder";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [2.1..2.9, -1.02..-0.98];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        let remainder = Libm2 {
            name: "remainder",
            f: remainder,
        };
        x.libm2(y, remainder)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x - y * (x / y).floor()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let gy = || -(g * k.input(0).floor_div(&k.input(1)));
        [k.needs(0).then(|| g.clone()), k.needs(1).then(gy)]
    }
}

impl Binary for FloorDiv {
    const NAME: &'static str = "floor_div";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: [Range<f64>; 2] = [2.1..2.9, -1.02..-0.98];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        let floor_div = Libm2 {
            name: "floor_div",
            f: floor_div,
        };
        x.libm2(y, floor_div)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        (x / y).floor()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        [0, 1].map(|i| k.needs(i).then(|| g.zeros_like()))
    }
}

/// `x ln y`, 0 where `x` is 0 (and `y` no NaN).
#[derive(Clone, Copy, Debug, Default)]
pub struct Xlogy;

/// `x ln(1 + y)`, 0 where `x` is 0 (and `y` no NaN).
#[derive(Clone, Copy, Debug, Default)]
pub struct Xlog1py;

fn xlogy(x: f64, y: f64) -> f64 {
    if x == 0.0 && !y.is_nan() {
        0.0
    } else {
        x * y.ln()
    }
}

fn xlog1py(x: f64, y: f64) -> f64 {
    if x == 0.0 && !y.is_nan() {
        0.0
    } else {
        x * y.ln_1p()
    }
}

/// `log` but 0 where `x` is 0 and `inside`, of which it is the logarithm, is not positive.
fn guarded(x: &Var, inside: &Var, log: &Var) -> Var {
    let zero = x.zeros_like();
    let none = x.eq(&zero).logical_and(&inside.le(&zero));
    Var::where_(&none, &zero, log)
}

impl Binary for Xlogy {
    const NAME: &'static str = "xlogy";
    const FLOATS: bool = true;
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-2.0..2.0, 0.3..2.0];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        let xlogy = Libm2 {
            name: "xlogy",
            f: xlogy,
        };
        x.libm2(y, xlogy)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        -x * y.recip().ln()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (x, y) = (k.input(0), k.input(1));
        [
            k.needs(0).then(|| g * guarded(&x, &y, &y.log())),
            k.needs(1).then(|| g * (&x / &y)),
        ]
    }
}

impl Binary for Xlog1py {
    const NAME: &'static str = "xlog1py";
    const FLOATS: bool = true;
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-2.0..2.0, -0.6..2.0];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        let xlog1py = Libm2 {
            name: "xlog1py",
            f: xlog1py,
        };
        x.libm2(y, xlog1py)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x * (1.0 + y).ln()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (x, y) = (k.input(0), k.input(1));
        [
            k.needs(0).then(|| g * guarded(&x, &(&y + 1.0), &y.log1p())),
            k.needs(1).then(|| g * (&x / (&y + 1.0))),
        ]
    }
}

/// `ln(e^x + e^y)` without overflow.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogAddExp;

fn logaddexp(x: f64, y: f64) -> f64 {
    // Equal infinities would give inf - inf.
    if x == y && x.is_infinite() {
        return x;
    }
    x.max(y) + (-(x - y).abs()).exp().ln_1p()
}

impl Binary for LogAddExp {
    const NAME: &'static str = "logaddexp";
    const FLOATS: bool = true;
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-2.0..2.0, -2.0..2.0];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        let logaddexp = Libm2 {
            name: "logaddexp",
            f: logaddexp,
        };
        x.libm2(y, logaddexp)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        (x.exp() + y.exp()).ln()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (x, y) = (k.input(0), k.input(1));
        let share = |a: &Var, b: &Var| g / ((b - a).exp() + 1.0);
        [
            k.needs(0).then(|| share(&x, &y)),
            k.needs(1).then(|| share(&y, &x)),
        ]
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident, $Op:ident;)*) => {
        impl Var {$(
            $(#[$doc])*
            ///
            /// # Panics
            /// When the shapes do not broadcast.
            #[track_caller]
            pub fn $method(&self, other: &Var) -> Var {
                zip($Op, self.clone(), other.clone())
            }
        )*}
    };
}

methods! {
    /// The angle of the point `(other, self)`, broadcasting.
    atan2, Atan2;
    /// `sqrt(self^2 + other^2)`, broadcasting.
    hypot, Hypot;
    /// The magnitude of this variable with the sign of `other`, broadcasting.
    copysign, Copysign;
    /// The larger of each pair, broadcasting; NaN loses.
    fmax, Fmax;
    /// The smaller of each pair, broadcasting; NaN loses.
    fmin, Fmin;
    /// What is left after whole `other`, with the sign of this variable, broadcasting.
    fmod, Fmod;
    /// What is left after whole `other`, with the sign of `other`, broadcasting.
    remainder, Remainder;
    /// The quotient rounded down, broadcasting; its gradient is 0.
    floor_div, FloorDiv;
    /// `self ln other`, 0 where this variable is 0, broadcasting.
    xlogy, Xlogy;
    /// `self ln(1 + other)`, 0 where this variable is 0, broadcasting.
    xlog1py, Xlog1py;
    /// `ln(e^self + e^other)`, broadcasting.
    logaddexp, LogAddExp;
}

impl Var {
    /// This variable held between `low` and `high` where given, broadcasting; `high` wins when they
    /// cross. At a bound the gradient goes to the bound.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[-3.0f32, 0.0, 3.0], &[3]);
    /// let high = Var::new(&[1.0f32, 1.0, 2.0], &[3]);
    /// assert_eq!(x.clamp_between(None, Some(&high)).to_vec::<f32>()?, [-3.0, 0.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn clamp_between(&self, low: Option<&Var>, high: Option<&Var>) -> Var {
        for bound in low.into_iter().chain(high) {
            broadcast_shape("clamp_between", self.shape(), bound.shape()).or_panic();
        }
        let mut x = self.clone();
        if let Some(low) = low {
            x = Var::where_(&x.le(low), low, &x);
        }
        if let Some(high) = high {
            x = Var::where_(&x.ge(high), high, &x);
        }
        x
    }

    /// NaN, infinity and minus infinity replaced; gradients pass elsewhere.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[f32::NAN, 1.0, f32::INFINITY], &[3]);
    /// assert_eq!(x.nan_to_num(0.0, 9.0, -9.0).to_vec::<f32>()?, [0.0, 1.0, 9.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn nan_to_num(&self, nan: f64, high: f64, low: f64) -> Var {
        if !self.dtype().is_float() {
            return self.clone();
        }
        let at = |c: f64| self.constant(c);
        let x = self.masked_fill(&self.isnan(), nan);
        let x = x.masked_fill(&self.eq(&at(f64::INFINITY)), high);
        x.masked_fill(&self.eq(&at(f64::NEG_INFINITY)), low)
    }
}
