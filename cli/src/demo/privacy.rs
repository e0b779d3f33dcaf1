//! What the private training promises, to whom, and what would change it.

use lepton::Result;
use lepton::federated::NoiseSeed;
use lepton::federated::accountant::{Accountant, RdpAccountant};

/// Where the noise of a run comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    /// From the published seed, so that the run can be repeated, and the noise subtracted.
    Seeded,
    /// From the operating system; known to nobody.
    Secret,
}

impl Noise {
    /// The seed of the noise in a run whose other draws come from `seed`.
    pub(crate) fn seed(self, seed: u64) -> Result<NoiseSeed> {
        match self {
            Noise::Seeded => Ok(NoiseSeed::published(seed)),
            Noise::Secret => NoiseSeed::secret(),
        }
    }
}

/// The settings of the private training that its promise rests on, and the promise.
#[derive(Clone, Debug)]
pub(crate) struct Privacy {
    pub(crate) noise: Noise,
    /// The bound on what the gradients of one row change, while the noise is secret.
    pub(crate) epsilon: f64,
    /// The chance with which the bound may fail.
    pub(crate) delta: f64,
    /// The share of its rows that a hospital uses in a step.
    pub(crate) sampling_rate: f64,
    /// The noise on the sum, over the clipping norm.
    pub(crate) noise_multiplier: f64,
    /// Noisy steps.
    pub(crate) steps: u64,
    /// The bound for all rows of the smallest hospital together, and their number.
    pub(crate) smallest: (usize, f64),
    /// The bound for this many runs like this one, all on the same rows.
    pub(crate) runs: (u64, f64),
}

/// How many runs are composed to show what trials cost.
const RUNS: u64 = 10;

impl Privacy {
    /// The promise of `steps` steps on all rows at `noise_multiplier`, with `epsilon` as the federation
    /// accounts for it.
    pub(crate) fn new(
        noise: Noise,
        (epsilon, delta): (f64, f64),
        noise_multiplier: f64,
        steps: u64,
        smallest: usize,
    ) -> Result<Privacy> {
        let of = |sigma: f64, steps: u64| -> Result<f64> {
            let mut spent = RdpAccountant::new();
            spent.step(1.0, sigma, steps)?;
            spent.epsilon(delta)
        };
        Ok(Privacy {
            noise,
            epsilon,
            delta,
            sampling_rate: 1.0,
            noise_multiplier,
            steps,
            // So many clipped gradients move the sum so many times as far.
            smallest: (smallest, of(noise_multiplier / smallest as f64, steps)?),
            runs: (RUNS, of(noise_multiplier, RUNS * steps)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lepton::federated::accountant::noise_multiplier;

    #[test]
    fn a_hospital_and_ten_runs_cost_more_than_a_row() {
        let sigma = noise_multiplier(3.0, 1e-5, 1.0, 50).unwrap();
        let p = Privacy::new(Noise::Secret, (3.0, 1e-5), sigma, 50, 41).unwrap();
        assert!((p.smallest.1 - 506.0).abs() < 10.0, "{p:?}");
        assert!((p.runs.1 - 11.5).abs() < 0.5, "{p:?}");
    }
}
