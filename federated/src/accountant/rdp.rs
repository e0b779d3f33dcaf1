//! Accounting by Renyi differential privacy: divergences add up, then one conversion to `(epsilon,
//! delta)`.

use std::cell::Cell;

use super::{Accountant, Mechanism, Step, check_delta, order};
use lepton_tensor::{Error, Result};

/// An accountant that adds Renyi divergences (Mironov 2017). Always a bound, fast, and a few per
/// cent looser than [`PldAccountant`](super::PldAccountant).
///
/// ```
/// use lepton_federated::accountant::{Accountant, RdpAccountant};
/// let mut spent = RdpAccountant::new();
/// spent.step(0.01, 1.0, 10_000)?; // 10,000 steps of DP-SGD, 1 % of the rows in each, noise equal to the clipping norm
/// assert!((spent.epsilon(1e-5)? - 6.713).abs() < 1e-3);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RdpAccountant {
    steps: Vec<Step>,
}

impl RdpAccountant {
    /// An accountant that has seen nothing.
    pub fn new() -> RdpAccountant {
        RdpAccountant::default()
    }

    /// What was added, equal releases counted together.
    pub(crate) fn releases(&self) -> impl Iterator<Item = (Mechanism, u64)> {
        self.steps.iter().map(|s| (s.mechanism, s.count))
    }

    /// The Renyi divergence of all steps together at `order`.
    ///
    /// # Errors
    /// If the order is not a finite number above 1.
    pub fn rdp(&self, order: f64) -> Result<f64> {
        if !(order > 1.0 && order.is_finite()) {
            return Err(Error::value(format!(
                "renyi divergence: the order is {order}, must be a finite number above 1"
            )));
        }
        let one = |s: &Step| s.count as f64 * divergence(&s.mechanism, order);
        Ok(self.steps.iter().map(one).sum())
    }
}

impl Accountant for RdpAccountant {
    fn add(&mut self, mechanism: Mechanism, n: u64) -> Result<()> {
        if let Mechanism::TruncatedGaussian { .. } = mechanism {
            return Err(Error::unsupported(
                "RdpAccountant: no Renyi analysis of truncated Poisson batches; use PldAccountant",
            ));
        }
        super::push(&mut self.steps, mechanism, n)
    }

    fn epsilon(&self, delta: f64) -> Result<f64> {
        check_delta(delta)?;
        if self.steps.is_empty() {
            return Ok(0.0);
        }
        Ok(epsilon(&self.steps, delta))
    }
}

/// The divergence of one release at `order`, or a bound on it.
pub(crate) fn divergence(mechanism: &Mechanism, order: f64) -> f64 {
    match *mechanism {
        Mechanism::SampledGaussian { q, sigma } => order::sampled_gaussian(q, sigma, order),
        Mechanism::FixedSizeGaussian { q, sigma } => order::fixed_size_gaussian(q, sigma, order),
        Mechanism::TreeGaussian { sigma, leaves } => {
            f64::from(super::mechanism::tree_depth(leaves)) * order::gaussian(sigma, order)
        }
        Mechanism::Laplace { scale, sensitivity } => order::laplace(sensitivity / scale, order),
        Mechanism::SampledLaplace {
            q,
            scale,
            sensitivity,
        } => order::sampled_laplace(q, sensitivity / scale, order),
        Mechanism::DiscreteLaplace { scale, sensitivity } => {
            order::bounded_loss(f64::from(sensitivity) / scale, order)
        }
        Mechanism::SampledDiscreteLaplace {
            q,
            scale,
            sensitivity,
        } => order::sampled_bounded_loss(q, f64::from(sensitivity) / scale, order),
        // Proposition 5 of Canonne, Kamath, Steinke 2020: never above the continuous Gaussian.
        Mechanism::DiscreteGaussian { sigma, sensitivity } => {
            order::gaussian(sigma / f64::from(sensitivity), order)
        }
        Mechanism::SampledDiscreteGaussian {
            q,
            sigma,
            sensitivity,
        } => order::sampled_discrete_gaussian(q, sigma / f64::from(sensitivity), order),
        // With or without the cut two sums differ by two contributions at most, and the pair that
        // dominates takes each of them twice (see `pairs`).
        Mechanism::TruncatedGaussian { q, sigma, .. } => {
            if q == 0.0 {
                0.0
            } else {
                order::gaussian(0.25 * sigma, order)
            }
        }
    }
}

/// The least epsilon at `delta` of these steps over all orders.
pub(crate) fn epsilon(steps: &[Step], delta: f64) -> f64 {
    let total = |order: f64| -> f64 {
        let one = |s: &Step| s.count as f64 * divergence(&s.mechanism, order);
        steps.iter().map(one).sum()
    };
    least_epsilon(delta, total)
}

/// The least epsilon over all orders, by golden-section search.
///
/// `(order - 1) epsilon(order)` is convex in the order, since the log-moment is; divided by `order
/// - 1` it has a single valley, so the search needs no grid and no luck.
fn least_epsilon(delta: f64, rdp: impl Fn(f64) -> f64) -> f64 {
    // Every order gives a bound: the least that was met is the answer.
    let best = Cell::new(f64::INFINITY);
    let at = |ln_gap: f64| {
        let epsilon = epsilon_at(1.0 + ln_gap.exp(), delta, &rdp);
        best.set(best.get().min(epsilon));
        epsilon
    };
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let (mut low, mut high) = (1e-6f64.ln(), 1e12f64.ln()); // of order - 1
    if at(low) <= 0.0 {
        return 0.0;
    }
    let (mut x1, mut x2) = (high - golden * (high - low), low + golden * (high - low));
    let (mut f1, mut f2) = (at(x1), at(x2));
    while high - low > 1e-4 {
        if f1 <= f2 {
            (high, x2, f2) = (x2, x1, f1);
            x1 = high - golden * (high - low);
            f1 = at(x1);
        } else {
            (low, x1, f1) = (x1, x2, f2);
            x2 = low + golden * (high - low);
            f2 = at(x2);
        }
    }
    best.get()
}

/// Epsilon from the divergence at one order: proposition 12 of Canonne, Kamath, Steinke 2020.
fn epsilon_at(order: f64, delta: f64, rdp: impl Fn(f64) -> f64) -> f64 {
    let rdp = rdp(order);
    if rdp.is_nan() {
        return f64::INFINITY; // no bound, and not the small one that a comparison would let pass
    }
    // The divergence alone bounds the total variation (Bretagnolle, Huber 1979): a large delta
    // costs nothing.
    if delta * delta + (-rdp).exp_m1() > 0.0 {
        return 0.0;
    }
    let epsilon = rdp + (-1.0 / order).ln_1p() - (delta.ln() + order.ln()) / (order - 1.0);
    if epsilon < 0.0 { 0.0 } else { epsilon }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_the_valley_of_the_plain_gaussian() {
        let rdp = |a: f64| a / 2.0;
        let best = least_epsilon(1e-5, rdp);
        let grid = (1..100_000).map(|i| epsilon_at(1.0 + f64::from(i) * 1e-3, 1e-5, rdp));
        assert!(best <= grid.fold(f64::INFINITY, f64::min) + 1e-12);
        assert!(best < 4.728_507 && best > 4.727, "{best}");
    }

    #[test]
    fn an_order_of_one_is_refused() {
        let error = RdpAccountant::new().rdp(1.0).unwrap_err();
        assert!(error.to_string().contains("above 1"));
    }
}
