//! The least noise that keeps a run within a budget.

use super::{Accountant, RdpAccountant, check_delta};
use lepton_tensor::{Error, Result};

/// The least noise multiplier, rounded up to a hundred-thousandth, with which `steps` steps of
/// DP-SGD at sampling rate `q` cost at most `target_epsilon` at `delta`, by [`RdpAccountant`].
///
/// ```
/// use lepton_federated::accountant::{Accountant, RdpAccountant, noise_multiplier};
/// let sigma = noise_multiplier(3.0, 1e-5, 1.0, 50)?;
/// let mut spent = RdpAccountant::new();
/// spent.step(1.0, sigma, 50)?;
/// assert!(spent.epsilon(1e-5)? <= 3.0 && spent.epsilon(1e-5)? > 2.999);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If an argument is out of its range, or no noise from 0.001 to 1,000,000 is the answer.
pub fn noise_multiplier(target_epsilon: f64, delta: f64, q: f64, steps: u64) -> Result<f64> {
    noise_multiplier_after(&RdpAccountant::new(), target_epsilon, delta, q, steps, 1e-5)
}

/// [`noise_multiplier`] by any accountant, on top of what it holds already, as the least multiple
/// of `tolerance`.
///
/// ```
/// use lepton_federated::accountant::{PldAccountant, noise_multiplier_after};
/// let sigma = noise_multiplier_after(&PldAccountant::new(), 3.0, 1e-5, 0.1, 100, 1e-3)?;
/// assert!((sigma - 1.675).abs() < 1e-9); // 1.797 by Renyi divergences
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`noise_multiplier`]; also when what the accountant holds has already cost the target.
pub fn noise_multiplier_after<A: Accountant + Clone>(
    spent: &A,
    target_epsilon: f64,
    delta: f64,
    q: f64,
    steps: u64,
    tolerance: f64,
) -> Result<f64> {
    check_delta(delta)?;
    check_positive("target epsilon", target_epsilon)?;
    check_positive("tolerance", tolerance)?;
    if q == 0.0 || steps == 0 {
        return Err(Error::value(
            "noise_multiplier: q and steps must be above 0; a run that reads no rows needs no noise",
        ));
    }
    // ln(epsilon / target) over ln(sigma): close to a line, and falling.
    let excess = |ln_sigma: f64| -> Result<f64> {
        let mut accountant = spent.clone();
        accountant.step(q, ln_sigma.exp(), steps)?;
        let epsilon = accountant.epsilon(delta)?;
        Ok((epsilon.max(f64::MIN_POSITIVE) / target_epsilon)
            .ln()
            .clamp(-700.0, 700.0))
    };
    let (low, high) = bracket(&excess).map_err(|e| {
        e.at(format!(
            "noise_multiplier for epsilon {target_epsilon}, delta {delta}, q {q}, {steps} steps"
        ))
    })?;
    let close = (0.25 * tolerance / high.0.exp()).clamp(1e-9, 1e-3);
    let (low, high) = falling_root(low, high, close, &excess)?;
    // The bracket is narrower than the tolerance, so it holds one multiple at most.
    let inside = round_up(low.0.exp(), tolerance);
    if inside < high.0.exp() && excess(inside.ln())? <= 0.0 {
        return Ok(inside);
    }
    Ok(round_up(high.0.exp(), tolerance))
}

/// The least multiple of `unit` that is at least `x`; of a thousandth, the `f64` that prints with
/// three digits.
fn round_up(x: f64, unit: f64) -> f64 {
    let count = (x / unit).ceil();
    let per_one = (1.0 / unit).round();
    if (per_one * unit - 1.0).abs() < 1e-9 {
        count / per_one
    } else {
        count * unit
    }
}

fn check_positive(name: &str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::value(format!(
        "noise_multiplier: the {name} is {value}, must be a finite number above 0"
    )))
}

/// An argument and its value.
type Point = (f64, f64);

