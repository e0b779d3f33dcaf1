//! Each mechanism as the pair of distributions that dominates it, cut where the privacy loss
//! crosses a grid.
//!
//! A mechanism is as private as a pair `(P, Q)` on the line makes it, `P` with the row and `Q`
//! without, and only the privacy loss `ln P(x) / Q(x)` of each outcome matters (Zhu, Dong, Wang
//! 2022). So outcomes whose losses share a cell of the grid are kept as one piece: its mass under
//! `P` and under `Q`. The other direction of the pair, `(Q, P)`, is the same list read backwards.

use super::Mechanism;
use super::mechanism::tree_depth;
use super::special::{binomial_above, normal_mass};
use lepton_tensor::{Error, Result};

/// Mass under `P` and mass under `Q`.
pub(crate) type Masses = (f64, f64);

/// All outcomes of a pair, by the grid cell of their loss.
pub(crate) struct Pieces {
    /// Width of a cell; cell `i` holds the losses from `i * step` to `(i + 1) * step`.
    pub(crate) step: f64,
    /// Cell and masses, in any order, a cell as often as it likes.
    pub(crate) cells: Vec<(i64, Masses)>,
    /// Outcomes with losses at or above `edge * step`, too rare to tell apart.
    pub(crate) above: (i64, Masses),
    /// Outcomes with losses at or below `edge * step`, too rare to tell apart.
    pub(crate) below: (i64, Masses),
}

impl Pieces {
    /// The pair `(Q, P)`: masses change places, losses change sign.
    pub(crate) fn reversed(mut self) -> Pieces {
        let swap = |(p, q): Masses| (q, p);
        for (cell, masses) in &mut self.cells {
            (*cell, *masses) = (-*cell - 1, swap(*masses));
        }
        let flip = |(edge, masses): (i64, Masses)| (-edge, swap(masses));
        (self.above, self.below) = (flip(self.below), flip(self.above));
        self
    }

    /// The experiment that runs `other` with chance `weight` and `self` otherwise, and says which.
    fn mixed(mut self, other: Pieces, weight: f64) -> Pieces {
        let by = |w: f64, (p, q): Masses| (w * p, w * q);
        self.cells
            .iter_mut()
            .for_each(|(_, masses)| *masses = by(1.0 - weight, *masses));
        self.cells.extend(
            other
                .cells
                .into_iter()
                .map(|(cell, masses)| (cell, by(weight, masses))),
        );
        let join = |a: Masses, b: Masses| {
            let (a, b) = (by(1.0 - weight, a), by(weight, b));
            (a.0 + b.0, a.1 + b.1)
        };
        self.above = (
            self.above.0.min(other.above.0),
            join(self.above.1, other.above.1),
        );
        self.below = (
            self.below.0.max(other.below.0),
            join(self.below.1, other.below.1),
        );
        self
    }
}

/// A pair that can be cut at any loss.
pub(crate) enum Pair {
    /// See [`Normals`].
    Normals(Normals),
    /// Laplace noise: scale and sensitivity.
    Laplace(f64, f64),
    /// Integer noise, and how far the row shifts it.
    Integers { noise: IntegerNoise, shift: i64 },
    /// With chance `weight` the second, otherwise the first.
    Mixed {
        first: Normals,
        second: Normals,
        weight: f64,
    },
}

