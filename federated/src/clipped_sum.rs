//! Gradients of single rows, each cut to a length, and summed.

use lepton_tensor::{Error, Result, Tensor};

/// The sum of clipped gradients, one row at a time or many; in `f64`, in the order of the rows.
///
/// ```
/// use lepton_federated::ClippedSum;
/// use lepton_tensor::Tensor;
/// // Two rows' gradients of one parameter with two elements: norms 5 and 0.5.
/// let grads = Tensor::from_vec(vec![3.0f32, 4.0, 0.3, 0.4], &[2, 2])?;
/// let mut sum = ClippedSum::new(&[Tensor::from_vec(vec![0.0f32; 2], &[2])?], 1.0)?;
/// sum.add(&[grads])?;
/// assert!((sum.values()[0][0] - 0.9).abs() < 1e-6 && (sum.values()[0][1] - 1.2).abs() < 1e-6);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClippedSum {
    clip: f64,
    like: Vec<Tensor>,
    values: Vec<Vec<f64>>,
    rows: u64,
    clipped: u64,
    refused: u64,
}

impl ClippedSum {
    /// A sum of no rows, for gradients of `parameters`, each row's clipped to the norm `clip`.
    ///
    /// # Errors
    /// If `clip` is not a finite number above 0, or a parameter is not a float.
    pub fn new(parameters: &[Tensor], clip: f64) -> Result<ClippedSum> {
        checked_norm(clip)?;
        for p in parameters {
            p.dtype().want_float("ClippedSum")?;
        }
        let values = parameters.iter().map(|p| vec![0.0; p.numel()]).collect();
        Ok(ClippedSum {
            clip,
            like: parameters.to_vec(),
            values,
            rows: 0,
            clipped: 0,
            refused: 0,
        })
    }

    /// Adds the gradients of a batch: for each parameter a tensor of its shape with the rows as an
    /// axis in front.
    ///
    /// A row whose gradient is not finite adds nothing, so that no row can move the sum by more
    /// than the clipping norm; [`refused`](ClippedSum::refused) counts them.
    ///
    /// # Errors
    /// If the tensors do not have those shapes.
    pub fn add(&mut self, per_row: &[Tensor]) -> Result<()> {
        let rows = self.check(per_row)?;
        let grads: Vec<Vec<f64>> = per_row.iter().map(Tensor::to_f64).collect();
        for row in 0..rows {
            let own = |i: usize, size: usize| &grads[i][row * size..(row + 1) * size];
            let sizes = || self.values.iter().map(Vec::len).enumerate();
            let square: f64 = sizes().flat_map(|(i, n)| own(i, n)).map(|g| g * g).sum();
            let Some(factor) = clip_factor(square.sqrt(), self.clip) else {
                self.refused += 1;
                continue;
            };
            self.clipped += u64::from(factor < 1.0);
            for (i, sum) in self.values.iter_mut().enumerate() {
                let n = sum.len();
                sum.iter_mut()
                    .zip(own(i, n))
                    .for_each(|(s, g)| *s += factor * g);
            }
        }
        self.rows += rows as u64;
        Ok(())
    }

    fn check(&self, per_row: &[Tensor]) -> Result<usize> {
        let rows = per_row
            .first()
            .and_then(|g| g.shape().first())
            .copied()
            .unwrap_or(0);
        let fits = |(g, p): (&Tensor, &Tensor)| g.shape().split_first() == Some((&rows, p.shape()));
        if per_row.len() == self.like.len() && per_row.iter().zip(&self.like).all(fits) {
            return Ok(rows);
        }
        let shapes = |t: &[Tensor]| {
            t.iter()
                .map(|t| format!("{:?}", t.shape()))
                .collect::<Vec<_>>()
                .join(", ")
        };
        Err(Error::shape(format!(
            "ClippedSum: per-row gradients of shapes {} do not fit parameters of shapes {}; each needs the rows as an axis in front",
            shapes(per_row),
            shapes(&self.like)
        )))
    }

    /// The sum for each parameter, row-major.
    pub fn values(&self) -> &[Vec<f64>] {
        &self.values
    }

