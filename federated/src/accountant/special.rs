//! The few special functions that accounting needs, accurate to the last digits of `f64`.

use lepton_tensor::special::lgamma;

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
