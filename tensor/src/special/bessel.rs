//! Modified Bessel functions of the first kind, of orders 0 and 1.

use std::f64::consts::TAU;

/// From here on the asymptotic expansion is exact to the last digit.
const ASYMPTOTIC: f64 = 30.0;

/// `sum (x/2)^(2k + n) / (k! (k + n)!)`: all terms have one sign (DLMF 10.25.2).
fn series(n: u32, x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let mut term = if n == 0 { 1.0 } else { x / 2.0 };
    let (mut sum, mut k) = (term, 1.0);
    while term.abs() > sum.abs() * 1e-17 {
        term *= quarter / (k * (k + f64::from(n)));
        sum += term;
        k += 1.0;
    }
    sum
}

/// `I_n(x) e^-x` for large positive `x` (DLMF 10.40.1).
fn asymptotic(n: u32, x: f64) -> f64 {
    let mu = f64::from(4 * n * n);
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        let odd = f64::from(2 * k - 1);
        let next = term * -(mu - odd * odd) / (f64::from(k) * 8.0 * x);
        if next.abs() >= f64::abs(term) || next.abs() < 1e-18 {
            break;
        }
        term = next;
        sum += term;
    }
    sum / (TAU * x).sqrt()
}

/// The modified Bessel function `I_0`.
///
/// ```
/// use lepton_tensor::special::i0;
/// assert!((i0(1.0) - 1.266_065_877_752_008_3).abs() < 1e-15);
/// assert_eq!(i0(0.0), 1.0);
/// ```
pub fn i0(x: f64) -> f64 {
    let a = x.abs();
    if a < ASYMPTOTIC {
        series(0, a)
    } else {
        a.exp() * asymptotic(0, a)
    }
}

/// `I_0(x) e^-|x|`.
///
/// ```
/// use lepton_tensor::special::i0e;
/// let y = i0e(1000.0); // i0(1000) overflows
/// assert!((y * (2000.0 * std::f64::consts::PI).sqrt() - 1.0).abs() < 2e-4);
/// ```
pub fn i0e(x: f64) -> f64 {
    let a = x.abs();
    if a < ASYMPTOTIC {
        series(0, a) * (-a).exp()
    } else {
        asymptotic(0, a)
    }
}

/// The modified Bessel function `I_1`.
///
/// ```
/// use lepton_tensor::special::i1;
/// assert!((i1(1.0) - 0.565_159_103_992_485).abs() < 1e-15);
/// assert_eq!(i1(-1.0), -i1(1.0));
/// ```
pub fn i1(x: f64) -> f64 {
    let a = x.abs();
    let y = if a < ASYMPTOTIC {
        series(1, a)
    } else {
        a.exp() * asymptotic(1, a)
    };
    y.copysign(x)
}

/// `I_1(x) e^-|x|`.
///
/// ```
/// use lepton_tensor::special::i1e;
/// assert!((i1e(2.0) - lepton_tensor::special::i1(2.0) * (-2f64).exp()).abs() < 1e-15);
/// ```
pub fn i1e(x: f64) -> f64 {
    let a = x.abs();
    let y = if a < ASYMPTOTIC {
        series(1, a) * (-a).exp()
    } else {
        asymptotic(1, a)
    };
    y.copysign(x)
}
