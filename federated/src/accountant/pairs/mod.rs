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
mod pieces;

use super::Mechanism;
use super::mechanism::tree_depth;
use super::special::binomial_above;
use integers::{IntegerNoise, Integers};
use laplace::Laplace;
use normals::Normals;
pub(crate) use pieces::{Masses, Pieces};

use lepton_tensor::{Error, Result};

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
