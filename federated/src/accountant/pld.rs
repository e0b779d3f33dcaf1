//! Accounting by privacy loss distributions: tight, and always on the safe side.

use super::loss::{LossDistribution, compose, window};
use super::pairs::Pair;
use super::{Accountant, Mechanism, Step, check_delta};
use lepton_tensor::{Error, Result};

/// An accountant that composes privacy loss distributions (Koskela, Jalko, Honkela 2020; Doroshenko
/// et al. 2022).
///
/// Losses are rounded up, tails counted as infinite, sums taken by Fourier transform; only the
/// rounding of `f64` itself is not bounded, which matters for a `delta` below about 1e-12. The grid
/// is chosen from the loss's own spread, so that the result lies within about 1e-4 of the exact
/// epsilon.
///
/// ```
/// use lepton_federated::accountant::{Accountant, PldAccountant};
/// let mut spent = PldAccountant::new();
/// spent.step(1.0, 1.0, 1)?; // one plain Gaussian release, where the exact value is known
/// let epsilon = spent.epsilon(1e-5)?;
/// assert!(epsilon >= 4.377178095 && epsilon < 4.3773);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PldAccountant {
    steps: Vec<Step>,
    grid: Option<f64>,
}

impl PldAccountant {
    /// An accountant that has seen nothing.
    pub fn new() -> PldAccountant {
        PldAccountant::default()
    }

    /// An accountant that rounds losses to multiples of `grid` instead of choosing a grid: coarser
    /// is faster, and overestimates more.
    ///
    /// # Errors
    /// If `grid` is not a finite number above 0.
    pub fn with_grid(grid: f64) -> Result<PldAccountant> {
        if !(grid > 0.0 && grid.is_finite()) {
            return Err(Error::value(format!(
                "PldAccountant: the grid is {grid}, must be a finite number above 0"
            )));
        }
        Ok(PldAccountant {
            steps: Vec::new(),
            grid: Some(grid),
        })
    }
}

impl Accountant for PldAccountant {
    fn add(&mut self, mechanism: Mechanism, n: u64) -> Result<()> {
        mechanism.check()?;
        Pair::of(&mechanism)?;
        super::push(&mut self.steps, mechanism, n)
    }

    fn epsilon(&self, delta: f64) -> Result<f64> {
        check_delta(delta)?;
        let mut pairs = Vec::new();
        for step in self.steps.iter().filter(|s| reads_rows(&s.mechanism)) {
            pairs.push((Pair::of(&step.mechanism)?, step.count));
        }
        if pairs.is_empty() {
            return Ok(0.0);
        }
        let total: f64 = pairs.iter().map(|p| p.1 as f64).sum();
        // All that is cut away together changes delta by at most its three millionth parts.
        let tail = 1e-6 * delta;
        let step = grid_step(&pairs, tail, tail / total, self.grid);
        let one_way = |reverse| {
            compose(&distributions(&pairs, step, tail / total, reverse), tail).epsilon(delta)
        };
        Ok(one_way(false).max(one_way(true)))
    }
}

fn reads_rows(mechanism: &Mechanism) -> bool {
    !matches!(*mechanism, Mechanism::SampledGaussian { q, .. } | Mechanism::TruncatedGaussian { q, .. } if q == 0.0)
}

fn distributions(
    pairs: &[(Pair, u64)],
    step: f64,
    tail: f64,
    reverse: bool,
) -> Vec<(LossDistribution, u64)> {
    let one = |(pair, count): &(Pair, u64)| {
        let pieces = pair.pieces(step, tail);
        (
            LossDistribution::new(&if reverse { pieces.reversed() } else { pieces }),
            *count,
        )
    };
    pairs.iter().map(one).collect()
}

/// A step fine enough for the losses and coarse enough for memory.
///
/// Moving mass to the ends of its cell adds at most `step^2 / 4` to the variance of each loss: a
/// fiftieth of the losses' own deviation keeps that addition below 1e-4 of the variance.
fn grid_step(pairs: &[(Pair, u64)], tail: f64, tail_each: f64, wanted: Option<f64>) -> f64 {
    const FINEST: f64 = (1u64 << 19) as f64; // cells of one step's distribution
    const LONGEST: f64 = (1u64 << 20) as f64; // cells of the sum
    let width = |pair: &Pair| {
        let (low, high) = pair.range(tail_each);
        high - low
    };
    let widest = pairs
        .iter()
        .map(|(pair, _)| width(pair))
        .fold(f64::MIN_POSITIVE, f64::max);
    let draft = distributions(pairs, widest / 4096.0, tail_each, false);
    let count: f64 = draft.iter().map(|(_, n)| *n as f64).sum();
    let variance: f64 = draft.iter().map(|(d, n)| *n as f64 * d.variance()).sum();
    let (low, high) = window(&draft, tail);
    let floor = (widest / FINEST).max((high - low) / LONGEST);
    wanted
        .unwrap_or_else(|| (0.02 * (variance / count).sqrt()).min(1e-3))
        .max(floor)
}
