//! How much privacy a training run has spent: `(epsilon, delta)` from noise, sampling rate and
//! steps.
//!
//! Two accountants with one interface. [`RdpAccountant`] adds Renyi divergences: always a bound,
//! microseconds to milliseconds. [`PldAccountant`] composes the privacy loss distribution itself on
//! a grid, every rounding to the pessimistic side: the same guarantee, usually 5 to 15 % less
//! epsilon for the same noise; where a closed form exists it takes that, and where no grid is fine
//! enough, Renyi's bound. What cannot be computed is infinite or refused, never small. There is deliberately no central-limit (Gaussian DP) estimate: it is
//! no bound and can lie below the true epsilon.
//!
//! ```
//! use lepton_federated::accountant::{Accountant, PldAccountant, noise_multiplier};
//! // How much noise keeps 100 steps over 10 % of the rows within epsilon 3 at delta 1e-5?
//! let sigma = noise_multiplier(3.0, 1e-5, 0.1, 100)?;
//! assert!((sigma - 1.796).abs() < 1e-3);
//! // The finer accounting says that this noise buys a little more.
//! let mut spent = PldAccountant::new();
//! spent.step(0.1, sigma, 100)?;
//! assert!(spent.epsilon(1e-5)? < 2.8);
//! # Ok::<(), lepton_tensor::Error>(())
//! ```

mod calibrate;
mod closed;
mod compose;
mod fft;
mod gaussian;
mod grid;
mod loss;
mod mechanism;
mod order;
mod pairs;
mod pld;
mod rdp;
mod special;

pub use calibrate::{noise_multiplier, noise_multiplier_after};
pub use mechanism::{Adjacency, Mechanism};
pub use pld::PldAccountant;
pub use rdp::RdpAccountant;

use lepton_tensor::{Error, Result};

/// Adds up what is released about the same rows, and says what it has cost.
pub trait Accountant {
    /// Adds `n` releases by `mechanism`, each of which may depend on all before it.
    ///
    /// # Errors
    /// If an argument is out of its range, if this accountant has no analysis of the mechanism, or
    /// if it protects other neighbours than the steps before.
    fn add(&mut self, mechanism: Mechanism, n: u64) -> Result<()>;

    /// The epsilon at `delta` of everything so far; infinite when there is no guarantee, or when
    /// none can be computed.
    ///
    /// # Errors
    /// If `delta` is not above 0 and below 1.
    fn epsilon(&self, delta: f64) -> Result<f64>;

    /// A bound like [`epsilon`](Accountant::epsilon), never below the truth but possibly far above
    /// it, in a millisecond or so: where a search begins.
    ///
    /// # Errors
    /// As [`epsilon`](Accountant::epsilon).
    fn quick_epsilon(&self, delta: f64) -> Result<f64> {
        self.epsilon(delta)
    }

    /// Adds `n` steps of DP-SGD with sampling rate `q` and noise multiplier `sigma`.
    ///
    /// # Errors
    /// As [`add`](Accountant::add).
    fn step(&mut self, q: f64, sigma: f64, n: u64) -> Result<()> {
        self.add(Mechanism::SampledGaussian { q, sigma }, n)
    }
}

/// `count` releases by one mechanism.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    mechanism: Mechanism,
    count: u64,
}

/// Appends checked steps; equal ones are counted together.
fn push(steps: &mut Vec<Step>, mechanism: Mechanism, count: u64) -> Result<()> {
    mechanism.check()?;
    if let Some(first) = steps.first()
        && first.mechanism.adjacency() != mechanism.adjacency()
    {
        return Err(Error::value(format!(
            "privacy accounting: steps that protect different neighbours ({:?}, then {:?}) do not add up; \
             use one accountant for each",
            first.mechanism.adjacency(),
            mechanism.adjacency()
        )));
    }
    match steps.iter_mut().find(|s| s.mechanism == mechanism) {
        Some(step) => {
            step.count = step.count.checked_add(count).ok_or_else(|| {
                Error::value(format!(
                    "privacy accounting: {} releases and {count} more are beyond counting; this run promises nothing",
                    step.count
                ))
            })?;
        }
        None if count > 0 => steps.push(Step { mechanism, count }),
        None => {}
    }
    Ok(())
}

fn check_delta(delta: f64) -> Result<()> {
    if delta > 0.0 && delta < 1.0 {
        return Ok(());
    }
    Err(Error::value(format!(
        "privacy accounting: delta is {delta}, must be above 0 and below 1; choose it well below 1 over the number of rows"
    )))
}
