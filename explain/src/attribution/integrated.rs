//! Integrated gradients (Sundararajan, Taly & Yan, 2017).

use super::Quadrature;
use super::gradient::differentiate;
use super::line::{Attribution, Line};
use lepton_autograd::Var;
use lepton_tensor::{Result, Tensor};

/// Integrated gradients: the input minus a reference, times the mean slope on the straight line
/// between them, `(x - b) * integral over a in [0, 1] of grad score(b + a (x - b))`.
///
/// By the fundamental theorem of calculus the parts of a row add up to `score(x) - score(b)`
/// (completeness); what the quadrature leaves of that is in [`Attribution::delta`]. Points suit smooth
/// scores; of a network of rectifiers [`PiecewiseLinear`](super::PiecewiseLinear) finds the integral
/// exactly.
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

impl IntegratedGradients {
    /// Explains `score` at each row of `x`, starting from `reference`: a tensor of the shape of
    /// `x`, or of one row for all; `None` for zeros. Sums are in f64 whatever the dtype.
    ///
    /// # Errors
    /// If the quadrature refuses `steps`, shapes do not fit, `x` is not of floats, `score` gives
    /// anything but one number a row, or a value, a score or a slope is not finite.
    pub fn explain(
        &self,
        score: impl Fn(&Var) -> Var,
        x: &Tensor,
        reference: Option<&Tensor>,
    ) -> Result<Attribution> {
        let points = self.quadrature.points(self.steps)?;
        let line = Line::between(reference, x)?;
        let mut slope = vec![0.0; x.numel()];
        for (alpha, weight) in points {
            let (_, slopes) = differentiate(&score, &line.at(&vec![alpha; line.rows()])?)?;
            slope
                .iter_mut()
                .zip(slopes.to_f64())
                .for_each(|(s, g)| *s += weight * g);
        }
        line.attribution(&score, &slope)
    }
}
