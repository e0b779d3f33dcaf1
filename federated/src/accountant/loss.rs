//! A privacy loss distribution on a grid, and its composition by Fourier transform.

use super::fft::{self, Complex};
use super::pairs::{Masses, Pieces};

/// The distribution of the privacy loss under `P`, on the multiples of `step`, never more private
/// than the truth.
///
/// A cell's mass is moved to the cell's two ends in the one way that keeps its mass under both `P`
/// and `Q`. The tradeoff curve then agrees with the true one at every grid point and runs straight
/// between them: the dots are connected (Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022), and
/// the error falls with the square of the step.
pub(crate) struct LossDistribution {
    step: f64,
    /// The loss of `mass[0]` is `first * step`.
    first: i64,
    mass: Vec<f64>,
    infinite: f64,
}

impl LossDistribution {
    pub(crate) fn new(pieces: &Pieces) -> LossDistribution {
        let ends = pieces.cells.iter().map(|c| c.0).chain([pieces.below.0]);
        let first = ends.clone().min().unwrap_or(0);
        let last = ends.max().unwrap_or(0) + 1;
        let mut out = LossDistribution {
            step: pieces.step,
            first,
            mass: vec![0.0; (last - first + 1) as usize],
            infinite: pieces.above.1.0,
        };
        out.mass[(pieces.below.0 - first) as usize] += pieces.below.1.0;
        for &(cell, masses) in &pieces.cells {
            let upper = upper_share(cell as f64 * pieces.step, pieces.step, masses);
            let at = (cell - first) as usize;
            out.mass[at] += masses.0 - upper;
            out.mass[at + 1] += upper;
        }
        out
    }

    /// The variance of the finite losses.
    pub(crate) fn variance(&self) -> f64 {
        let loss = |i: usize| (self.first + i as i64) as f64 * self.step;
        let moment = |f: &dyn Fn(f64) -> f64| {
            (0..self.mass.len())
                .map(|i| self.mass[i] * f(loss(i)))
                .sum::<f64>()
        };
        let mean = moment(&|l| l);
        moment(&|l| (l - mean).powi(2))
    }

    /// `ln E e^{t loss}` over the finite losses, by Horner's rule from the end that matters less.
    fn ln_moment(&self, t: f64) -> f64 {
        let ratio = (-t.abs() * self.step).exp();
        let horner = |sum: f64, &p: &f64| sum * ratio + p;
        let (sum, end) = if t > 0.0 {
            (
                self.mass.iter().fold(0.0, horner),
                self.mass.len() as i64 - 1,
            )
        } else {
            (self.mass.iter().rev().fold(0.0, horner), 0)
        };
        sum.ln() + t * (self.first + end) as f64 * self.step
    }

    /// The least epsilon at which the hockey-stick divergence is at most `delta`; infinite if none
    /// is.
    pub(crate) fn epsilon(&self, delta: f64) -> f64 {
        // `heavy` is the mass above the loss `l` that the walk is at, `light` the same weighted by
        // e^{l - loss}: their difference is the divergence at epsilon = l.
        let (mut heavy, mut light) = (self.infinite, 0.0);
        if heavy > delta {
            return f64::INFINITY;
        }
        let shrink = (-self.step).exp();
        for i in (0..self.mass.len()).rev() {
            let loss = (self.first + i as i64) as f64 * self.step;
            light *= shrink;
            if heavy - light > delta {
                // Above this grid point no mass lies before the next: solve heavy - e^{epsilon -
                // loss} light = delta.
                return (loss + ((heavy - delta) / light).ln()).max(0.0);
            }
            if loss <= 0.0 {
                break;
            }
            heavy += self.mass[i];
            light += self.mass[i];
        }
        0.0
    }
}

/// The part of a cell's mass that moves to its upper end: the rest goes to the lower end, and both
/// `P` and `Q` keep their mass.
fn upper_share(low: f64, step: f64, (p, q): Masses) -> f64 {
    let at_low = (low + q.ln()).exp(); // what P would have if all of Q's mass lay at the lower end
    ((p - at_low) / -(-step).exp_m1()).clamp(0.0, p)
}

/// Where the sum of the losses lies but for a chance of `tail` on either side, by Chernoff's bound.
pub(crate) fn window(parts: &[(LossDistribution, u64)], tail: f64) -> (f64, f64) {
    let ln_moment = |t: f64| {
        parts
            .iter()
            .map(|(d, n)| *n as f64 * d.ln_moment(t))
            .sum::<f64>()
    };
    let deviation = parts
        .iter()
        .map(|(d, n)| *n as f64 * d.variance())
        .sum::<f64>()
        .sqrt();
    // The best exponent for a normal sum, and a ladder around it for all others.
    let guess = (-2.0 * tail.ln()).sqrt() / deviation.max(1e-12);
    let ladder = (-20..=20).map(|k| guess * 2f64.powf(f64::from(k) / 2.0));
    let high = ladder
        .clone()
        .map(|t| (ln_moment(t) - tail.ln()) / t)
        .fold(f64::INFINITY, f64::min);
    let low = ladder
        .map(|t| -(ln_moment(-t) - tail.ln()) / t)
        .fold(f64::NEG_INFINITY, f64::max);
    let largest = |(d, n): &(LossDistribution, u64)| {
        *n as f64 * (d.first + d.mass.len() as i64) as f64 * d.step
    };
    let least = |(d, n): &(LossDistribution, u64)| *n as f64 * d.first as f64 * d.step;
    (
        low.max(parts.iter().map(least).sum()),
        high.min(parts.iter().map(largest).sum()),
    )
}

