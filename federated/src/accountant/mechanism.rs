//! The mechanisms that an accountant knows, and the neighbours each of them protects.

use std::fmt;

use lepton_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

/// One release of noisy data, as its privacy analysis sees it.
///
/// `sigma` and `scale` are in units of the sensitivity unless the variant has a sensitivity of its
/// own. `q` is the chance of each row to be in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Mechanism {
    /// Gaussian noise on a sum over a Poisson sample: the step of DP-SGD. `q = 1` is the plain
    /// Gaussian.
    SampledGaussian {
        /// Sampling rate, from 0 to 1.
        q: f64,
        /// Noise multiplier: standard deviation over clipping norm.
        sigma: f64,
    },
    /// The same where a batch of more than `cap` of the `rows` rows is cut down to a random `cap`
    /// of them.
    TruncatedGaussian {
        /// Sampling rate, from 0 to 1.
        q: f64,
        /// Noise multiplier.
        sigma: f64,
        /// Rows of the data set.
        rows: u64,
        /// The largest batch.
        cap: u64,
    },
    /// Gaussian noise on a sum over exactly `q` of the rows, drawn without replacement. `sigma` is
    /// relative to how far the sum moves when one row is replaced by another: twice the clipping
    /// norm.
    FixedSizeGaussian {
        /// Batch size over rows, from 0 to 1.
        q: f64,
        /// Noise multiplier.
        sigma: f64,
    },
    /// The noisy prefix sums of DP-FTRL's binary tree over `leaves` steps, each row in one leaf
    /// (Kairouz et al. 2021).
    TreeGaussian {
        /// Noise multiplier of each node.
        sigma: f64,
        /// Steps of the epoch.
        leaves: u64,
    },
    /// Laplace noise with density proportional to `exp(-|x| / scale)`.
    Laplace {
        /// Scale of the noise.
        scale: f64,
        /// How far one row moves the value.
        sensitivity: f64,
    },
    /// Integer noise with mass proportional to `exp(-|k| / scale)`.
    DiscreteLaplace {
        /// Scale of the noise.
        scale: f64,
        /// How far one row moves the value.
        sensitivity: u32,
    },
    /// Integer noise with mass proportional to `exp(-k^2 / 2 sigma^2)` (Canonne, Kamath, Steinke
    /// 2020).
    DiscreteGaussian {
        /// The `sigma` of the mass function.
        sigma: f64,
        /// How far one row moves the value.
        sensitivity: u32,
    },
    /// [`Laplace`](Mechanism::Laplace) noise on a sum over a Poisson sample.
    SampledLaplace {
        /// Sampling rate, from 0 to 1.
        q: f64,
        /// Scale of the noise.
        scale: f64,
        /// How far one row moves the value.
        sensitivity: f64,
    },
    /// [`DiscreteLaplace`](Mechanism::DiscreteLaplace) noise on a sum over a Poisson sample.
    SampledDiscreteLaplace {
        /// Sampling rate, from 0 to 1.
        q: f64,
        /// Scale of the noise.
        scale: f64,
        /// How far one row moves the value.
        sensitivity: u32,
    },
    /// [`DiscreteGaussian`](Mechanism::DiscreteGaussian) noise on a sum over a Poisson sample.
    SampledDiscreteGaussian {
        /// Sampling rate, from 0 to 1.
        q: f64,
        /// The `sigma` of the mass function.
        sigma: f64,
        /// How far one row moves the value.
        sensitivity: u32,
    },
}

/// Which pairs of data sets count as neighbours.
///
/// It prints as the end of a sentence that begins with "neighbouring data sets differ in".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Adjacency {
    /// One row is added or removed. A sampled sum has the same analysis under
    /// [`ZeroOut`](Adjacency::ZeroOut), which is what remains where the number of rows is public.
    AddOrRemove,
    /// One row is replaced by any other.
    Replace,
    /// One row is replaced by a row that contributes nothing.
    ZeroOut,
    /// Whatever the stated sensitivity was measured for.
    AsSensitivity,
}