impl Pair {
    /// The pair that dominates `mechanism`.
    pub(crate) fn of(mechanism: &Mechanism) -> Result<Pair> {
        let integers = |noise: IntegerNoise, shift: u32| {
            if noise.reach(1e-30).saturating_add(shift.into()) > 4_000_000 {
                return Err(Error::unsupported(format!(
                    "PldAccountant: {mechanism:?} spreads over more than four million integers; \
                     account for it as its continuous twin with the same ratio of noise to sensitivity"
                )));
            }
            Ok(Pair::Integers {
                noise,
                shift: shift.into(),
            })
        };
        Ok(match *mechanism {
            Mechanism::SampledGaussian { q, sigma } => Pair::Normals(Normals {
                q,
                sigma,
                replace: false,
            }),
            Mechanism::TreeGaussian { sigma, leaves } => {
                // A row moves `depth` nodes by one each, a vector of length sqrt(depth).
                let sigma = sigma / f64::from(tree_depth(leaves)).sqrt();
                Pair::Normals(Normals {
                    q: 1.0,
                    sigma,
                    replace: false,
                })
            }
            Mechanism::TruncatedGaussian {
                q,
                sigma,
                rows,
                cap,
            } => truncated(q, sigma, rows, cap),
            Mechanism::Laplace { scale, sensitivity } => Pair::Laplace(scale, sensitivity),
            Mechanism::DiscreteLaplace { scale, sensitivity } => {
                integers(IntegerNoise::Laplace(scale), sensitivity)?
            }
            Mechanism::DiscreteGaussian { sigma, sensitivity } => {
                integers(IntegerNoise::Gaussian(sigma), sensitivity)?
            }
            Mechanism::FixedSizeGaussian { .. } => {
                return Err(Error::unsupported(
                    "PldAccountant: no dominating pair of sampling without replacement is known; use RdpAccountant",
                ));
            }
        })
    }

    /// The losses between which all but a `tail` of the mass lies.
    pub(crate) fn range(&self, tail: f64) -> (f64, f64) {
        match self {
            Pair::Normals(n) => n.range(tail),
            Pair::Laplace(scale, sensitivity) => (-sensitivity / scale, sensitivity / scale),
            Pair::Integers { noise, shift } => {
                let reach = noise.reach(tail);
                (
                    noise.loss(shift + reach, *shift),
                    noise.loss(-reach, *shift),
                )
            }
            Pair::Mixed { first, second, .. } => {
                let (a, b) = (first.range(tail), second.range(tail));
                (a.0.min(b.0), a.1.max(b.1))
            }
        }
    }

    /// The outcomes cut at the multiples of `step`, mass below `tail` at either end in one piece.
    pub(crate) fn pieces(&self, step: f64, tail: f64) -> Pieces {
        match self {
            Pair::Normals(n) => n.pieces(step, tail),
            Pair::Laplace(scale, sensitivity) => laplace_pieces(*scale, *sensitivity, step),
            Pair::Integers { noise, shift } => noise.pieces(*shift, step, tail),
            Pair::Mixed {
                first,
                second,
                weight,
            } => first
                .pieces(step, tail)
                .mixed(second.pieces(step, tail), *weight),
        }
    }
}

/// Poisson batches cut down to `cap` rows, as a mixture over whether the other rows alone fill the
/// batch. If they do, the row at stake pushes another one out, so two contributions differ. The
/// larger of both sampling chances is what the row's chance is given that event.
fn truncated(q: f64, sigma: f64, rows: u64, cap: u64) -> Pair {
    let first = Normals {
        q,
        sigma,
        replace: false,
    };
    let full = binomial_above(rows - 1, q, cap.saturating_sub(1));
    if full == 0.0 {
        return Pair::Normals(first);
    }
    let overfull = binomial_above(rows, q, cap);
    let chance = (overfull * cap as f64 / rows as f64 / full).clamp(f64::MIN_POSITIVE, 1.0);
    Pair::Mixed {
        first,
        second: Normals {
            q: chance,
            sigma: 0.5 * sigma,
            replace: true,
        },
        weight: full,
    }
}

/// `P = (1 - q) N(0, sigma^2) + q N(1, sigma^2)` against `Q = N(0, sigma^2)`, or, where a row is
/// replaced, against `Q = (1 - q) N(0, sigma^2) + q N(-1, sigma^2)`. In both the loss grows with
/// the outcome.
#[derive(Clone, Copy)]
pub(crate) struct Normals {
    q: f64,
    sigma: f64,
    replace: bool,
}