/// Two neighbours on the doubling ladder around the root.
fn bracket(f: &impl Fn(f64) -> Result<f64>) -> Result<(Point, Point)> {
    let step = 2f64.ln();
    let mut here = (0.0, f(0.0)?);
    loop {
        let x = if here.1 > 0.0 {
            here.0 + step
        } else {
            here.0 - step
        };
        if !(1e-3f64.ln()..=1e6f64.ln()).contains(&x) {
            return Err(Error::value(
                "no noise multiplier from 0.001 to 1,000,000 is the least that meets the target",
            ));
        }
        let next = (x, f(x)?);
        if (here.1 > 0.0) != (next.1 > 0.0) {
            return Ok(if here.1 > 0.0 {
                (here, next)
            } else {
                (next, here)
            });
        }
        here = next;
    }
}

/// Narrows a bracket to a width of `close`: regula falsi, with a bisection every third time in case
/// it dawdles.
fn falling_root(
    mut low: Point,
    mut high: Point,
    close: f64,
    f: &impl Fn(f64) -> Result<f64>,
) -> Result<(Point, Point)> {
    let mut round = 0;
    while high.0 - low.0 > close {
        let falsi = low.0 + (high.0 - low.0) * low.1 / (low.1 - high.1);
        // A nudge towards the far end makes the step land beyond the root, so that the bracket
        // closes from both sides.
        let nudge = if falsi - low.0 < high.0 - falsi {
            0.4 * close
        } else {
            -0.4 * close
        };
        let x = if round % 3 == 2 {
            0.5 * (low.0 + high.0)
        } else {
            falsi + nudge
        };
        let x = x.clamp(low.0 + 0.1 * close, high.0 - 0.1 * close);
        let y = f(x)?;
        *(if y > 0.0 { &mut low } else { &mut high }) = (x, y);
        round += 1;
    }
    Ok((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accountant::PldAccountant;

    #[test]
    fn what_is_spent_already_asks_for_more_noise() {
        let mut spent = PldAccountant::new();
        spent.step(0.1, 2.0, 50).unwrap();
        let fresh =
            noise_multiplier_after(&PldAccountant::new(), 3.0, 1e-5, 0.1, 50, 1e-3).unwrap();
        let after = noise_multiplier_after(&spent, 3.0, 1e-5, 0.1, 50, 1e-3).unwrap();
        assert!(after > fresh, "{after} {fresh}");
        spent.step(0.1, after, 50).unwrap();
        assert!(spent.epsilon(1e-5).unwrap() <= 3.0);
    }

    #[test]
    fn multiples_print_as_they_are_written() {
        assert_eq!(round_up(0.9569, 0.001), 0.957);
        assert_eq!(round_up(1.7, 0.25), 1.75);
        assert_eq!(round_up(5.0, 3.0), 6.0);
    }

    #[test]
    fn an_answer_is_the_least_multiple() {
        let sigma =
            noise_multiplier_after(&RdpAccountant::new(), 2.0, 1e-5, 0.02, 500, 0.01).unwrap();
        let cost = |sigma: f64| {
            let mut spent = RdpAccountant::new();
            spent.step(0.02, sigma, 500).unwrap();
            spent.epsilon(1e-5).unwrap()
        };
        assert!(cost(sigma) <= 2.0 && cost(sigma - 0.01) > 2.0);
    }

    #[test]
    fn arguments_that_cannot_be_are_one_sentence() {
        for (epsilon, delta, q, steps, word) in [
            (0.0, 1e-5, 0.1, 10, "target epsilon is 0"),
            (1.0, 1.5, 0.1, 10, "delta is 1.5"),
            (1.0, f64::NAN, 0.1, 10, "delta is NaN"),
            (1.0, 1e-5, 1.5, 10, "sampling rate q is 1.5"),
            (1.0, 1e-5, f64::NAN, 10, "sampling rate q is NaN"),
            (1.0, 1e-5, 0.1, 0, "steps must be above 0"),
            (1e-9, 1e-5, 1.0, u64::MAX, "no noise multiplier"),
        ] {
            let error = noise_multiplier(epsilon, delta, q, steps)
                .unwrap_err()
                .to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{error}");
        }
    }
}
