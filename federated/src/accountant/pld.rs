//! Accounting by privacy loss distributions: tight, and always on the safe side.

use super::pairs::Pair;
use super::{Accountant, Mechanism, Step, check_delta, closed, grid};
use lepton_tensor::{Error, Result};

/// Cells of the finest grid: a tenth of a second's work.
const CELLS: f64 = (1u64 << 18) as f64;
/// Cells of a grid for a first look.
const FEW_CELLS: f64 = (1u64 << 13) as f64;

/// An accountant that composes privacy loss distributions (Koskela, Jalko, Honkela 2020; Doroshenko
/// et al. 2022).
///
/// Losses are rounded up, tails counted as infinite, sums taken by Fourier transform, with an
/// allowance for the rounding of `f64`. The grid is chosen from the loss's own spread, so that the
/// result lies within about 1e-4 of the exact epsilon. Where no grid can carry the answer (a `delta`
/// near the rounding, counts beyond about a billion) it is the least of the bounds that need none:
/// [`RdpAccountant`](super::RdpAccountant)'s, and the sum of bounded losses. Plain Gaussians, and
/// single releases of continuous noise, have their exact value.
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

    /// Epsilon by the best of closed forms, a grid of at most `cells` cells, and bounds.
    fn within(&self, delta: f64, cells: f64) -> Result<f64> {
        check_delta(delta)?;
        let reads = |s: &&Step| s.mechanism.rate() > 0.0;
        let steps: Vec<Step> = self.steps.iter().filter(reads).cloned().collect();
        if let Some(exact) = closed::exact(&steps, delta) {
            return Ok(exact);
        }
        // A grid that says less than a part of the run costs has gone wrong and is not believed.
        let floor = closed::floor(&steps, delta);
        let answer = grid::epsilon(&pairs(&steps)?, delta, self.grid, cells)
            .filter(|a| a.epsilon >= floor * (1.0 - 1e-9));
        Ok(match answer {
            Some(answer) if answer.fine => answer.epsilon,
            answer => {
                let coarse = answer.map_or(f64::INFINITY, |a| a.epsilon);
                coarse.min(closed::bound(&steps, delta))
            }
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
        self.within(delta, CELLS)
    }

    fn quick_epsilon(&self, delta: f64) -> Result<f64> {
        self.within(delta, FEW_CELLS)
    }
}

/// The pairs of the steps; all plain Gaussians are one.
fn pairs(steps: &[Step]) -> Result<Vec<(Pair, u64)>> {
    let mut pairs = Vec::new();
    let distance = closed::plain_distance(steps);
    if distance > 0.0 {
        pairs.push((Pair::gaussian(1.0, 1.0 / distance), 1));
    }
    for step in closed::others(steps) {
        pairs.push((Pair::of(&step.mechanism)?, step.count));
    }
    Ok(pairs)
}
