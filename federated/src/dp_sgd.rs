//! Private gradients: each row's clipped, all summed, noise on the sum (Abadi et al. 2016).
//!
//! The noise here is a simulation: a seeded counter-based generator, so that a run can be repeated
//! and checked. Whoever has the seed can draw the same noise and subtract it, and nothing is left of
//! the privacy. A deployment must draw from the system's secure generator, and on integers:
//! floating-point noise leaves gaps between its values that give the sum away (Mironov 2012).

use crate::accountant::{Adjacency, Mechanism};
use crate::clipped_sum::{ClippedSum, checked_norm};
use crate::state::from_f64;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Result, Tensor};

/// The settings of one noisy gradient.
///
/// The noise is drawn from a seeded generator, to be repeatable: fit for a simulation, not for a
/// deployment, which needs a cryptographic generator and integer noise (Mironov 2012). It protects
/// against those who do not have the seed ([`NoiseSeed`](crate::NoiseSeed)).
///
/// What is protected is one row, not one client. A group of `k` rows moves the sum by `k` clipping
/// norms, so the noise is worth a `k`-th to it:
///
/// ```
/// use lepton_federated::accountant::{Accountant, PldAccountant, noise_multiplier};
/// let sigma = noise_multiplier(3.0, 1e-5, 1.0, 50)?; // epsilon 3 for each row
/// let mut hospital = PldAccountant::new();
/// hospital.step(1.0, sigma / 41.0, 50)?; // for all 41 rows of a small client together
/// assert!(hospital.epsilon(1e-5)? > 400.0);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DpSgd {
    /// The longest gradient, in Euclidean norm over all parameters, that one row may contribute.
    pub clip: f64,
    /// Standard deviation of the noise on the sum over `clip`; 0 clips only, and is not private.
    pub noise_multiplier: f64,
    /// The chance of each row to be in a batch; 1 for all rows in every step.
    pub sampling_rate: f64,
}

impl DpSgd {
    /// Checked settings.
    ///
    /// # Errors
    /// If `clip` is not above 0, `noise_multiplier` is negative, `sampling_rate` is not in (0, 1],
    /// or the noise is too small or too large for a number.
    pub fn new(clip: f64, noise_multiplier: f64, sampling_rate: f64) -> Result<DpSgd> {
        let must = |name: &str, value: f64, range: &str| {
            Err(Error::value(format!(
                "DpSgd: the {name} is {value}, must be {range}"
            )))
        };
        checked_norm(clip)?;
        if !(noise_multiplier >= 0.0 && noise_multiplier.is_finite()) {
            return must(
                "noise multiplier",
                noise_multiplier,
                "a finite number, 0 or more",
            );
        }
        if !(sampling_rate > 0.0 && sampling_rate <= 1.0) {
            return must("sampling rate", sampling_rate, "above 0 and at most 1");
        }
        let deviation = noise_multiplier * clip;
        if noise_multiplier > 0.0 && !deviation.is_normal() {
            return must(
                "noise multiplier times the clipping norm",
                deviation,
                "a finite number above 0",
            );
        }
        Ok(DpSgd {
            clip,
            noise_multiplier,
            sampling_rate,
        })
    }

    /// What one step releases, for an [`Accountant`](crate::accountant::Accountant).
    pub fn mechanism(&self) -> Mechanism {
        Mechanism::SampledGaussian {
            q: self.sampling_rate,
            sigma: self.noise_multiplier,
        }
    }

    /// The neighbours that the noise protects: the sum is divided by a share of the number of rows,
    /// which is public, so that a row can only count or not count.
    pub fn adjacency(&self) -> Adjacency {
        Adjacency::ZeroOut
    }

