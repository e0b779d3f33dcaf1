//! The complementary error function, its scaled form, and inverses.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI, SQRT_2};

use crate::simd::Lane;

/// From here on the continued fraction converges quickly.
const TAIL: f64 = 2.0;
/// Up to here `1 - erf(x)` cancels no digit.
const CENTRE: f64 = 0.5;

/// `1 - erf(x)` within a few units of the last place, over the whole line.
///
/// ```
/// let y = lepton_tensor::special::erfc(3.0);
/// assert!((y / 2.209_049_699_858_544e-5 - 1.0).abs() < 1e-14);
/// ```
pub fn erfc(x: f64) -> f64 {
    if x < CENTRE {
        return 1.0 - Lane::erf(x);
    }
    if x > 27.3 {
        return 0.0; // below the smallest subnormal
    }
    erfc_by_quadrature(x)
}

/// `erfc(x)` for positive `x`: the trapezoidal rule at half-integer nodes for the integral `(2x / pi) e^{-x^2}
/// int_0^inf e^{-t^2} / (t^2 + x^2) dt`, plus the residue of the pole at `t = ix` (Hunter and Regan 1972).
/// With step 1/2 and 13 nodes the rule's error is below `e^{-pi^2 / h^2}`, 7e-18.
fn erfc_by_quadrature(x: f64) -> f64 {
    const STEP: f64 = 0.5;
    let mut sum = 0.0;
    for n in (0..13).rev() {
        let t2 = ((f64::from(n) + 0.5) * STEP).powi(2);
        sum += (-t2).exp() / (t2 + x * x);
    }
    // The rule's best contour runs at height pi / h: only a pole below it is crossed.
    let residue = if x < PI / STEP {
        2.0 / (1.0 + (2.0 * PI * x / STEP).exp())
    } else {
        0.0
    };
    2.0 * STEP * x / PI * (-x * x).exp() * sum + residue
}

/// `e^(x^2) erfc(x)`, which does not underflow.
///
/// ```
/// use lepton_tensor::special::erfcx;
/// let y = erfcx(30.0); // erfc(30) itself is below the smallest f64
/// assert!((y / 0.018_795_888_861_416_75 - 1.0).abs() < 1e-13);
/// ```
pub fn erfcx(x: f64) -> f64 {
    if x >= TAIL {
        return fraction(x);
    }
    (x * x).exp() * erfc(x)
}

/// The continued fraction of [`erfcx`] for `x >= 2` (DLMF 7.9.1), from the back.
fn fraction(x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    // More terms than the tail far from 0 needs, so that the error is below 1e-16 everywhere.
    let terms = 12 + (400.0 / (x * x)) as u32;
    let mut tail = x;
    for k in (1..=terms).rev() {
        tail = x + f64::from(k) / 2.0 / tail;
    }
    FRAC_2_SQRT_PI / 2.0 / tail
}

/// `x` with `erf(x) = y`; infinite at -1 and 1, NaN beyond.
///
/// ```
/// use lepton_tensor::special::erfinv;
/// assert!((erfinv(0.5) - 0.476_936_276_204_469_9).abs() < 1e-14);
/// assert_eq!(erfinv(1.0), f64::INFINITY);
/// assert!(erfinv(1.1).is_nan());
/// ```
pub fn erfinv(y: f64) -> f64 {
    let a = y.abs();
    if a > 1.0 || a.is_nan() {
        return f64::NAN;
    }
    if a < 0.5 {
        // Newton's method on erf from the slope at 0; it converges quadratically here.
        let mut x = a / FRAC_2_SQRT_PI;
        for _ in 0..6 {
            x -= (Lane::erf(x) - a) / (FRAC_2_SQRT_PI * (-x * x).exp());
        }
        return x.copysign(y);
    }
    erfcinv(1.0 - a).copysign(y)
}

/// `x` with `erfc(x) = z` for `z` in `[0, 1]`.
fn erfcinv(z: f64) -> f64 {
    if z == 0.0 {
        return f64::INFINITY;
    }
    // Start from the leading asymptotics, then Halley's method on ln erfc, which is nearly a
    // parabola, so that it converges from anywhere in the tail.
    let target = z.ln();
    let mut x = (-target - 0.5 * (1.0 - target).ln()).max(0.01).sqrt();
    for _ in 0..12 {
        let scaled = erfcx(x);
        let value = scaled.ln() - x * x - target;
        let slope = -FRAC_2_SQRT_PI / scaled;
        let bend = slope * (-2.0 * x - slope);
        let step = value / (slope - 0.5 * value * bend / slope);
        x -= step;
        if step.abs() <= 1e-16 * x.abs() {
            break;
        }
    }
    x
}

/// The quantile of the standard normal distribution; NaN outside `[0, 1]`.
///
/// It is SciPy's `ndtri`, PyTorch's `torch.special.ndtri`.
///
/// ```
/// use lepton_tensor::special::ndtri;
/// assert!((ndtri(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
/// assert_eq!(ndtri(0.5), 0.0);
/// ```
pub fn ndtri(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if (0.25..0.75).contains(&p) {
        return SQRT_2 * erfinv(2.0 * p - 1.0);
    }
    if p < 0.5 {
        -SQRT_2 * erfcinv(2.0 * p)
    } else {
        SQRT_2 * erfcinv(2.0 * (1.0 - p))
    }
}

/// The logarithm of the standard normal distribution function, without underflow.
///
/// ```
/// use lepton_tensor::special::log_ndtr;
/// assert!((log_ndtr(0.0) - 0.5f64.ln()).abs() < 1e-15);
/// assert!((log_ndtr(-40.0) + 804.608_442_013_753_8).abs() < 1e-9); // the function itself is 0 there
/// ```
pub fn log_ndtr(x: f64) -> f64 {
    let t = x * FRAC_1_SQRT_2;
    if x < -1.0 {
        (erfcx(-t) / 2.0).ln() - t * t
    } else {
        (-erfc(t) / 2.0).ln_1p()
    }
}
