//! Gaussian noise, sampled or with one row in place of another.

use super::pieces::{Masses, Pieces};
use crate::accountant::special::{ln_mixture, ln_unmixed};
use lepton_tensor::special::normal_mass;

/// `P = (1 - q) N(0, sigma^2) + q N(1, sigma^2)` against `Q = N(0, sigma^2)`, or, where a row is
/// replaced, against `Q = (1 - q) N(0, sigma^2) + q N(-1, sigma^2)`. In both the loss grows with
/// the outcome.
#[derive(Clone, Copy)]
pub(crate) struct Normals {
    pub(super) q: f64,
    pub(super) sigma: f64,
    pub(super) replace: bool,
}

impl Normals {
    fn loss(&self, x: f64) -> f64 {
        let u = |x: f64| (2.0 * x - 1.0) / (2.0 * self.sigma * self.sigma);
        if self.q == 1.0 {
            return if self.replace { u(x) - u(-x) } else { u(x) };
        }
        let mixed = |x: f64| ln_mixture(self.q, u(x));
        mixed(x) - if self.replace { mixed(-x) } else { 0.0 }
    }

    /// The outcome at which the loss passes `loss`; minus infinity below all losses.
    fn outcome(&self, loss: f64) -> f64 {
        let (q, var) = (self.q, self.sigma * self.sigma);
        if self.replace {
            // A quadratic in e^{x / var}, solved in the form that is odd in the loss.
            let ln_lift = (1.0 - q).ln() - q.ln() + 1.0 / (2.0 * var);
            let half = 0.5 * loss;
            let ln_sinh = half.abs() + (-(-2.0 * half.abs()).exp()).ln_1p() - 2f64.ln();
            let ln_s = ln_lift + ln_sinh;
            let size = if ln_s > 300.0 {
                ln_s + 2f64.ln()
            } else {
                ln_s.exp().asinh()
            };
            return var * (half + size.copysign(half));
        }
        var * ln_unmixed(q, loss) + 0.5
    }

    fn masses(&self, from: f64, to: f64) -> Masses {
        let (q, s) = (self.q, self.sigma);
        let zero = normal_mass(from / s, to / s);
        let around =
            |mean: f64| (1.0 - q) * zero + q * normal_mass((from - mean) / s, (to - mean) / s);
        (around(1.0), if self.replace { around(-1.0) } else { zero })
    }

    pub(super) fn range(&self, tail: f64) -> (f64, f64) {
        let reach = self.sigma * (-2.0 * tail.ln()).sqrt(); // P(N > z) < e^{-z^2 / 2}
        let lowest = if self.replace { -1.0 } else { 0.0 };
        (self.loss(lowest - reach), self.loss(1.0 + reach))
    }

    pub(super) fn pieces(&self, step: f64, tail: f64) -> Pieces {
        let (low, high) = self.range(tail);
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let mut from = self.outcome(first as f64 * step);
        let below = self.masses(f64::NEG_INFINITY, from);
        let mut cells = Vec::with_capacity((last - first) as usize);
        for cell in first..last {
            let to = self.outcome((cell + 1) as f64 * step);
            cells.push((cell, self.masses(from, to)));
            from = to;
        }
        let above = self.masses(from, f64::INFINITY);
        Pieces {
            step,
            cells,
            above: (last, above),
            below: (first, below),
        }
    }
}