    /// A Poisson batch: each of `rows` rows with the chance
    /// [`sampling_rate`](DpSgd::sampling_rate), each for itself. The accounting holds for this way
    /// of sampling only; the batch may be empty.
    pub fn batch(&self, rows: usize, rng: &mut Rng) -> Vec<usize> {
        (0..rows)
            .filter(|_| self.sampling_rate >= 1.0 || rng.uniform() < self.sampling_rate)
            .collect()
    }

    /// The noisy mean gradient from the sum of a Poisson batch: noise added, divided by the
    /// *expected* batch size of `rows` rows, since the real one is private. One tensor for each of
    /// `sum`'s, of its dtype.
    ///
    /// # Errors
    /// If there are no rows, or the sum was clipped to another norm than this noise is made for.
    pub fn release(&self, sum: &ClippedSum, rows: usize, rng: &mut Rng) -> Result<Vec<Tensor>> {
        if rows == 0 {
            return Err(Error::value(
                "DpSgd: a client without rows has no gradient; leave it out",
            ));
        }
        if sum.clip() != self.clip {
            return Err(Error::value(format!(
                "DpSgd: the sum is of gradients clipped to {}, the noise is made for {}; use one clipping norm",
                sum.clip(),
                self.clip
            )));
        }
        let expected = self.sampling_rate * rows as f64;
        let deviation = self.noise_multiplier * self.clip;
        let mean = |(values, like): (&Vec<f64>, &Tensor)| {
            let noisy: Vec<f64> = values
                .iter()
                .map(|x| (x + deviation * rng.normal()) / expected)
                .collect();
            from_f64(&noisy, like)
        };
        sum.values().iter().zip(sum.like()).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_has_the_promised_size() {
        let dp = DpSgd::new(0.5, 4.0, 0.25).unwrap();
        let parameter = Tensor::from_vec(vec![0.0f64; 40_000], &[40_000]).unwrap();
        let sum = ClippedSum::new(&[parameter], 0.5).unwrap();
        let noise = dp.release(&sum, 8, &mut Rng::new(1)).unwrap()[0].to_f64();
        let deviation = (noise.iter().map(|x| x * x).sum::<f64>() / 40_000.0).sqrt();
        // 4 * 0.5 over an expected batch of 2.
        assert!((deviation - 1.0).abs() < 0.02, "{deviation}");
        let mean = noise.iter().sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.03, "{mean}");
    }

    #[test]
    fn noise_for_another_clipping_norm_is_refused() {
        let sum = ClippedSum::new(&[Tensor::scalar(0.0f32)], 2.0).unwrap();
        let dp = DpSgd::new(1.0, 1.0, 1.0).unwrap();
        let error = dp.release(&sum, 1, &mut Rng::new(1)).unwrap_err();
        assert!(error.to_string().contains("clipped to 2"), "{error}");
    }

    #[test]
    fn batches_have_their_rate_and_all_rows_at_one() {
        let dp = DpSgd::new(1.0, 1.0, 0.1).unwrap();
        let batch = dp.batch(100_000, &mut Rng::new(3));
        assert!((9_500..10_500).contains(&batch.len()), "{}", batch.len());
        assert!(batch.is_sorted());
        let all = DpSgd::new(1.0, 1.0, 1.0)
            .unwrap()
            .batch(10, &mut Rng::new(3));
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn settings_that_cannot_be_are_one_sentence() {
        for (clip, noise, rate, word) in [
            (0.0, 1.0, 0.5, "clipping norm is 0"),
            (f64::NAN, 1.0, 0.5, "clipping norm is NaN"),
            (1.0, -1.0, 0.5, "noise multiplier is -1"),
            (1.0, f64::NAN, 0.5, "noise multiplier is NaN"),
            (1.0, 1.0, 0.0, "sampling rate is 0"),
            (1.0, 1.0, 1.5, "sampling rate is 1.5"),
            (1e-200, 1e-200, 0.5, "times the clipping norm is 0"),
            (1e200, 1e200, 0.5, "times the clipping norm is inf"),
        ] {
            let error = DpSgd::new(clip, noise, rate).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
