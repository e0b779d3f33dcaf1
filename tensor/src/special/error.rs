//! The complementary error function, its scaled form, and inverses.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, SQRT_2};

use crate::simd::Lane;

/// From here on the continued fraction converges quickly.
const TAIL: f64 = 2.0;

/// `1 - erf(x)`, accurate in the upper tail.
///
/// ```
/// let y = lepton_tensor::special::erfc(3.0);
/// assert!((y / 2.209_049_699_858_544e-5 - 1.0).abs() < 1e-14);
/// ```
pub fn erfc(x: f64) -> f64 {
    if x < TAIL {
        return 1.0 - Lane::erf(x);
    }
    (-x * x).exp() * fraction(x)
}

/// `e^(x^2) erfc(x)`, which does not underflow.
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
    // 20 / x^2 more terms than a far tail needs leave an error below 1e-16.
    let terms = 12 + (400.0 / (x * x)) as u32;
    let mut tail = x;
    for k in (1..=terms).rev() {
        tail = x + f64::from(k) / 2.0 / tail;
    }
    FRAC_2_SQRT_PI / 2.0 / tail
}

/// `x` with `erf(x) = y`; infinite at -1 and 1, NaN beyond.
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
pub fn log_ndtr(x: f64) -> f64 {
    let t = x * FRAC_1_SQRT_2;
    if x < -1.0 {
        (erfcx(-t) / 2.0).ln() - t * t
    } else {
        (-erfc(t) / 2.0).ln_1p()
    }
}