impl Normals {
    fn loss(&self, x: f64) -> f64 {
        let ln_mix = |u: f64| {
            if u > 500.0 {
                u + self.q.ln()
            } else {
                (self.q * u.exp_m1()).ln_1p()
            }
        };
        let u = |x: f64| (2.0 * x - 1.0) / (2.0 * self.sigma * self.sigma);
        if self.q == 1.0 {
            return if self.replace { u(x) - u(-x) } else { u(x) };
        }
        ln_mix(u(x)) - if self.replace { ln_mix(u(-x)) } else { 0.0 }
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
        let ln_ratio = if q == 1.0 {
            loss
        } else if loss > 500.0 {
            loss - q.ln()
        } else {
            let above = loss.exp_m1() / q;
            if above <= -1.0 {
                return f64::NEG_INFINITY;
            }
            above.ln_1p()
        };
        var * ln_ratio + 0.5
    }

    fn masses(&self, from: f64, to: f64) -> Masses {
        let (q, s) = (self.q, self.sigma);
        let zero = normal_mass(from / s, to / s);
        let around =
            |mean: f64| (1.0 - q) * zero + q * normal_mass((from - mean) / s, (to - mean) / s);
        (around(1.0), if self.replace { around(-1.0) } else { zero })
    }

    fn range(&self, tail: f64) -> (f64, f64) {
        let reach = self.sigma * (-2.0 * tail.ln()).sqrt(); // P(N > z) < e^{-z^2 / 2}
        let lowest = if self.replace { -1.0 } else { 0.0 };
        (self.loss(lowest - reach), self.loss(1.0 + reach))
    }

    fn pieces(&self, step: f64, tail: f64) -> Pieces {
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

/// `P = Laplace(0)` against `Q = Laplace(sensitivity)`: half of `P` at the largest loss, the rest
/// falling to the least.
fn laplace_pieces(scale: f64, sensitivity: f64, step: f64) -> Pieces {
    let top = sensitivity / scale;
    let far = 0.5 * (-top).exp();
    let cell = |loss: f64| (loss / step).floor() as i64;
    let mut cells = vec![(cell(top), (0.5, far)), (cell(-top), (far, 0.5))];
    // Between the two centres the loss is top - 2 t for an outcome t scales from P's centre.
    for i in cell(-top)..=cell(top) {
        let near = 0.5 * (top - ((i + 1) as f64 * step)).max(0.0);
        let off = (0.5 * (top - i as f64 * step)).min(top);
        if off > near {
            let mass = |t: f64| 0.5 * (-t).exp() * -(near - off).exp_m1();
            cells.push((i, (mass(near), mass(top - off))));
        }
    }
    let nothing = (0.0, 0.0);
    Pieces {
        step,
        cells,
        above: (cell(top) + 1, nothing),
        below: (cell(-top), nothing),
    }
}

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
    fn reach(&self, tail: f64) -> i64 {
        let ln = -tail.ln();
        let reach = match self {
            IntegerNoise::Laplace(scale) => ln * scale,
            IntegerNoise::Gaussian(sigma) => (2.0 * ln).sqrt() * sigma,
        };
        (reach.ceil() as i64).saturating_add(1)
    }

    fn pieces(&self, shift: i64, step: f64, tail: f64) -> Pieces {
        let reach = self.reach(tail);
        let weight = |k: i64| (-self.height(k)).exp();
        let total = 1.0 + 2.0 * (1..=2 * reach).rev().map(weight).sum::<f64>();
        let cell = |k: i64| (self.loss(k, shift) / step).floor() as i64;
        let cells = (-reach..=shift + reach)
            .map(|k| (cell(k), (weight(k) / total, weight(k - shift) / total)))
            .collect();
        // Outcomes left of -reach have the largest losses: P's own tail, and Q's far one.
        let beyond = |k: i64| (k..k + reach).map(weight).sum::<f64>() / total;
        let (near, far) = (beyond(reach + 1), beyond(reach + 1 + shift));
        Pieces {
            step,
            cells,
            above: (cell(-reach), (near, far)),
            below: (cell(shift + reach) + 1, (far, near)),
        }
    }
}
