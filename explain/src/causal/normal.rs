//! The tail of the normal distribution.

use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

/// The probability that a standard normal number is at least `|z|` away from 0.
pub(super) fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / SQRT_2)
}

/// `1 - erf x` for `x >= 0`, to about 1e-13 of itself.
fn erfc(x: f64) -> f64 {
    if x < 2.0 {
        1.0 - erf_series(x)
    } else {
        erfc_fraction(x)
    }
}

/// `erf x = 2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (1 3 5 .. (2n+1))` (Abramowitz & Stegun
/// 7.1.6): all terms are positive, so nothing cancels.
fn erf_series(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term > sum * f64::EPSILON / 4.0 {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// `erfc x = exp(-x^2)/sqrt(pi) * 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + 2/(x + ..)))))` (7.1.14),
/// from the inside out. From `x = 2` on, 100 levels leave an error below the last bits.
fn erfc_fraction(x: f64) -> f64 {
    let mut rest = x;
    for k in (1..=100).rev() {
        rest = x + f64::from(k) / 2.0 / rest;
    }
    (-x * x).exp() / (PI.sqrt() * rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complementary_error_function_is_exact_to_thirteen_digits() {
        // From glibc's erfc.
        let table = [
            (0.0, 1.0),
            (1e-09, 0.9999999988716208),
            (0.1, 0.8875370839817152),
            (0.5, 0.4795001221869535),
            (1.0, 0.15729920705028513),
            (1.5, 0.033894853524689274),
            (1.9, 0.0072095707647425325),
            (2.0, 0.004677734981047265),
            (2.1, 0.002979466656332984),
            (3.0, 2.2090496998585438e-05),
            (5.0, 1.5374597944280351e-12),
            (10.0, 2.088487583762545e-45),
            (26.0, 5.663192408856143e-296),
        ];
        for (x, want) in table {
            let got = erfc(x);
            assert!(
                (got - want).abs() <= 1e-13 * want,
                "erfc({x}) = {got:e}, not {want:e}"
            );
        }
    }

    #[test]
    fn series_and_fraction_meet() {
        let below = erfc(2.0_f64.next_down());
        assert!((below - erfc(2.0)).abs() < 1e-13 * below);
    }
}
