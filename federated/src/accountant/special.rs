//! The few special functions that accounting needs, accurate to the last digits of `f64`.

use lepton_tensor::special::lgamma;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// `erfc x` within a few units of the last place, over the whole line.
///
/// For `x >= 0` it is the trapezoidal rule at half-integer nodes for the integral `(2x / pi)
/// e^{-x^2} \int_0^inf e^{-t^2} / (t^2 + x^2) dt`, plus the residue of the pole at `t = ix` (Hunter
/// and Regan 1972). With step 1/2 and 13 nodes the rule's error is below `e^{-pi^2 / h^2}`, 7e-18.
pub(crate) fn erfc(x: f64) -> f64 {
    const STEP: f64 = 0.5;
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x > 27.3 {
        return 0.0; // below the smallest subnormal
    }
    let mut sum = 0.0;
    for n in (0..13).rev() {
        let t2 = ((n as f64 + 0.5) * STEP).powi(2);
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

/// The mass of the standard normal between `a` and `b >= a`, with small relative error in either
/// tail.
pub(crate) fn normal_mass(a: f64, b: f64) -> f64 {
    if a > 0.0 {
        return normal_mass(-b, -a);
    }
    let below = |z: f64| 0.5 * erfc(-z * FRAC_1_SQRT_2);
    (below(b) - below(a)).max(0.0)
}

/// `ln(e^x - 1)` for `x > 0`, without overflow.
pub(crate) fn ln_expm1(x: f64) -> f64 {
    if x > 30.0 {
        x + (-(-x).exp()).ln_1p()
    } else {
        x.exp_m1().ln()
    }
}

/// `ln(1 + e^x)`, without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `ln(1 - q + q e^u)`: the loss of a mixture where that of its part is `u`.
pub(crate) fn ln_mixture(q: f64, u: f64) -> f64 {
    if q == 1.0 {
        u
    } else if u > 500.0 {
        u + q.ln()
    } else {
        (q * u.exp_m1()).ln_1p()
    }
}

/// The inverse of [`ln_mixture`]; minus infinity below all its values.
pub(crate) fn ln_unmixed(q: f64, loss: f64) -> f64 {
    if q == 1.0 {
        loss
    } else if loss > 500.0 {
        loss - q.ln()
    } else {
        (loss.exp_m1() / q).max(-1.0).ln_1p()
    }
}

/// `e^x - 1 - x`, without cancellation.
pub(crate) fn exp_beyond_tangent(x: f64) -> f64 {
    if x.abs() > 0.5 {
        return x.exp_m1() - x;
    }
    (2..20)
        .rev()
        .fold(0.0, |sum, k| (sum + 1.0) * x / f64::from(k))
        * x
}

/// A sum of positive terms given by their logarithms, as large or small as they may be.
pub(crate) struct LogSum {
    largest: f64,
    scaled: f64,
}

impl LogSum {
    pub(crate) fn new() -> LogSum {
        LogSum {
            largest: f64::NEG_INFINITY,
            scaled: 0.0,
        }
    }

    pub(crate) fn add(&mut self, ln_term: f64) {
        if ln_term == f64::NEG_INFINITY {
            return;
        }
        if ln_term == self.largest {
            self.scaled += 1.0; // also where both are infinite
        } else if ln_term < self.largest {
            self.scaled += (ln_term - self.largest).exp();
        } else if ln_term.is_nan() {
            self.scaled = f64::NAN;
        } else {
            self.scaled = self.scaled * (self.largest - ln_term).exp() + 1.0;
            self.largest = ln_term;
        }
    }

    /// The logarithm of the sum; of an empty one, minus infinity.
    pub(crate) fn ln(&self) -> f64 {
        self.largest + self.scaled.ln()
    }
}

/// `P(X > cap)` for `X` binomial with `n` trials of probability `q`.
pub(crate) fn binomial_above(n: u64, q: f64, cap: u64) -> f64 {
    if cap >= n || q == 0.0 {
        return 0.0;
    }
    if q >= 1.0 {
        return 1.0;
    }
    // The smaller side is summed, so that a small tail keeps its digits, away from the bulk until
    // its terms no longer count.
    let above = (cap as f64) >= q * n as f64;
    let odds = (q / (1.0 - q)).ln();
    let mut k = if above { cap + 1 } else { cap };
    let mut ln_term = ln_binomial(n, k) + k as f64 * q.ln() + (n - k) as f64 * (-q).ln_1p();
    let mut sum = LogSum::new();
    loop {
        sum.add(ln_term);
        if ln_term < sum.ln() - 50.0 || k == if above { n } else { 0 } {
            break;
        }
        if above {
            ln_term += ((n - k) as f64 / (k + 1) as f64).ln() + odds;
            k += 1;
        } else {
            ln_term -= ((n - k + 1) as f64 / k as f64).ln() + odds;
            k -= 1;
        }
    }
    let mass = sum.ln().exp().min(1.0);
    if above { mass } else { 1.0 - mass }
}

/// The logarithm of the number of ways to choose `k` of `n`.
fn ln_binomial(n: u64, k: u64) -> f64 {
    let ln_factorial = |k: u64| lgamma(k as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erfc_has_the_tabulated_values() {
        // Abramowitz and Stegun, table 7.1, and arbitrary-precision values in the tail.
        let table = [
            (0.0, 1.0),
            (1e-8, 0.999_999_988_716_208_3),
            (0.5, 0.479_500_122_186_953_5),
            (1.0, 0.157_299_207_050_285_13),
            (2.0, 0.004_677_734_981_047_266),
            (5.0, 1.537_459_794_428_035e-12),
            (10.0, 2.088_487_583_762_545e-45),
            (26.0, 5.663_192_408_856_143e-296),
            (-1.0, 1.842_700_792_949_715),
        ];
        for (x, want) in table {
            assert!(
                (erfc(x) / want - 1.0).abs() < 2e-13,
                "erfc({x}) = {}, not {want}",
                erfc(x)
            );
        }
    }

    #[test]
    fn a_log_sum_takes_any_size() {
        let mut sum = LogSum::new();
        [-2000.0, 1000.0, 1000.0, -5.0]
            .into_iter()
            .for_each(|t| sum.add(t));
        assert!((sum.ln() - (1000.0 + 2f64.ln())).abs() < 1e-12);
        assert_eq!(LogSum::new().ln(), f64::NEG_INFINITY);
        let mut infinite = LogSum::new();
        for term in [1.0, f64::INFINITY, f64::INFINITY, 2.0] {
            infinite.add(term);
        }
        assert_eq!(infinite.ln(), f64::INFINITY);
        let mut lost = LogSum::new();
        for term in [f64::NAN, 1.0, 2.0] {
            lost.add(term);
        }
        assert!(lost.ln().is_nan(), "what is not a number stays visible");
    }

    #[test]
    fn a_mixture_is_taken_apart_again() {
        for q in [1e-9, 0.01, 0.5, 1.0] {
            for u in [-3.0, -1e-9, 0.0, 1e-9, 2.0, 499.0, 900.0, 1e6] {
                let back = ln_unmixed(q, ln_mixture(q, u));
                assert!(
                    (back - u).abs() <= 1e-6 * (1.0 + u.abs()),
                    "{q} {u}: {back}"
                );
            }
        }
        assert_eq!(ln_unmixed(0.5, -1.0), f64::NEG_INFINITY);
    }

    #[test]
    fn an_exponential_beyond_its_tangent_keeps_its_digits() {
        for x in [1e-9f64, -1e-9, 1e-3, 0.499, 0.501, -0.7, 20.0] {
            let series: f64 = (2..80)
                .scan(x, |term, k| {
                    *term *= x / f64::from(k);
                    Some(*term)
                })
                .sum();
            assert!((exp_beyond_tangent(x) / series - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn the_binomial_tail_agrees_with_counting() {
        assert!((binomial_above(4, 0.5, 1) - 11.0 / 16.0).abs() < 1e-15);
        assert!((binomial_above(4, 0.5, 3) - 1.0 / 16.0).abs() < 1e-15);
        assert_eq!(binomial_above(4, 0.5, 4), 0.0);
        assert!((binomial_above(3, 1e-6, 2) / 1e-18 - 1.0).abs() < 1e-9);
        assert!((binomial_above(100_000_000, 0.5, 50_000_000) - 0.5).abs() < 1e-4);
    }
}
