//! Elementwise functions of the C library and their slopes, one row each.

use std::f64::consts::{LN_2, LN_10, PI};

use lepton_tensor::DType;

use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    unary: Acos, Acosh, Angle, Asin, Asinh, Atan, Atanh, Cos, Cosh, Exp2, Log2, Log10, Logit, Sin, Sinc, Sinh, Tan;
}

// A row is: documentation, type, method with a point and its value there, domain, function, the same by other means for the tests,
// what the slope reads, the cotangent. A dozen nearly equal impls read best as a table.
macro_rules! functions {
    ($($(#[$doc:meta])* $T:ident, $method:ident($at:literal => $value:literal), $domain:expr, $f:expr, $plain:expr, $keeps:expr, $vjp:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $T;

        impl $crate::Unary for $T {
            const NAME: &'static str = stringify!($method);
            const KEEPS: $crate::Keeps = $keeps;
            const DOMAIN: std::ops::Range<f64> = $domain;
            const SCALAR: bool = true;

            #[inline(always)]
            fn f<T: lepton_tensor::simd::Lane>(&self, x: T) -> T {
                x.libm(lepton_tensor::simd::Libm { name: stringify!($method), f: $f })
            }
            fn reference(&self, x: f64) -> f64 {
                let plain: fn(f64) -> f64 = $plain;
                plain(x)
            }
            fn vjp(&self, k: &$crate::Saved<'_>, g: &$crate::Var) -> $crate::Var {
                let vjp: fn(&$crate::Saved<'_>, &$crate::Var) -> $crate::Var = $vjp;
                vjp(k, g)
            }
        }

        impl $crate::Var {
            $(#[$doc])*
            #[doc = concat!(
                "\n```\nlet y = lepton_autograd::Var::scalar(", stringify!($at), "f64).", stringify!($method),
                "().item().unwrap();\nassert!((y - ", stringify!($value), ").abs() < 1e-12);\n```"
            )]
            pub fn $method(&self) -> $crate::Var {
                self.clone().float().map($T)
            }
        }
    )*};
}
pub(crate) use functions;

functions! {
    /// The sine.
    Sin, sin(1.0 => 0.8414709848078965), -6.0..6.0, f64::sin, f64::sin, Keeps::INPUT, |k, g| g * k.input(0).cos();
    /// The cosine.
    Cos, cos(1.0 => 0.5403023058681398), -6.0..6.0, f64::cos, f64::cos, Keeps::INPUT, |k, g| -(g * k.input(0).sin());
    /// The tangent.
    Tan, tan(0.5 => 0.5463024898437905), -1.2..1.2, f64::tan, |x| x.sin() / x.cos(), Keeps::OUTPUT,
        |k, g| g * (k.output(0).square() + 1.0);
    /// The inverse of the sine.
    Asin, asin(0.5 => 0.5235987755982989), -0.9..0.9, f64::asin, |x| x.atan2((1.0 - x * x).sqrt()), Keeps::INPUT,
        |k, g| g * (1.0 - k.input(0).square()).rsqrt();
    /// The inverse of the cosine.
    Acos, acos(0.5 => 1.0471975511965979), -0.9..0.9, f64::acos, |x| (1.0 - x * x).sqrt().atan2(x), Keeps::INPUT,
        |k, g| -(g * (1.0 - k.input(0).square()).rsqrt());
    /// The inverse of the tangent.
    Atan, atan(1.0 => 0.7853981633974483), -3.0..3.0, f64::atan, |x| x.atan2(1.0), Keeps::INPUT,
        |k, g| g / (k.input(0).square() + 1.0);
    /// The hyperbolic sine.
    Sinh, sinh(1.0 => 1.1752011936438014), -3.0..3.0, sinh, f64::sinh, Keeps::INPUT,
        |k, g| g * k.input(0).cosh();
    /// The hyperbolic cosine.
    Cosh, cosh(1.0 => 1.5430806348152437), -3.0..3.0, cosh, f64::cosh, Keeps::INPUT,
        |k, g| g * k.input(0).sinh();
    /// The inverse of the hyperbolic sine.
    Asinh, asinh(1.0 => 0.881373587019543), -3.0..3.0, f64::asinh, |x| (x + (x * x + 1.0).sqrt()).ln(), Keeps::INPUT,
        |k, g| g / k.input(0).hypot(&k.input(0).ones_like());
    /// The inverse of the hyperbolic cosine.
    Acosh, acosh(2.0 => 1.3169578969248166), 1.3..4.0, f64::acosh, |x| (x + (x * x - 1.0).sqrt()).ln(), Keeps::INPUT,
        |k, g| g * (k.input(0).square() - 1.0).rsqrt();
    /// The inverse of the hyperbolic tangent.
    Atanh, atanh(0.5 => 0.5493061443340548), -0.8..0.8, f64::atanh, |x| ((1.0 + x) / (1.0 - x)).ln() / 2.0, Keeps::INPUT,
        |k, g| g / (1.0 - k.input(0).square());
    /// `2^x`.
    Exp2, exp2(3.0 => 8.0), -3.0..3.0, f64::exp2, |x| (x * LN_2).exp(), Keeps::OUTPUT,
        |k, g| g * (k.output(0) * LN_2);
    /// The logarithm to base 2.
    Log2, log2(8.0 => 3.0), 0.2..4.0, f64::log2, |x| x.ln() / LN_2, Keeps::INPUT,
        |k, g| g / (k.input(0) * LN_2);
    /// The logarithm to base 10.
    Log10, log10(1000.0 => 3.0), 0.2..4.0, f64::log10, |x| x.ln() / LN_10, Keeps::INPUT,
        |k, g| g / (k.input(0) * LN_10);
    /// `sin(pi x) / (pi x)`, and 1 at 0, where its slope is 0.
    Sinc, sinc(0.5 => 0.6366197723675814), 0.2..3.0, sinc, |x| (PI * x).sin() / (PI * x), Keeps::INPUT,
        sinc_slope;
    /// The angle of a number on the line: pi below 0, else 0; NaN stays.
    Angle, angle(-1.0 => 3.141592653589793), -3.0..-0.1, angle, |x| f64::atan2(0.0, x), Keeps::NONE,
        |_, g| g.zeros_like();
    /// `ln(x / (1 - x))`, the inverse of the sigmoid.
    Logit, logit_plain(0.75 => 1.0986122886681098), 0.1..0.9, |x| (x / (1.0 - x)).ln(), |x| x.ln() - (1.0 - x).ln(), Keeps::INPUT,
        logit_slope;
}

/// Infinite from where `e^|x|` is, as in vectorised libraries.
fn sinh(x: f64) -> f64 {
    let t = x.abs().exp_m1();
    let y = if t.is_infinite() {
        t
    } else {
        (t + t / (t + 1.0)) / 2.0
    };
    y.copysign(x)
}

/// Infinite from where `e^|x|` is, as in vectorised libraries.
fn cosh(x: f64) -> f64 {
    let t = x.abs().exp();
    0.5 * t + 0.5 / t
}

/// NaN outside `[0, 1]`, where the function has no value.
fn logit_slope(k: &Saved<'_>, g: &Var) -> Var {
    let x = k.input(0);
    let outside = x.lt(&x.zeros_like()).logical_or(&x.gt(&x.ones_like()));
    let spread = &x * (1.0 - &x);
    // At -0 the slope is infinite by the sign of the cotangent in f32, and by that of the zero in f64, as PyTorch
    // has it.
    let spread = if x.dtype() == DType::F32 {
        spread.abs()
    } else {
        spread
    };
    (g / spread).masked_fill(&outside, f64::NAN)
}

fn angle(x: f64) -> f64 {
    if x < 0.0 {
        PI
    } else if x.is_nan() {
        x
    } else {
        0.0
    }
}

impl Var {
    /// The inverse of the sigmoid, of a value held within `eps` and `1 - eps` where given.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.5f32], &[1]).logit(None).to_vec::<f32>()?, [0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn logit(&self, eps: Option<f64>) -> Var {
        match eps {
            Some(eps) => self.clamp(eps, 1.0 - eps).logit_plain(),
            None => self.logit_plain(),
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    }
}

fn sinc_slope(k: &Saved<'_>, g: &Var) -> Var {
    let x = k.input(0);
    let near = x.abs().lt(&Var::full(&[], 0.03, x.dtype(), x.device()));
    // Next to 0 the quotient cancels, and its parts vanish: there it is its series, and the quotient is taken of 1,
    // so that no NaN reaches higher orders.
    let small = Var::where_(&near, &x, &x.zeros_like()) * PI;
    let square = small.square();
    let series = &small * (((&square / -840.0 + 1.0 / 30.0) * &square) - 1.0 / 3.0) * PI;
    let x = Var::where_(&near, &x.ones_like(), &x);
    let turn = &x * PI;
    let slope = (turn.cos() * &turn - turn.sin()) / (turn * x);
    g * Var::where_(&near, &series, &slope)
}
