//! Special functions: the families of erf, gamma and Bessel.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};
use std::ops::Range;

use lepton_tensor::simd::{Lane, Libm, Libm2};
use lepton_tensor::{Result, special};

use crate::engine::attrs::Attrs;
use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::elementwise::trigonometric::functions;

crate::catalogue! {
    pub(crate)
    unary: Entr, Erf, Erfc, Erfcx, Erfinv, I0, I0e, I1, I1e, Lgamma, LogNdtr, Ndtri, Polygamma;
}

functions! {
    /// `1 - erf(x)`, accurate where that is small.
    Erfc, erfc(0.5 => 0.4795001221869535), -1.0..2.5, special::erfc, |x| 1.0 - Lane::erf(x), Keeps::INPUT,
        |k, g| -(g * ((-k.input(0).square()).exp() * FRAC_2_SQRT_PI));
    /// `e^(x^2) erfc(x)`, which does not underflow.
    Erfcx, erfcx(0.5 => 0.6156903441929259), -1.0..2.5, special::erfcx, |x| (x * x).exp() * (1.0 - Lane::erf(x)), Keeps::INPUT.and(Keeps::OUTPUT),
        |k, g| g * (k.input(0) * k.output(0) * 2.0 - FRAC_2_SQRT_PI);
    /// The inverse of the error function.
    Erfinv, erfinv(0.5 => 0.4769362762044699), -0.9..0.9, special::erfinv, |y| bisect(|x: f64| Lane::erf(x), y), Keeps::OUTPUT,
        |k, g| g * (k.output(0).square().exp() / FRAC_2_SQRT_PI);
    /// The quantile of the standard normal distribution.
    Ndtri, ndtri(0.975 => 1.9599639845400532), 0.05..0.95, special::ndtri, |p| bisect(normal_cdf, p), Keeps::OUTPUT,
        |k, g| g * ((k.output(0).square() * 0.5).exp() * (2.0 * PI).sqrt());
    /// The logarithm of the absolute value of the gamma function.
    Lgamma, lgamma(3.5 => 1.2009736023470738), 0.5..5.0, special::lgamma, |x| gamma_by_product(x).ln(), Keeps::INPUT,
        |k, g| g * k.input(0).digamma();
    /// The modified Bessel function of the first kind of order 0.
    I0, i0(1.0 => 1.2660658777520082), -3.0..3.0, special::i0, |x| bessel_by_integral(0.0, x), Keeps::INPUT,
        |k, g| g * k.input(0).i1();
    /// `I_0(x) e^-|x|`.
    I0e, i0e(1.0 => 0.4657596075936404), 0.2..3.0, special::i0e, |x| bessel_by_integral(0.0, x) * (-x.abs()).exp(), Keeps::INPUT.and(Keeps::OUTPUT),
        |k, g| g * (k.input(0).i1e() - k.input(0).sign() * k.output(0));
    /// The modified Bessel function of the first kind of order 1.
    I1, i1(1.0 => 0.565159103992485), 0.2..3.0, special::i1, |x| bessel_by_integral(1.0, x), Keeps::INPUT.and(Keeps::OUTPUT),
        |k, g| g * (k.input(0).i0() - over(&k.output(0), &k.input(0)));
    /// `I_1(x) e^-|x|`.
    I1e, i1e(1.0 => 0.20791041534970847), 0.2..3.0, special::i1e, |x| bessel_by_integral(1.0, x) * (-x.abs()).exp(), Keeps::INPUT.and(Keeps::OUTPUT),
        |k, g| g * (k.input(0).i0e() - k.output(0) * k.input(0).sign() - over(&k.output(0), &k.input(0)));
}

/// `y / x` for `y = I_1(x)` or its scaled form: one half at 0.
fn over(y: &Var, x: &Var) -> Var {
    // Next to 0 the quotient of subnormals has no digits, and one half has all of them.
    let origin = x.abs().lt(&Var::full(&[], 1e-20, x.dtype(), x.device()));
    let safe = Var::where_(&origin, &x.ones_like(), x);
    Var::where_(&origin, &(x.ones_like() * 0.5), &(y / safe))
}

/// The `n`-th derivative of the digamma function.
#[derive(Clone, Copy, Debug)]
pub struct Polygamma(pub u32);

impl Default for Polygamma {
    fn default() -> Polygamma {
        Polygamma(1)
    }
}

impl Unary for Polygamma {
    const NAME: &'static str = "polygamma";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = 0.5..5.0;
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let polygamma = Libm2 {
            name: "polygamma",
            f: |x, n| special::polygamma(n as u32, x),
        };
        let order = T::splat(f64::from(self.0));
        if self.0 != 1 {
            return x.libm2(order, polygamma);
        }
        // Order 1 is reflected in the element's own precision, as elsewhere: next to its poles the
        // value is that of the rounded angle.
        let low = x.lt(T::splat(0.5));
        let right = T::select(low, T::splat(1.0) - x, x).libm2(order, polygamma);
        let sine = (x * T::splat(PI)).libm(Libm {
            name: "sin",
            f: f64::sin,
        });
        T::select(low, T::splat(PI * PI) / (sine * sine) - right, right)
    }
    /// The defining series of order 1, with what is left of it as an integral.
    fn reference(&self, x: f64) -> f64 {
        let n = 200_000;
        let end = x + f64::from(n);
        let head: f64 = (0..n).map(|k| (x + f64::from(k)).powi(-2)).sum();
        head + 1.0 / end + 0.5 / (end * end)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        g * k.input(0).polygamma(self.0 + 1)
    }
    fn attrs(&self) -> Attrs {
        Attrs::new().int("n", i64::from(self.0))
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(Polygamma(a.get_size("n")? as u32))
    }
}

