//! Noise on the integers, plain or on a Poisson sample.

use super::pieces::Pieces;
use crate::accountant::special::ln_mixture;

/// Noise on the integers, symmetric about zero.
#[derive(Clone, Copy)]
pub(crate) enum IntegerNoise {
    /// Mass proportional to `exp(-|k| / scale)`.
    Laplace(f64),
    /// Mass proportional to `exp(-k^2 / 2 sigma^2)`.
    Gaussian(f64),
}

impl IntegerNoise {
    /// Minus the logarithm of the mass at `k`, up to a constant.
    fn height(&self, k: i64) -> f64 {
        let k = k as f64;
        match self {
            IntegerNoise::Laplace(scale) => k.abs() / scale,
            IntegerNoise::Gaussian(sigma) => k * k / (2.0 * sigma * sigma),
        }
    }

    /// The loss of outcome `k`, noise around 0 against noise around `shift`.
    fn loss(&self, k: i64, shift: i64) -> f64 {
        match self {
            IntegerNoise::Laplace(_) => self.height(k - shift) - self.height(k),
            // Without the difference of two large squares.
            IntegerNoise::Gaussian(sigma) => {
                (shift * (shift - 2 * k)) as f64 / (2.0 * sigma * sigma)
            }
        }
    }

    /// How far from the centre all but a `tail` of the mass lies.
    pub(super) fn reach(&self, tail: f64) -> i64 {
        let ln = -tail.ln();
        let reach = match self {
            IntegerNoise::Laplace(scale) => ln * scale,
            IntegerNoise::Gaussian(sigma) => (2.0 * ln).sqrt() * sigma,
        };
        (reach.ceil() as i64).saturating_add(1)
    }
}

/// Integer noise on a sum that a row shifts by a whole number, with a chance of `q`.
#[derive(Clone, Copy)]
pub(crate) struct Integers {
    pub(super) noise: IntegerNoise,
    pub(super) shift: i64,
    pub(super) q: f64,
}

impl Integers {
    pub(super) fn range(&self, tail: f64) -> (f64, f64) {
        let reach = self.noise.reach(tail);
        (self.loss(self.shift + reach), self.loss(-reach))
    }

    fn loss(&self, k: i64) -> f64 {
        ln_mixture(self.q, self.noise.loss(k, self.shift))
    }

    pub(super) fn pieces(&self, step: f64, tail: f64) -> Pieces {
        let (reach, shift) = (self.noise.reach(tail), self.shift);
        let weight = |k: i64| (-self.noise.height(k)).exp();
        let total = 1.0 + 2.0 * (1..=2 * reach).rev().map(weight).sum::<f64>();
        let cell = |k: i64| (self.loss(k) / step).floor() as i64;
        let mixed = |p: f64, q: f64| ((1.0 - self.q) * q + self.q * p, q);
        let cells = (-reach..=shift + reach)
            .map(|k| (cell(k), mixed(weight(k) / total, weight(k - shift) / total)))
            .collect();
        // Outcomes left of -reach have the largest losses: P's own tail, and Q's far one.
        let beyond = |k: i64| (k..k + reach).map(weight).sum::<f64>() / total;
        let (near, far) = (beyond(reach + 1), beyond(reach + 1 + shift));
        Pieces {
            step,
            cells,
            above: (cell(-reach), mixed(near, far)),
            below: (cell(shift + reach) + 1, mixed(far, near)),
        }
    }
}
