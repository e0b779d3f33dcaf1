//! The slope of a score at the input.

use lepton_autograd::Var;
use lepton_tensor::{DType, Error, Result, Tensor, ops};

/// The derivative of each row's score by that row, signed (Simonyan, Vedaldi & Zisserman, 2014,
/// without the absolute value), in the shape and dtype of `x`.
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_explain::attribution::gradient;
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_slice(&[3.0, 1.0, 2.0, 5.0], &[2, 2])?;
/// let slope = gradient(|x: &Var| x.square().sum(&[1]), &x)?;
/// assert_eq!(slope.to_vec::<f64>()?, [6.0, 2.0, 4.0, 10.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If `x` has no rows axis or no float dtype, or `score` gives anything but one number a row.
pub fn gradient(score: impl Fn(&Var) -> Var, x: &Tensor) -> Result<Tensor> {
    check_input(x)?;
    let leaf = Var::leaf(x.clone());
    let scores = score_rows(&score, &leaf)?;
    if scores.is_constant() {
        return Tensor::zeros(x.shape(), x.dtype(), x.device());
    }
    // Rows do not meet, so the gradient of the sum holds each row's own.
    let grads = scores.sum(&[]).backward();
    grads.of(&leaf).map_or_else(
        || Tensor::zeros(x.shape(), x.dtype(), x.device()),
        |g| Ok(g.clone()),
    )
}

/// [`gradient`] times the input, element by element: for a score that is linear without a constant
/// the exact share of each feature.
///
/// # Errors
/// As [`gradient`].
pub fn gradient_times_input(score: impl Fn(&Var) -> Var, x: &Tensor) -> Result<Tensor> {
    let slope = gradient(score, x)?.to_f64();
    let product = slope.iter().zip(x.to_f64()).map(|(g, x)| g * x).collect();
    from_f64(product, x.shape(), x.dtype())
}

/// Refuses what cannot be explained: no rows axis, no floats, no elements.
pub(super) fn check_input(x: &Tensor) -> Result<()> {
    if !x.dtype().is_float() {
        return Err(Error::dtype(format!(
            "attribution: the input is {}; give floats",
            x.dtype()
        )));
    }
    if x.rank() == 0 || x.is_meta() {
        return Err(Error::shape(format!(
            "attribution: the input has shape {:?} on {:?}; give rows, [rows, ..], with elements",
            x.shape(),
            x.device()
        )));
    }
    Ok(())
}

/// The scores of the rows of `x`.
pub(super) fn score_rows(score: &impl Fn(&Var) -> Var, x: &Var) -> Result<Var> {
    let scores = score(x);
    if scores.shape() != &x.shape()[..1] || !scores.dtype().is_float() {
        return Err(Error::shape(format!(
            "attribution: the score of {} rows is {} {:?}; it must be one float a row, such as \
             model.forward(x).select(1, class)",
            x.shape()[0],
            scores.dtype(),
            scores.shape()
        )));
    }
    Ok(scores)
}

/// A tensor of `dtype` from numbers that were computed in f64.
pub(super) fn from_f64(values: Vec<f64>, shape: &[usize], dtype: DType) -> Result<Tensor> {
    let exact = Tensor::from_vec(values, shape)?;
    Ok(if dtype == DType::F64 {
        exact
    } else {
        ops::cast(&exact, dtype)
    })
}
