//! Laplace noise, plain or on a Poisson sample.

use super::pieces::{Masses, Pieces};
use crate::accountant::special::{ln_mixture, ln_unmixed};

/// `P = (1 - q) Q + q Laplace(top)` against `Q = Laplace(0)`, in units of the scale. Half of the
/// shifted noise has the largest loss, `top` before mixing, half of `Q` the least, and between the
/// two centres the loss rises from one to the other.
#[derive(Clone, Copy)]
pub(crate) struct Laplace {
    /// Sampling rate.
    pub(super) q: f64,
    /// Sensitivity over scale.
    pub(super) top: f64,
}

impl Laplace {
    pub(super) fn range(&self) -> (f64, f64) {
        (ln_mixture(self.q, -self.top), ln_mixture(self.q, self.top))
    }

    pub(super) fn pieces(&self, step: f64) -> Pieces {
        let (low, high) = self.range();
        let cell = |loss: f64| (loss / step).floor() as i64;
        let far = 0.5 * (-self.top).exp();
        let mut cells = vec![
            (cell(high), self.mixed((0.5, far))),
            (cell(low), self.mixed((far, 0.5))),
        ];
        for i in cell(low)..=cell(high) {
            let bound = |i: i64| ln_unmixed(self.q, i as f64 * step).clamp(-self.top, self.top);
            let (from, to) = (bound(i), bound(i + 1));
            if to > from {
                cells.push((i, self.mixed(self.between(from, to))));
            }
        }
        let nothing = (0.0, 0.0);
        Pieces {
            step,
            cells,
            above: (cell(high) + 1, nothing),
            below: (cell(low), nothing),
        }
    }

    /// The masses, before mixing, of the outcomes whose loss lies between `from` and `to`: the loss
    /// is `top - 2 t` for an outcome `t` scales from the shifted centre.
    fn between(&self, from: f64, to: f64) -> Masses {
        let (near, off) = (0.5 * (self.top - to), 0.5 * (self.top - from));
        let mass = |t: f64| 0.5 * (-t).exp() * -(near - off).exp_m1();
        (mass(near), mass(self.top - off))
    }

    fn mixed(&self, (p, q): Masses) -> Masses {
        ((1.0 - self.q) * q + self.q * p, q)
    }
}
