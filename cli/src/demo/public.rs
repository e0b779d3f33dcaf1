//! Rows that nobody owns: drawn from the published ranges alone, so that asking a private model about
//! them, and learning from its answers, costs no privacy.

use lepton::Result;
use lepton::autograd::Tensor;
use lepton::nn::Rng;

/// Made-up rows, scaled as the model wants them.
pub(crate) struct Public {
    values: Vec<f32>,
    rows: usize,
    width: usize,
}

impl Public {
    /// `rows` rows. That measures of one nucleus rise and fall together, and that small values are
    /// commoner than large ones, is no secret: each row has a common level, from which every feature
    /// strays, and the lower half of a range holds three quarters of the values.
    pub(crate) fn new(rows: usize, width: usize, seed: u64) -> Public {
        let mut rng = Rng::new(seed).fork(11);
        let mut values = Vec::with_capacity(rows * width);
        for _ in 0..rows {
            let level = rng.normal();
            let stray = 0.3 + rng.uniform();
            values.extend((0..width).map(|_| skewed(level + stray * rng.normal())));
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
}

/// A place in the range -1 to 1 for a level around 0: squared, so that small values are common.
fn skewed(level: f64) -> f32 {
    let share = 1.0 / (1.0 + (-level).exp());
    (2.0 * share * share - 1.0) as f32
}