impl fmt::Display for Adjacency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Adjacency::AddOrRemove => "one row that is added or removed",
            Adjacency::Replace => "one row that is replaced by any other",
            Adjacency::ZeroOut => {
                "one row that contributes or contributes nothing, with the same public number of rows"
            }
            Adjacency::AsSensitivity => "what the sensitivity was measured for",
        })
    }
}

impl Mechanism {
    /// The neighbours that the analysis of this mechanism speaks of.
    pub fn adjacency(&self) -> Adjacency {
        match self {
            Mechanism::SampledGaussian { .. } | Mechanism::TruncatedGaussian { .. } => {
                Adjacency::AddOrRemove
            }
            Mechanism::FixedSizeGaussian { .. } => Adjacency::Replace,
            Mechanism::TreeGaussian { .. } => Adjacency::ZeroOut,
            Mechanism::Laplace { .. }
            | Mechanism::DiscreteLaplace { .. }
            | Mechanism::DiscreteGaussian { .. }
            | Mechanism::SampledLaplace { .. }
            | Mechanism::SampledDiscreteLaplace { .. }
            | Mechanism::SampledDiscreteGaussian { .. } => Adjacency::AsSensitivity,
        }
    }

    /// The chance of each row to be in the batch.
    pub(crate) fn rate(&self) -> f64 {
        match *self {
            Mechanism::SampledGaussian { q, .. }
            | Mechanism::TruncatedGaussian { q, .. }
            | Mechanism::FixedSizeGaussian { q, .. }
            | Mechanism::SampledLaplace { q, .. }
            | Mechanism::SampledDiscreteLaplace { q, .. }
            | Mechanism::SampledDiscreteGaussian { q, .. } => q,
            _ => 1.0,
        }
    }

    /// Refuses what no analysis covers: a rate outside [0, 1], noise that is not a positive number.
    pub(crate) fn check(&self) -> Result<()> {
        check_rate(self.rate())?;
        match *self {
            Mechanism::SampledGaussian { sigma, .. }
            | Mechanism::FixedSizeGaussian { sigma, .. } => check_noise("noise multiplier", sigma),
            Mechanism::TruncatedGaussian {
                sigma, rows, cap, ..
            } => {
                check_noise("noise multiplier", sigma)?;
                check_count("rows", rows)?;
                check_count("cap", cap)
            }
            Mechanism::TreeGaussian { sigma, leaves } => {
                check_noise("noise multiplier", sigma)?;
                check_count("leaves", leaves)
            }
            Mechanism::Laplace { scale, sensitivity }
            | Mechanism::SampledLaplace {
                scale, sensitivity, ..
            } => {
                check_noise("scale", scale)?;
                check_noise("sensitivity", sensitivity)
            }
            Mechanism::DiscreteLaplace { scale, sensitivity }
            | Mechanism::SampledDiscreteLaplace {
                scale, sensitivity, ..
            } => {
                check_noise("scale", scale)?;
                check_count("sensitivity", sensitivity.into())
            }
            Mechanism::DiscreteGaussian { sigma, sensitivity }
            | Mechanism::SampledDiscreteGaussian {
                sigma, sensitivity, ..
            } => {
                check_noise("sigma", sigma)?;
                check_count("sensitivity", sensitivity.into())
            }
        }
    }
}

/// Levels of DP-FTRL's tree that one leaf takes part in: complete subtrees only.
pub(crate) fn tree_depth(leaves: u64) -> u32 {
    leaves.max(1).ilog2() + 1
}

fn check_rate(q: f64) -> Result<()> {
    if (0.0..=1.0).contains(&q) {
        return Ok(());
    }
    Err(Error::value(format!(
        "privacy accounting: the sampling rate q is {q}, must be in [0, 1]: batch size over rows"
    )))
}

fn check_noise(name: &str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::value(format!(
        "privacy accounting: the {name} is {value}, must be a finite number above 0; without noise there is no privacy to account for"
    )))
}

fn check_count(name: &str, value: u64) -> Result<()> {
    if value > 0 {
        return Ok(());
    }
    Err(Error::value(format!(
        "privacy accounting: {name} is 0, must be at least 1"
    )))
}
