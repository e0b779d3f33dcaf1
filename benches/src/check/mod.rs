//! Checks of results by plain, slow computations in f64, or by what must hold of a right one.

mod conv;
mod product;
mod train;

pub use conv::convolution;
pub use product::product;
pub use train::{perceptron, training};

use lepton_autograd::Var;

/// Every element of `got` is within `tolerance` of `want`, relative above 1.
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_benches::check::close;
/// let got = Var::new(&[1.0f32, 200.0], &[2]);
/// assert!(close(&got, [1.0, 200.1], 1e-3).is_ok());
/// assert!(close(&got, [1.1, 200.0], 1e-3).is_err());
/// assert!(close(&got, [1.0], 1e-3).is_err());
/// ```
///
/// # Errors
/// When one is not, or when there are more or fewer.
pub fn close(got: &Var, want: impl IntoIterator<Item = f64>, tolerance: f64) -> Result<(), String> {
    let got = got.tensor().to_f64();
    let mut count = 0;
    for (i, want) in want.into_iter().enumerate() {
        let Some(&g) = got.get(i) else {
            return Err(format!("only {} elements", got.len()));
        };
        near(g, want, tolerance, || format!("element {i}"))?;
        count += 1;
    }
    if count < got.len() {
        return Err(format!("{} elements instead of {count}", got.len()));
    }
    Ok(())
}

/// `got` is within `tolerance` of `want`, relative above 1; `what` names it in the complaint.
///
/// # Errors
/// When it is not.
pub fn near(
    got: f64,
    want: f64,
    tolerance: f64,
    what: impl FnOnce() -> String,
) -> Result<(), String> {
    // Not a number is never near.
    if (got - want).abs() <= tolerance * want.abs().max(1.0) {
        return Ok(());
    }
    Err(format!("{} is {got}, not {want}", what()))
}

/// The error function by its series (Abramowitz and Stegun 7.1.5), for `|x| <= 2`.
///
/// ```
/// assert!((lepton_benches::check::erf(0.5) - 0.520_499_877_813_046_5).abs() < 1e-15);
/// ```
pub fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..60 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

/// Softmax of a row.
pub fn softmax(row: &[f64]) -> Vec<f64> {
    let total: f64 = row.iter().map(|v| v.exp()).sum();
    row.iter().map(|v| v.exp() / total).collect()
}

/// A row less its mean, over its standard deviation (with 1e-5 under the root), scaled and shifted.
pub fn layer_norm(row: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let n = row.len() as f64;
    let mean = row.iter().sum::<f64>() / n;
    let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let scale = 1.0 / (variance + 1e-5).sqrt();
    let element = |(i, v): (usize, &f64)| (v - mean) * scale * weight[i] + bias[i];
    row.iter().enumerate().map(element).collect()
}
