//! Identities that do not share a line with the implementations.

use std::f64::consts::PI;

use super::*;

fn near(a: f64, b: f64) {
    assert!(
        (a - b).abs() <= 1e-12 * (1.0 + b.abs()),
        "{a:e} is not {b:e}"
    );
}

/// The integral of `f` over `[a, b]` by Simpson's rule on many intervals.
fn integral(f: impl Fn(f64) -> f64, a: f64, b: f64) -> f64 {
    let n = 20_000;
    let h = (b - a) / f64::from(n);
    let weight = |i: u32| match i {
        _ if i == 0 || i == n => 1.0,
        _ if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=n)
        .map(|i| weight(i) * f(a + f64::from(i) * h))
        .sum::<f64>()
        * h
        / 3.0
}

#[test]
fn gamma_has_its_recurrence_and_its_values() {
    near(lgamma(0.5), 0.5 * PI.ln());
    for x in [0.1, 0.7, 1.3, 3.9, 11.5, 40.0, -0.4, -2.3] {
        near(lgamma(x + 1.0), lgamma(x) + f64::abs(x).ln());
        near(digamma(x + 1.0), digamma(x) + 1.0 / x);
        near(polygamma(1, x + 1.0), polygamma(1, x) - x.powi(-2));
        near(polygamma(3, x + 1.0), polygamma(3, x) - 6.0 * x.powi(-4));
    }
    near(polygamma(1, 1.0), PI * PI / 6.0);
}

#[test]
fn bessel_functions_are_their_integrals() {
    for x in [0.0, 0.3, 2.0, 9.0, 29.9, 30.1] {
        let i = |n: f64| integral(|t| (x * (t.cos() - 1.0)).exp() * (n * t).cos(), 0.0, PI) / PI;
        near(i0e(x), i(0.0));
        near(i1e(x), i(1.0));
        near(i0(x) * (-x).exp(), i0e(x));
        near(i1(-x), -i1(x));
    }
}

#[test]
fn inverses_invert() {
    for y in [-0.999_999, -0.9, -0.3, 0.0, 1e-9, 0.49, 0.51, 0.97] {
        near(crate::simd::Lane::erf(erfinv(y)), y);
    }
    for p in [1e-12, 0.01, 0.2, 0.3, 0.5, 0.8, 0.999] {
        near(
            0.5 * erfc(-ndtri(p) * std::f64::consts::FRAC_1_SQRT_2) / p,
            1.0,
        );
        near(log_ndtr(ndtri(p)), p.ln());
    }
    assert_eq!(erfinv(1.0), f64::INFINITY);
    assert!(ndtri(1.5).is_nan());
}

#[test]
fn erfc_is_exact_to_fifteen_digits_also_where_its_pieces_meet() {
    // From glibc's erfc.
    let table = [
        (0.0, 1.0),
        (1e-9, 0.9999999988716208),
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
        assert!((erfc(x) / want - 1.0).abs() < 2e-15, "{x}: {:e}", erfc(x));
        assert!((erfc(-x) - (2.0 - want)).abs() < 4e-16, "{x}");
    }
    let below = erfc(2.0_f64.next_down());
    assert!((below - erfc(2.0)).abs() < 1e-13 * below);
}

#[test]
fn the_tail_of_erfc_is_its_integral() {
    for x in [0.5, 1.9, 2.1, 4.0] {
        // Substituting t = x + u / (1 - u) would add an end; ten units hold all of the tail.
        let tail = integral(|u| (-u * u - 2.0 * x * u).exp(), 0.0, 10.0);
        near(erfcx(x), tail * std::f64::consts::FRAC_2_SQRT_PI);
    }
}