/// The distribution of the sum of independent losses, each distribution taken as often as its count
/// says. All share one step.
///
/// The transform is circular over a window that holds all but `tail` of the sum. What lies below it
/// comes round at the top, where it only makes matters worse; what lies above it is at most `tail`,
/// and is counted as infinite.
pub(crate) fn compose(parts: &[(LossDistribution, u64)], tail: f64) -> LossDistribution {
    let step = parts[0].0.step;
    let (low, high) = window(parts, tail);
    let first = (low / step).floor() as i64;
    let size = ((high / step).ceil() as i64 - first + 1).max(1) as usize;
    let size = size.next_power_of_two();
    let mut product = vec![Complex::ONE; size];
    for (distribution, count) in parts {
        let spectrum = distribution.spectrum(size);
        for (total, &factor) in product.iter_mut().zip(&spectrum) {
            *total = total.times(factor.power(*count));
        }
    }
    fft::inverse(&mut product);
    let wrapped = |k: usize| product[(first + k as i64).rem_euclid(size as i64) as usize].re;
    let survive: f64 = parts
        .iter()
        .map(|(d, n)| *n as f64 * (-d.infinite).ln_1p())
        .sum();
    LossDistribution {
        step,
        first,
        // Rounding leaves noise around zero; cutting its negative half errs to the safe side.
        mass: (0..size).map(|k| wrapped(k).max(0.0)).collect(),
        infinite: -survive.exp_m1() + tail,
    }
}

impl LossDistribution {
    fn spectrum(&self, size: usize) -> Vec<Complex> {
        let mut x = vec![Complex { re: 0.0, im: 0.0 }; size];
        for (i, &p) in self.mass.iter().enumerate() {
            x[(self.first + i as i64).rem_euclid(size as i64) as usize].re += p;
        }
        fft::forward(&mut x);
        x
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mechanism;
    use super::super::pairs::Pair;
    use super::*;
    use proptest::prelude::*;

    fn mechanisms() -> impl Strategy<Value = Mechanism> {
        let (q, sigma) = (1e-3..1.0f64, 0.4..5.0f64);
        prop_oneof![
            (q.clone(), sigma.clone())
                .prop_map(|(q, sigma)| Mechanism::SampledGaussian { q, sigma }),
            sigma
                .clone()
                .prop_map(|sigma| Mechanism::SampledGaussian { q: 1.0, sigma }),
            (q, sigma.clone()).prop_map(|(q, sigma)| Mechanism::TruncatedGaussian {
                q,
                sigma,
                rows: 100,
                cap: 20
            }),
            (sigma.clone(), 0.5..3.0f64)
                .prop_map(|(scale, sensitivity)| Mechanism::Laplace { scale, sensitivity }),
            (sigma.clone(), 1u32..4)
                .prop_map(|(scale, sensitivity)| Mechanism::DiscreteLaplace { scale, sensitivity }),
            (sigma, 1u32..4).prop_map(|(sigma, sensitivity)| Mechanism::DiscreteGaussian {
                sigma,
                sensitivity
            }),
        ]
    }

    proptest! {
        #[test]
        fn no_mass_is_lost_and_every_loss_is_in_its_cell(mechanism in mechanisms(), step in 1e-3..0.3f64) {
            let pieces = Pair::of(&mechanism).unwrap().pieces(step, 1e-12);
            let tails = [pieces.above.1, pieces.below.1];
            let all = || pieces.cells.iter().map(|c| c.1).chain(tails);
            prop_assert!((all().map(|m| m.0).sum::<f64>() - 1.0).abs() < 1e-11);
            prop_assert!((all().map(|m| m.1).sum::<f64>() - 1.0).abs() < 1e-11);
            for &(cell, (p, q)) in &pieces.cells {
                if p > 1e-9 && q > 1e-9 {
                    let loss = (p / q).ln() / step - cell as f64;
                    prop_assert!((-1e-4..=1.0 + 1e-4).contains(&loss), "cell {cell} of {step}: {loss}");
                }
            }
        }

        #[test]
        fn a_distribution_keeps_the_masses_of_both_sides(mechanism in mechanisms(), step in 1e-3..0.3f64) {
            for reverse in [false, true] {
                let pieces = Pair::of(&mechanism).unwrap().pieces(step, 1e-12);
                let pieces = if reverse { pieces.reversed() } else { pieces };
                let d = LossDistribution::new(&pieces);
                let p: f64 = d.mass.iter().sum::<f64>() + d.infinite;
                prop_assert!((p - 1.0).abs() < 1e-11, "P sums to {p}");
                // E e^{-loss} is the mass of Q where P has any.
                let q = d.ln_moment(-1.0).exp();
                prop_assert!(q <= 1.0 + 1e-9 && q > 1.0 - 1e-6, "Q sums to {q}");
            }
        }

        #[test]
        fn composing_agrees_with_adding_losses_one_by_one(mechanism in mechanisms()) {
            let d = || LossDistribution::new(&Pair::of(&mechanism).unwrap().pieces(0.05, 1e-12));
            let sum = compose(&[(d(), 2)], 1e-12);
            let one = d();
            let mut direct = vec![0.0; 2 * one.mass.len() - 1];
            for (i, a) in one.mass.iter().enumerate() {
                one.mass.iter().enumerate().for_each(|(j, b)| direct[i + j] += a * b);
            }
            for (k, want) in direct.iter().enumerate() {
                let at = 2 * one.first + k as i64 - sum.first;
                let got = usize::try_from(at).ok().and_then(|at| sum.mass.get(at)).copied().unwrap_or(0.0);
                prop_assert!((got - want).abs() < 3e-12, "{got} {want}");
            }
        }
    }
}
