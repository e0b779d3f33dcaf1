//! The tail of the chi-squared distribution.

use lepton_tensor::special::lgamma;

/// The probability that a chi-squared number of `degrees` degrees of freedom is at least `x`: the
/// regularised upper incomplete gamma function `Q(degrees / 2, x / 2)`.
pub(super) fn chi_squared(x: f64, degrees: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let (a, x) = (degrees / 2.0, x / 2.0);
    let front = (a * x.ln() - x - lgamma(a)).exp();
    if x < a + 1.0 {
        (1.0 - front * series(a, x)).max(0.0)
    } else if front > 0.0 {
        front * fraction(a, x)
    } else {
        0.0
    }
}

/// `sum_n x^n / (a (a + 1) .. (a + n))` (DLMF 8.11.4): all terms are positive.
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut at) = (1.0 / a, 1.0 / a, a);
    while term > sum * f64::EPSILON / 4.0 {
        at += 1.0;
        term *= x / at;
        sum += term;
    }
    sum
}

/// `1/(x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - ..)))` (DLMF 8.9.2), by the method of Lentz.
fn fraction(a: f64, x: f64) -> f64 {
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut h = d;
    for k in 1..10_000 {
        let k = f64::from(k);
        let numerator = -k * (k - a);
        b += 2.0;
        let away = |v: f64| if v.abs() < tiny { tiny } else { v };
        d = 1.0 / away(numerator * d + b);
        c = away(b + numerator / c);
        h *= c * d;
        if (c * d - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;
    use lepton_tensor::special::normal_two_sided;

    #[track_caller]
    fn check(what: &str, got: f64, want: f64) {
        let off = (got - want).abs();
        assert!(off <= 1e-13 * want, "{what} is {got:e}, not {want:e}");
    }

    #[test]
    fn the_chi_squared_tail_is_that_of_its_closed_forms() {
        for x in [1e-6, 0.01, 0.5, 1.0, 2.9, 3.1, 7.0, 40.0, 300.0] {
            // One degree is a squared normal number, two an exponential one, four a sum of two.
            check(
                &format!("{x}, 1"),
                chi_squared(x, 1.0),
                normal_two_sided(x.sqrt()),
            );
            check(&format!("{x}, 2"), chi_squared(x, 2.0), (-x / 2.0).exp());
            let four = (-x / 2.0).exp() * (1.0 + x / 2.0);
            check(&format!("{x}, 4"), chi_squared(x, 4.0), four);
        }
        assert_eq!(chi_squared(0.0, 3.0), 1.0);
        assert_eq!(chi_squared(f64::INFINITY, 3.0), 0.0);
    }
}
