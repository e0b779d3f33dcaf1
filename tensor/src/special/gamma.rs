//! The gamma function's logarithm and its derivatives.

use std::f64::consts::PI;

/// Arguments are raised above this before an asymptotic series is used.
const HIGH: f64 = 12.0;

/// Bernoulli numbers `B_2, B_4, ..`.
const BERNOULLI: [f64; 8] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
];

/// `ln |gamma(x)|`; infinite at 0 and the negative integers (DLMF 5.11.1, 5.5.1, 5.5.3).
///
/// ```
/// let y = lepton_tensor::special::lgamma(5.0);
/// assert!((y - 24f64.ln()).abs() < 1e-14);
/// ```
pub fn lgamma(x: f64) -> f64 {
    if x.is_infinite() {
        return f64::INFINITY;
    }
    if x < 0.5 {
        // Next to 0 the sine is too small to be precise.
        if x.abs() < 1e-18 {
            return -x.abs().ln();
        }
        let sine = sin_pi(x).abs();
        if sine == 0.0 {
            return f64::INFINITY;
        }
        return PI.ln() - sine.ln() - lgamma(1.0 - x);
    }
    if x == 1.0 || x == 2.0 {
        return 0.0;
    }
    let (mut z, mut product) = (x, 1.0);
    while z < HIGH {
        product *= z;
        z += 1.0;
    }
    let tail: f64 = BERNOULLI
        .iter()
        .enumerate()
        .map(|(i, b)| {
            let n = 2.0 * i as f64 + 2.0;
            b / (n * (n - 1.0) * z.powf(n - 1.0))
        })
        .sum();
    (z - 0.5) * z.ln() - z + 0.5 * (2.0 * PI).ln() + tail - product.ln()
}

/// `sin(pi x)`, exactly 0 at integers.
fn sin_pi(x: f64) -> f64 {
    let r = x - 2.0 * (x / 2.0).round();
    if r == r.trunc() { 0.0 } else { (PI * r).sin() }
}

/// The derivative of `lgamma`: infinite at 0, NaN at the negative integers (DLMF 5.11.2).
///
/// ```
/// use lepton_tensor::special::digamma;
/// let euler = 0.577_215_664_901_532_9;
/// assert!((digamma(1.0) + euler).abs() < 1e-14);
/// ```
pub fn digamma(x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        if x == x.trunc() {
            return f64::NAN;
        }
        // The nearer whole number: the distance from one below would round away a tiny x.
        let r = x - x.round();
        return digamma(1.0 - x) - PI / (PI * r).tan();
    }
    if x.is_infinite() {
        return x;
    }
    let (mut z, mut sum) = (x, 0.0);
    while z < HIGH {
        sum -= 1.0 / z;
        z += 1.0;
    }
    let tail: f64 = BERNOULLI
        .iter()
        .enumerate()
        .map(|(i, b)| {
            let n = 2.0 * i as f64 + 2.0;
            b / (n * z.powf(n))
        })
        .sum();
    sum + z.ln() - 0.5 / z - tail
}

/// The `n`-th derivative of `digamma`.
///
/// ```
/// use lepton_tensor::special::polygamma;
/// let zeta2 = std::f64::consts::PI.powi(2) / 6.0;
/// assert!((polygamma(1, 1.0) - zeta2).abs() < 1e-13);
/// assert_eq!(polygamma(0, 3.5), lepton_tensor::special::digamma(3.5));
/// ```
pub fn polygamma(n: u32, x: f64) -> f64 {
    if n == 0 {
        return digamma(x);
    }
    let factorial: f64 = (1..=n).map(f64::from).product();
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    sign * factorial * hurwitz(n + 1, x)
}

/// `sum 1 / (x + k)^s` over `k >= 0`, by Euler and Maclaurin (DLMF 25.11.5).
fn hurwitz(s: u32, x: f64) -> f64 {
    if x <= 0.0 && x == x.trunc() {
        return f64::INFINITY;
    }
    let (power, order) = (s as i32, f64::from(s));
    let (mut z, mut sum) = (x, 0.0);
    while z < HIGH {
        sum += z.powi(-power);
        z += 1.0;
    }
    let mut tail = z.powi(1 - power) / (order - 1.0) + 0.5 * z.powi(-power);
    // s (s + 1) .. (s + 2i) / (2i + 2)! / z^(s + 2i + 1), step by step.
    let mut factor = order / 2.0 * z.powi(-power - 1);
    for (i, b) in BERNOULLI.iter().enumerate() {
        tail += b * factor;
        let n = order + 2.0 * i as f64 + 1.0;
        let m = 2.0 * i as f64 + 3.0;
        factor *= n * (n + 1.0) / (m * (m + 1.0) * z * z);
    }
    sum + tail
}
