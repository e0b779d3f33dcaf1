//! The normal distribution of single numbers.

use std::f64::consts::FRAC_1_SQRT_2;

use super::erfc;

/// The standard normal distribution function, with a small relative error in the lower tail.
///
/// ```
/// use lepton_tensor::special::normal_cdf;
/// assert_eq!(normal_cdf(0.0), 0.5);
/// assert!((normal_cdf(-10.0) / 7.619_853_024_160_527e-24 - 1.0).abs() < 1e-13);
/// ```
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * FRAC_1_SQRT_2)
}

/// The mass of the standard normal distribution between `a` and `b >= a`, with a small relative error in either
/// tail.
///
/// ```
/// use lepton_tensor::special::normal_mass;
/// assert!((normal_mass(-1.0, 1.0) - 0.682_689_492_137_085_9).abs() < 1e-15);
/// assert_eq!(normal_mass(8.0, 9.0), normal_mass(-9.0, -8.0));
/// ```
pub fn normal_mass(a: f64, b: f64) -> f64 {
    if a > 0.0 {
        return normal_mass(-b, -a);
    }
    (normal_cdf(b) - normal_cdf(a)).max(0.0)
}

/// The probability that a standard normal number is at least `|z|` away from 0: the two-sided p-value of `z`.
///
/// ```
/// use lepton_tensor::special::normal_two_sided;
/// assert!((normal_two_sided(1.959_963_984_540_054) - 0.05).abs() < 1e-14);
/// ```
pub fn normal_two_sided(z: f64) -> f64 {
    erfc(z.abs() * FRAC_1_SQRT_2)
}
