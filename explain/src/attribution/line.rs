//! The straight lines from references to inputs, along which slopes are followed.

use super::gradient::{check_finite, check_input, from_f64, score_rows};
use lepton_autograd::{Var, no_grad};
use lepton_tensor::{DType, Error, Result, Tensor};

/// What each element of an input carries to the score, and how well the parts add up.
#[derive(Clone, Debug)]
pub struct Attribution {
    /// The parts, in the shape and dtype of the input.
    pub values: Tensor,
    /// For each row, the score of the input.
    pub score: Vec<f64>,
    /// For each row, the score of the reference.
    pub reference: Vec<f64>,
    /// For each row, the sum of the parts minus the difference of the scores: 0 is complete.
    pub delta: Vec<f64>,
}

/// The lines from the references to the inputs, one a row.
pub(super) struct Line<'a> {
    from: Vec<f64>,
    to: Vec<f64>,
    shape: &'a [usize],
    dtype: DType,
}

impl<'a> Line<'a> {
    pub(super) fn between(reference: Option<&Tensor>, x: &'a Tensor) -> Result<Line<'a>> {
        check_input(x)?;
        let (shape, to) = (x.shape(), x.to_f64());
        let from = match reference {
            None => vec![0.0; to.len()],
            Some(r) => starts(r, shape)?,
        };
        let line = Line {
            from,
            to,
            shape,
            dtype: x.dtype(),
        };
        // Two floats may be further apart than the largest one.
        let apart = (0..line.to.len()).map(|i| line.way(i)).collect();
        from_f64(apart, shape, DType::F64)?;
        Ok(line)
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.shape[0]
    }

    /// The number of elements of a row.
    pub(super) fn width(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// The dtype of the input.
    pub(super) fn dtype(&self) -> DType {
        self.dtype
    }

    /// From the reference to the input along element `i` of all.
    pub(super) fn way(&self, i: usize) -> f64 {
        self.to[i] - self.from[i]
    }

    /// The points at `alphas`, one for each line: 0 is the reference, 1 the input.
    pub(super) fn at(&self, alphas: &[f64]) -> Result<Tensor> {
        let width = self.width();
        let point = |i: usize| match alphas[i / width] {
            1.0 => self.to[i], // no rounding at the end
            alpha => self.from[i] + alpha * self.way(i),
        };
        from_f64(
            (0..self.to.len()).map(point).collect(),
            self.shape,
            self.dtype,
        )
    }

    /// The attribution by the mean slope on each line.
    pub(super) fn attribution(
        &self,
        score: &impl Fn(&Var) -> Var,
        slope: &[f64],
    ) -> Result<Attribution> {
        let values: Vec<f64> = (0..slope.len()).map(|i| self.way(i) * slope[i]).collect();
        let end = |alpha| -> Result<Vec<f64>> {
            let point = Var::from(self.at(&vec![alpha; self.rows()])?);
            Ok(no_grad(|| score_rows(score, &point))?.tensor().to_f64())
        };
        let (reference, score) = (end(0.0)?, end(1.0)?);
        let mut delta = Vec::with_capacity(self.rows());
        let width = self.width();
        for i in 0..self.rows() {
            let sum: f64 = values[i * width..(i + 1) * width].iter().sum();
            delta.push(sum - (score[i] - reference[i]));
        }
        let values = from_f64(values, self.shape, self.dtype)?;
        Ok(Attribution {
            values,
            score,
            reference,
            delta,
        })
    }
}

/// The elements of a reference for inputs of `shape`: a row of its own for each, or one for all.
fn starts(reference: &Tensor, shape: &[usize]) -> Result<Vec<f64>> {
    let own = reference.shape();
    let one = own.len() == shape.len() && own.first() == Some(&1) && own[1..] == shape[1..];
    if (own != shape && !one) || !reference.dtype().is_float() || reference.is_meta() {
        return Err(Error::shape(format!(
            "integrated gradients: the reference is {} {own:?} and the input {shape:?}; give floats of \
             the same shape, or one row for all",
            reference.dtype()
        )));
    }
    check_finite(reference, |row, at, v| {
        format!("attribution: element {at} of row {row} of the reference is {v}; give a finite one")
    })?;
    let values = reference.to_f64();
    Ok(if own == shape {
        values
    } else {
        values.repeat(shape[0])
    })
}
