//! Modified Bessel functions of the first kind, of orders 0 and 1.

use std::f64::consts::TAU;

/// From here on the asymptotic expansion is exact to the last digit.
const FAR: f64 = 30.0;

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
fn far(n: u32, x: f64) -> f64 {
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
pub fn i0(x: f64) -> f64 {
    let a = x.abs();
    if a < FAR {
        series(0, a)
    } else {
        a.exp() * far(0, a)
    }
}

/// `I_0(x) e^-|x|`.
pub fn i0e(x: f64) -> f64 {
    let a = x.abs();
    if a < FAR {
        series(0, a) * (-a).exp()
    } else {
        far(0, a)
    }
}

/// The modified Bessel function `I_1`.
pub fn i1(x: f64) -> f64 {
    let a = x.abs();
    let y = if a < FAR {
        series(1, a)
    } else {
        a.exp() * far(1, a)
    };
    y.copysign(x)
}

/// `I_1(x) e^-|x|`.
pub fn i1e(x: f64) -> f64 {
    let a = x.abs();
    let y = if a < FAR {
        series(1, a) * (-a).exp()
    } else {
        far(1, a)
    };
    y.copysign(x)
}