impl Var {
    /// The derivative of [`Var::lgamma`].
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// // Minus Euler's constant.
    /// assert!((Var::scalar(1.0f64).digamma().item()? - -0.5772156649015329).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn digamma(&self) -> Var {
        self.polygamma(0)
    }

    /// The `n`-th derivative of [`Var::digamma`].
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// // pi^2 / 6.
    /// assert!((Var::scalar(1.0f64).polygamma(1).item()? - 1.6449340668482264).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn polygamma(&self, n: u32) -> Var {
        self.clone().float().map(Polygamma(n))
    }

    /// The logarithm of the multivariate gamma function of dimension `p`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(3.0f64).mvlgamma(1).item()? - 2.0f64.ln()).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When `p` is 0.
    #[track_caller]
    pub fn mvlgamma(&self, p: u32) -> Var {
        assert!(p > 0, "mvlgamma: the dimension is 0, must be 1 or more");
        let shift = f64::from(p) * f64::from(p - 1) / 4.0 * PI.ln();
        let terms = (1..p).map(|j| (self - f64::from(j) / 2.0).lgamma());
        terms.fold(self.lgamma() + shift, |sum, t| sum + t)
    }

    /// The standard normal distribution function.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(0.0f64).ndtr().item()? - 0.5).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn ndtr(&self) -> Var {
        (self * -FRAC_1_SQRT_2).erfc() * 0.5
    }

    /// The logarithm of the standard normal distribution function, without underflow.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert!((Var::scalar(0.0f64).log_ndtr().item()? - 0.5f64.ln()).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn log_ndtr(&self) -> Var {
        self.clone().float().map(LogNdtr)
    }

    /// `-x ln x`, 0 at 0 and `-inf` below.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.0f32, 1.0], &[2]).entr().to_vec::<f32>()?, [0.0, 0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn entr(&self) -> Var {
        self.clone().float().map(Entr)
    }
}

/// The logarithm of the standard normal distribution function, without underflow.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogNdtr;

impl Unary for LogNdtr {
    const NAME: &'static str = "log_ndtr";
    const KEEPS: Keeps = Keeps::INPUT.and(Keeps::OUTPUT);
    const DOMAIN: Range<f64> = -2.0..2.0;
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let of = |name, f| Libm { name, f };
        let t = x * T::splat(FRAC_1_SQRT_2);
        let scaled = (-t).libm(of("erfcx", special::erfcx)) * T::splat(0.5);
        let low = scaled.ln() - t * t;
        let high = -(t.libm(of("erfc", special::erfc)) * T::splat(0.5));
        let high = high.libm(of("log1p", f64::ln_1p));
        T::select(x.lt(T::splat(-1.0)), low, high)
    }
    fn reference(&self, x: f64) -> f64 {
        normal_cdf(x).ln()
    }
    /// The density over the distribution function, from the logarithm of both.
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let log = k.output(0) + k.input(0).square() * 0.5;
        g * ((-log).exp() / (2.0 * PI).sqrt())
    }
}

/// `-x ln x`, 0 at 0 and `-inf` below.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entr;

impl Unary for Entr {
    const NAME: &'static str = "entr";
    const KEEPS: Keeps = Keeps::INPUT;
    const DOMAIN: Range<f64> = 0.2..2.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let zero = T::splat(0.0);
        let y = T::select(x.lt(zero), T::splat(f64::NEG_INFINITY), -(x * x.ln()));
        T::select(x.eq(zero), zero, y)
    }
    fn reference(&self, x: f64) -> f64 {
        x * x.recip().ln()
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        -(g * (k.input(0).log() + 1.0))
    }
}

/// `x` in `[-10, 10]` with `f(x) = y` for a rising `f`.
fn bisect(f: impl Fn(f64) -> f64, y: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if f(middle) < y {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

fn normal_cdf(x: f64) -> f64 {
    0.5 + 0.5 * Lane::erf(x * FRAC_1_SQRT_2)
}

/// Gauss's limit, sped up by its first two corrections (Abramowitz and Stegun 6.1.47).
fn gamma_by_product(x: f64) -> f64 {
    let n = 20_000;
    let log: f64 = (0..n)
        .map(|k| (f64::from(k + 1) / (x + f64::from(k))).ln())
        .sum();
    let m = f64::from(n);
    let correction = x * (x - 1.0) / (2.0 * m) - x * (x - 1.0) * (2.0 * x - 1.0) / (12.0 * m * m);
    // prod_{k<n} (k + 1) / (x + k) is gamma(x) n^(1 - x) up to the correction.
    (log + (x - 1.0) * m.ln() + correction).exp()
}

/// `1/pi` times the integral of `e^(x cos t) cos(n t)`, by the trapezoid rule (exact for periods).
fn bessel_by_integral(n: f64, x: f64) -> f64 {
    let steps = 200;
    let f = |i: u32| {
        let t = PI * (f64::from(i) + 0.5) / f64::from(steps);
        (x * t.cos()).exp() * (n * t).cos()
    };
    (0..steps).map(f).sum::<f64>() / f64::from(steps)
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
