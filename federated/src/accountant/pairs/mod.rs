//! Each mechanism as the pair of distributions that dominates it, cut where the privacy loss
//! crosses a grid.
//!
//! A mechanism is as private as a pair `(P, Q)` on the line makes it, `P` with the row and `Q`
//! without, and only the privacy loss `ln P(x) / Q(x)` of each outcome matters (Zhu, Dong, Wang
//! 2022). So outcomes whose losses share a cell of the grid are kept as one piece: its mass under
//! `P` and under `Q`. The other direction of the pair, `(Q, P)`, is the same list read backwards.

mod integers;
mod laplace;
mod normals;

use super::Mechanism;
use super::mechanism::tree_depth;
use super::special::binomial_above;
use integers::{IntegerNoise, Integers};
use laplace::Laplace;
use normals::Normals;

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

/// The most integers that are counted one by one.
pub(crate) const MOST_ATOMS: i64 = 4_000_000;

/// A pair that can be cut at any loss.
pub(crate) enum Pair {
    /// See [`Normals`].
    Normals(Normals),
    /// See [`Laplace`].
    Laplace(Laplace),
    /// See [`Integers`].
    Integers(Integers),
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
        let q = mechanism.rate();
        let integers = |noise: IntegerNoise, shift: u32| {
            if noise.reach(1e-30).saturating_add(shift.into()) > MOST_ATOMS {
                return Err(Error::unsupported(format!(
                    "PldAccountant: {mechanism:?} spreads over more than four million integers; \
                     account for it as its continuous twin with the same ratio of noise to sensitivity"
                )));
            }
            let shift = shift.into();
            Ok(Pair::Integers(Integers { noise, shift, q }))
        };
        Ok(match *mechanism {
            Mechanism::SampledGaussian { q, sigma } => Pair::gaussian(q, sigma),
            // A row moves `depth` nodes by one each, a vector of length sqrt(depth).
            Mechanism::TreeGaussian { sigma, leaves } => {
                Pair::gaussian(1.0, sigma / f64::from(tree_depth(leaves)).sqrt())
            }
            Mechanism::TruncatedGaussian {
                q,
                sigma,
                rows,
                cap,
            } => truncated(q, sigma, rows, cap)?,
            Mechanism::Laplace { scale, sensitivity }
            | Mechanism::SampledLaplace {
                scale, sensitivity, ..
            } => Pair::Laplace(Laplace {
                q,
                top: sensitivity / scale,
            }),
            Mechanism::DiscreteLaplace { scale, sensitivity }
            | Mechanism::SampledDiscreteLaplace {
                scale, sensitivity, ..
            } => integers(IntegerNoise::Laplace(scale), sensitivity)?,
            Mechanism::DiscreteGaussian { sigma, sensitivity }
            | Mechanism::SampledDiscreteGaussian {
                sigma, sensitivity, ..
            } => integers(IntegerNoise::Gaussian(sigma), sensitivity)?,
            Mechanism::FixedSizeGaussian { .. } => {
                return Err(Error::unsupported(
                    "PldAccountant: no dominating pair of sampling without replacement is known; use RdpAccountant",
                ));
            }
        })
    }

    /// The Gaussian on a Poisson sample; on all rows for a rate of 1.
    pub(crate) fn gaussian(q: f64, sigma: f64) -> Pair {
        Pair::Normals(Normals {
            q,
            sigma,
            replace: false,
        })
    }

    /// The largest outcome, for noise that is counted one outcome at a time.
    pub(crate) fn atoms(&self, tail: f64) -> i64 {
        match self {
            Pair::Integers(i) => i.noise.reach(tail).saturating_add(i.shift),
            _ => 0,
        }
    }

    /// The losses between which all but a `tail` of the mass lies.
    pub(crate) fn range(&self, tail: f64) -> (f64, f64) {
        match self {
            Pair::Normals(n) => n.range(tail),
            Pair::Laplace(l) => l.range(),
            Pair::Integers(i) => i.range(tail),
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
            Pair::Laplace(l) => l.pieces(step),
            Pair::Integers(i) => i.pieces(step, tail),
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
fn truncated(q: f64, sigma: f64, rows: u64, cap: u64) -> Result<Pair> {
    if rows > 100_000_000 {
        return Err(Error::unsupported(format!(
            "PldAccountant: the chance that a batch of {rows} rows is cut is not summed beyond a hundred million rows; \
             use SampledGaussian with batches that are not cut"
        )));
    }
    let first = Normals {
        q,
        sigma,
        replace: false,
    };
    let full = binomial_above(rows - 1, q, cap.saturating_sub(1));
    if full == 0.0 {
        return Ok(Pair::Normals(first));
    }
    let overfull = binomial_above(rows, q, cap);
    let chance = (overfull * cap as f64 / rows as f64 / full).clamp(f64::MIN_POSITIVE, 1.0);
    Ok(Pair::Mixed {
        first,
        second: Normals {
            q: chance,
            sigma: 0.5 * sigma,
            replace: true,
        },
        weight: full,
    })
}
