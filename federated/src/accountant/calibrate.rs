//! The least noise that keeps a run within a budget.

use super::{Accountant, RdpAccountant, check_delta};
use lepton_tensor::{Error, Result};

/// The least and the most noise that is looked for.
const LEAST: f64 = 1e-4;
const MOST: f64 = 1e9;

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
/// If an argument is out of its range, or no noise from 0.0001 to a billion is the answer.
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
    let place = |e: Error| {
        e.at(format!(
            "noise_multiplier for epsilon {target_epsilon}, delta {delta}, q {q}, {steps} steps"
        ))
    };
    if spent.epsilon(delta)? > target_epsilon {
        return Err(place(Error::value(
            "what the accountant holds already costs more than the target",
        )));
    }
    // ln(epsilon / target) over ln(sigma): close to a line, and falling.
    let excess = |sigma: f64, quick: bool| -> Result<f64> {
        let mut accountant = spent.clone();
        accountant.step(q, sigma, steps)?;
        let epsilon = if quick {
            accountant.quick_epsilon(delta)?
        } else {
            accountant.epsilon(delta)?
        };
        Ok((epsilon.max(f64::MIN_POSITIVE) / target_epsilon)
            .ln()
            .clamp(-700.0, 700.0))
    };
    // A first look finds the neighbourhood, so that few grids need to be fine.
    let quick = |ln_sigma: f64| excess(ln_sigma.exp(), true);
    let (low, high) = bracket(0.0, 2f64.ln(), &quick).map_err(place)?;
    let (_, near) = falling_root(low, high, 1e-2, &quick)?;
    let own = |ln_sigma: f64| excess(ln_sigma.exp(), false);
    let (low, high) = bracket(near.0, 0.02, &own).map_err(place)?;
    let close = (0.25 * tolerance / high.0.exp()).clamp(1e-9, 1e-3);
    let (low, high) = falling_root(low, high, close, &own)?;
    // The bracket is narrower than the tolerance, so it holds one multiple at most.
    let inside = round_up(low.0.exp(), tolerance);
    let mut answer = if inside < high.0.exp() {
        inside
    } else {
        round_up(high.0.exp(), tolerance)
    };
    // Epsilon has a grain of its own, which may ask for one multiple more.
    for _ in 0..8 {
        if excess(answer, false)? <= 0.0 {
            return Ok(answer);
        }
        answer = round_up(answer + 0.5 * tolerance, tolerance);
    }
    Err(place(Error::value(format!(
        "no multiple of {tolerance} near {answer} meets the target; use a larger tolerance"
    ))))
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

/// Two points on either side of the root, on a ladder from `start` whose steps double.
fn bracket(start: f64, mut step: f64, f: &impl Fn(f64) -> Result<f64>) -> Result<(Point, Point)> {
    let (least, most) = (LEAST.ln(), MOST.ln());
    let mut here = (start, f(start)?);
    loop {
        let up = here.1 > 0.0;
        let x = if up { here.0 + step } else { here.0 - step }.clamp(least, most);
        if x == here.0 {
            return Err(Error::value(format!(
                "no noise multiplier from {LEAST} to {MOST} is the least that meets the target"
            )));
        }
        let next = (x, f(x)?);
        if up != (next.1 > 0.0) {
            return Ok(if up { (here, next) } else { (next, here) });
        }
        (here, step) = (next, 2.0 * step);
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
        let error = noise_multiplier_after(&spent, 0.5, 1e-5, 0.1, 50, 1e-3).unwrap_err();
        assert!(error.to_string().contains("already costs"), "{error}");
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
