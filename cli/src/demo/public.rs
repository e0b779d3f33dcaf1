//! Rows that nobody owns: drawn from the published ranges alone, so that asking a private model about
//! them, and learning from its answers, costs no privacy.

use lepton::Result;
use lepton::autograd::Tensor;
use lepton::nn::Rng;
use lepton::nn::data::{Encoding, Features};

/// Made-up rows, scaled as the model wants them.
pub(crate) struct Public {
    values: Vec<f32>,
    rows: usize,
    width: usize,
}

impl Public {
    /// `rows` rows. Measures of one nucleus rise and fall together, which is no secret: each row has
    /// a common level, and every feature strays from it.
    pub(crate) fn new(rows: usize, width: usize, seed: u64) -> Public {
        let mut rng = Rng::new(seed).fork(11);
        let mut values = Vec::with_capacity(rows * width);
        for _ in 0..rows {
            let level = rng.normal() * 0.5;
            let stray = 0.2 + 0.6 * rng.uniform();
            values
                .extend((0..width).map(|_| (level + stray * rng.normal()).clamp(-1.5, 1.5) as f32));
        }
        Public {
            values,
            rows,
            width,
        }
    }

    /// The rows as a tensor `[rows, width]`.
    pub(crate) fn tensor(&self) -> Result<Tensor> {
        Tensor::from_slice(&self.values, &[self.rows, self.width])
    }

    /// The first `rows` rows in the units of the table, row after row.
    pub(crate) fn units(&self, features: &Features) -> Vec<f64> {
        let back = |j: usize, v: f32| match &features.columns()[j].encoding {
            Encoding::Number { scale, .. } => scale.invert(f64::from(v)),
            Encoding::Category { .. } => f64::from(v),
        };
        self.values
            .iter()
            .take(1000 * self.width)
            .enumerate()
            .map(|(i, &v)| back(i % self.width, v))
            .collect()
    }
}
