//! Integrated gradients (Sundararajan, Taly & Yan, 2017).

use super::Quadrature;
use super::gradient::{check_input, from_f64, gradient, score_rows};
use lepton_autograd::{Var, no_grad};
use lepton_tensor::{DType, Error, Result, Tensor};

/// Integrated gradients: the input minus a reference, times the mean slope on the straight line
/// between them, `(x - b) * integral over a in [0, 1] of grad score(b + a (x - b))`.
///
/// By the fundamental theorem of calculus the parts of a row add up to `score(x) - score(b)`
/// (completeness); what the quadrature leaves of that is in [`Attribution::delta`].
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_explain::attribution::IntegratedGradients;
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_slice(&[2.0, 3.0], &[1, 2])?;
/// let score = |x: &Var| x.select(1, 0) * x.select(1, 1);
/// let found = IntegratedGradients::default().explain(score, &x, None)?;
/// // A product of two is shared equally between them.
/// assert!(found.values.to_vec::<f64>()?.iter().all(|v| (v - 3.0).abs() < 1e-12));
/// assert!(found.delta[0].abs() < 1e-12);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegratedGradients {
    /// Where the line is sampled.
    pub quadrature: Quadrature,
    /// In how many points.
    pub steps: usize,
}

impl Default for IntegratedGradients {
    /// Fifty points of Gauss and Legendre.
    fn default() -> IntegratedGradients {
        IntegratedGradients {
            quadrature: Quadrature::GaussLegendre,
            steps: 50,
        }
    }
}

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

impl IntegratedGradients {
    /// Explains `score` at each row of `x`, starting from `reference`: a tensor of the shape of
    /// `x`, or of one row for all; `None` for zeros. Sums are in f64 whatever the dtype.
    ///
    /// # Errors
    /// If the quadrature refuses `steps`, shapes do not fit, `x` is not of floats, or `score`
    /// gives anything but one number a row.
    pub fn explain(
        &self,
        score: impl Fn(&Var) -> Var,
        x: &Tensor,
        reference: Option<&Tensor>,
    ) -> Result<Attribution> {
        let points = self.quadrature.points(self.steps)?;
        let line = Line::between(reference, x)?;
        let mut slope = vec![0.0; line.to.len()];
        for (alpha, weight) in points {
            let slopes = gradient(&score, &line.at(alpha)?)?.to_f64();
            slope
                .iter_mut()
                .zip(slopes)
                .for_each(|(s, g)| *s += weight * g);
        }
        line.attribution(&score, &slope)
    }
}

/// The straight lines from the references to the inputs, one a row.
struct Line<'a> {
    from: Vec<f64>,
    to: Vec<f64>,
    shape: &'a [usize],
    dtype: DType,
}

impl<'a> Line<'a> {
    fn between(reference: Option<&Tensor>, x: &'a Tensor) -> Result<Line<'a>> {
        check_input(x)?;
        let (shape, to) = (x.shape(), x.to_f64());
        let from = match reference {
            None => vec![0.0; to.len()],
            Some(r) if r.shape() == shape => r.to_f64(),
            Some(r)
                if r.rank() == shape.len() && r.shape()[0] == 1 && r.shape()[1..] == shape[1..] =>
            {
                r.to_f64().repeat(shape[0])
            }
            Some(r) => {
                return Err(Error::shape(format!(
                    "integrated gradients: the reference is {:?} and the input {shape:?}; give \
                     the same shape, or one row for all",
                    r.shape()
                )));
            }
        };
        Ok(Line {
            from,
            to,
            shape,
            dtype: x.dtype(),
        })
    }

    /// The points at `alpha` of every line: 0 is the reference, 1 the input.
    fn at(&self, alpha: f64) -> Result<Tensor> {
        let point = |(b, x): (&f64, &f64)| b + alpha * (x - b);
        let values = self.from.iter().zip(&self.to).map(point).collect();
        from_f64(values, self.shape, self.dtype)
    }

    fn attribution(&self, score: &impl Fn(&Var) -> Var, slope: &[f64]) -> Result<Attribution> {
        let parts = self.from.iter().zip(&self.to).zip(slope);
        let values: Vec<f64> = parts.map(|((b, x), s)| (x - b) * s).collect();
        let end = |alpha| -> Result<Vec<f64>> {
            let point = Var::from(self.at(alpha)?);
            Ok(no_grad(|| score_rows(score, &point))?.tensor().to_f64())
        };
        let (reference, score) = (end(0.0)?, end(1.0)?);
        let mut delta = Vec::with_capacity(self.shape[0]);
        let width = self.shape[1..].iter().product::<usize>();
        for i in 0..self.shape[0] {
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
