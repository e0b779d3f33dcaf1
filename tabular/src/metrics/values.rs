//! Measures of predicted numbers.

use lepton_tensor::{Error, Result};

use super::{check_finite, check_pairs};

fn mean(n: usize, f: impl Fn(usize) -> f64) -> f64 {
    (0..n).map(f).sum::<f64>() / n as f64
}

fn check(name: &str, predicted: &[f64], truth: &[f64]) -> Result<()> {
    check_pairs(name, predicted.len(), truth.len())?;
    check_finite(name, predicted)?;
    check_finite(name, truth)
}

/// The mean squared error, in the square of the values' unit.
///
/// # Errors
/// When lengths differ, there is no row, or a value is not finite.
pub fn mse(predicted: &[f64], truth: &[f64]) -> Result<f64> {
    check("mse", predicted, truth)?;
    Ok(mean(truth.len(), |i| (predicted[i] - truth[i]).powi(2)))
}

/// The mean absolute error, in the values' unit.
///
/// # Errors
/// When lengths differ, there is no row, or a value is not finite.
pub fn mae(predicted: &[f64], truth: &[f64]) -> Result<f64> {
    check("mae", predicted, truth)?;
    Ok(mean(truth.len(), |i| (predicted[i] - truth[i]).abs()))
}

/// The coefficient of determination: 1 is perfect, 0 is no better than the mean of `truth`.
///
/// # Errors
/// When lengths differ, there is no row, a value is not finite, or `truth` is constant, where it is
/// undefined.
pub fn r2(predicted: &[f64], truth: &[f64]) -> Result<f64> {
    check("r2", predicted, truth)?;
    let n = truth.len();
    let center = mean(n, |i| truth[i]);
    let total = mean(n, |i| (truth[i] - center).powi(2));
    if total == 0.0 {
        let message = "r2: every true value is the same, so there is nothing to explain";
        return Err(Error::value(message));
    }
    Ok(1.0 - mean(n, |i| (predicted[i] - truth[i]).powi(2)) / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let (predicted, truth) = ([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]);
        assert_eq!(mse(&predicted, &truth).unwrap(), 0.375);
        assert_eq!(mae(&predicted, &truth).unwrap(), 0.5);
        assert!((r2(&predicted, &truth).unwrap() - 0.948_608_137_044_967_9).abs() < 1e-15);
        assert_eq!(r2(&[2.0, 2.0], &[1.0, 3.0]).unwrap(), 0.0);
    }

    #[test]
    fn what_cannot_be_judged_is_an_error() {
        for f in [mse, mae, r2] {
            assert!(f(&[], &[]).is_err());
            assert!(f(&[1.0], &[1.0, 2.0]).is_err());
            assert!(f(&[f64::NAN, 1.0], &[1.0, 2.0]).is_err());
        }
        assert!(r2(&[1.0, 2.0], &[3.0, 3.0]).is_err());
    }
}