    /// The norm that each row's gradient is cut to.
    pub(crate) fn clip(&self) -> f64 {
        self.clip
    }

    /// The parameters that the sum is for.
    pub(crate) fn like(&self) -> &[Tensor] {
        &self.like
    }

    /// Rows added.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows whose gradient was shortened. This number is private: it is not covered by the noise.
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// Rows whose gradient was not finite. This number is private too.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// Refuses a clipping norm that bounds nothing.
pub(crate) fn checked_norm(clip: f64) -> Result<f64> {
    if clip > 0.0 && clip.is_finite() {
        return Ok(clip);
    }
    Err(Error::value(format!(
        "DpSgd: the clipping norm is {clip}, must be a finite number above 0"
    )))
}

/// What shortens a vector of this norm to `clip` at most; `None` for one that is not finite.
fn clip_factor(norm: f64, clip: f64) -> Option<f64> {
    if !norm.is_finite() {
        return None;
    }
    // The margin keeps the rounded products within the clipping norm.
    Some(if norm > clip {
        clip / norm * (1.0 - 1e-12)
    } else {
        1.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum_of(rows: &[Vec<f64>], clip: f64) -> ClippedSum {
        let parameters = [
            Tensor::from_vec(vec![0.0; 2], &[2]).unwrap(),
            Tensor::from_vec(vec![0.0; 3], &[3, 1]).unwrap(),
        ];
        let part = |from: usize, to: usize, shape: &[usize]| {
            let data: Vec<f64> = rows.iter().flat_map(|r| r[from..to].to_vec()).collect();
            Tensor::from_vec(data, shape).unwrap()
        };
        let mut sum = ClippedSum::new(&parameters, clip).unwrap();
        sum.add(&[
            part(0, 2, &[rows.len(), 2]),
            part(2, 5, &[rows.len(), 3, 1]),
        ])
        .unwrap();
        sum
    }

    fn flat(sum: &ClippedSum) -> Vec<f64> {
        sum.values().concat()
    }

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    fn row() -> impl Strategy<Value = Vec<f64>> {
        let any = prop_oneof![
            -5.0..5.0f64,
            -1e200..1e200f64,
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(0.0)
        ];
        prop_oneof![
            prop::collection::vec(-5.0..5.0f64, 5),
            prop::collection::vec(any, 5)
        ]
    }

    proptest! {
        #[test]
        fn one_row_moves_the_sum_by_the_clipping_norm_at_most(
            rows in prop::collection::vec(row(), 2..9), clip in 1e-3..10.0f64, at: prop::sample::Index
        ) {
            let at = at.index(rows.len());
            let mut without = rows.clone();
            without.remove(at);
            let moved = distance(&flat(&sum_of(&rows, clip)), &flat(&sum_of(&without, clip)));
            // The sums themselves are rounded.
            prop_assert!(moved <= clip * (1.0 + 1e-12), "{moved} {clip}");
        }

        #[test]
        fn a_short_gradient_is_left_alone(g in prop::collection::vec(-0.4..0.4f64, 5)) {
            let sum = sum_of(std::slice::from_ref(&g), 1.0);
            prop_assert_eq!(flat(&sum), g);
            prop_assert_eq!((sum.clipped(), sum.rows()), (0, 1));
        }

        #[test]
        fn a_long_gradient_keeps_its_direction(g in prop::collection::vec(1.0..9.0f64, 5), clip in 0.1..1.0f64) {
            let out = flat(&sum_of(std::slice::from_ref(&g), clip));
            let scale = out[0] / g[0];
            prop_assert!(out.iter().zip(&g).all(|(o, g)| (o / g - scale).abs() < 1e-12));
            prop_assert!(distance(&out, &[0.0; 5]) <= clip && distance(&out, &[0.0; 5]) > clip * (1.0 - 1e-9));
        }
    }

    #[test]
    fn gradients_that_do_not_fit_are_one_sentence() {
        let mut sum = ClippedSum::new(&[Tensor::scalar(0.0f32)], 1.0).unwrap();
        let error = sum.add(&[Tensor::scalar(1.0f32)]).unwrap_err().to_string();
        assert!(error.contains("rows as an axis in front"), "{error}");
    }
}
