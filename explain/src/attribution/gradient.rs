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
/// If `x` has no rows axis, no float dtype or a value that is not finite, if `score` gives anything
/// but one number a row, or if a score or a slope is not finite.
pub fn gradient(score: impl Fn(&Var) -> Var, x: &Tensor) -> Result<Tensor> {
    check_input(x)?;
    Ok(differentiate(&score, x)?.1)
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

/// The score of each row of `x`, and its slope in the shape of `x`.
pub(super) fn differentiate(
    score: &impl Fn(&Var) -> Var,
    x: &Tensor,
) -> Result<(Vec<f64>, Tensor)> {
    let leaf = Var::leaf(x.clone());
    let scores = score_rows(score, &leaf)?;
    let values = scores.tensor().to_f64();
    let zeros = || Tensor::zeros(x.shape(), x.dtype(), x.device());
    if scores.is_constant() {
        return Ok((values, zeros()?));
    }
    // Rows do not meet, so the gradient of the sum holds each row's own.
    let grads = scores.sum(&[]).backward();
    let slope = grads.of(&leaf).map_or_else(zeros, |g| Ok(g.clone()))?;
    check_finite(&slope, |row, at, v| {
        format!(
            "attribution: the score of row {row} has the slope {v} at element {at}, so nothing can be \
             told from it; look for a root or a logarithm of 0, or explain another score"
        )
    })?;
    Ok((values, slope))
}

/// Refuses what cannot be explained: no rows axis, no floats, no elements, a value that is missing.
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
    check_finite(x, |row, at, v| {
        format!("attribution: element {at} of row {row} is {v}; fill or drop missing values first")
    })
}

/// Refuses a tensor of rows with a value that is not finite: `sentence` tells its row, its place in
/// the row, and itself.
pub(super) fn check_finite(
    x: &Tensor,
    sentence: impl Fn(usize, usize, f64) -> String,
) -> Result<()> {
    if ops::all_finite(x) {
        return Ok(());
    }
    let (values, width) = (x.to_f64(), x.shape()[1..].iter().product::<usize>().max(1));
    let at = values.iter().position(|v| !v.is_finite()).unwrap_or(0);
    Err(Error::value(sentence(at / width, at % width, values[at])))
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
    check_finite(scores.tensor(), |row, _, v| {
        format!(
            "attribution: the score of row {row} is {v}; a score must be finite wherever it is asked"
        )
    })?;
    Ok(scores)
}

/// A tensor of `dtype` from numbers that were computed in f64.
///
/// # Errors
/// If one of them is beyond `dtype`.
pub(super) fn from_f64(values: Vec<f64>, shape: &[usize], dtype: DType) -> Result<Tensor> {
    let exact = Tensor::from_vec(values, shape)?;
    let told = if dtype == DType::F64 {
        exact
    } else {
        ops::cast(&exact, dtype)
    };
    check_finite(&told, |row, at, _| {
        format!(
            "attribution: what is computed for element {at} of row {row} is beyond {dtype}; scale \
             the input"
        )
    })?;
    Ok(told)
}
