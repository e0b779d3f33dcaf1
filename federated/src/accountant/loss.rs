//! A privacy loss distribution on a grid.

use super::pairs::{Masses, Pieces};

/// The distribution of the privacy loss under `P`, on the multiples of `step`, never more private
/// than the truth.
///
/// A cell's mass is moved to the cell's two ends in the one way that keeps its mass under both `P`
/// and `Q`. The tradeoff curve then agrees with the true one at every grid point and runs straight
/// between them: the dots are connected (Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022), and
/// the error falls with the square of the step.
pub(crate) struct LossDistribution {
    pub(crate) step: f64,
    /// The loss of `mass[0]` is `first * step`.
    pub(crate) first: i64,
    pub(crate) mass: Vec<f64>,
    pub(crate) infinite: f64,
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

    fn loss(&self, i: usize) -> f64 {
        (self.first + i as i64) as f64 * self.step
    }

    /// How far the masses are from summing to one.
    pub(crate) fn lost(&self) -> f64 {
        (1.0 - self.infinite - self.mass.iter().sum::<f64>()).abs()
    }

    /// The variance of the finite losses.
    pub(crate) fn variance(&self) -> f64 {
        let moment = |f: &dyn Fn(f64) -> f64| {
            (0..self.mass.len())
                .map(|i| self.mass[i] * f(self.loss(i)))
                .sum::<f64>()
        };
        let mean = moment(&|l| l);
        moment(&|l| (l - mean).powi(2))
    }

    /// `ln E e^{t loss}` over the finite losses, by Horner's rule from the end that matters less.
    ///
    /// The last mass that is not zero carries no factor, so that the sum cannot vanish, however
    /// steep `t` is and however wide the gaps are.
    pub(crate) fn ln_moment(&self, t: f64) -> f64 {
        let steep = t.abs() * self.step;
        let ratio = (-steep).exp();
        let (mut sum, mut end) = (0.0, 0);
        let mut add = |(i, &p): (usize, &f64)| {
            if p > 0.0 {
                let gap = i.abs_diff(end);
                sum *= if gap == 1 {
                    ratio
                } else {
                    (-steep * gap as f64).exp()
                };
                (sum, end) = (sum + p, i);
            }
        };
        let masses = self.mass.iter().enumerate();
        if t > 0.0 {
            masses.for_each(&mut add);
        } else {
            masses.rev().for_each(&mut add);
        }
        sum.ln() + t * self.loss(end)
    }

    /// The least epsilon at which the hockey-stick divergence is at most `delta`; infinite if none
    /// is.
    pub(crate) fn epsilon(&self, delta: f64) -> f64 {
        if self.infinite.is_nan() || self.infinite > delta {
            return f64::INFINITY;
        }
        // Where the walk stands: the divergence, and the finite mass above, each weighted by e to
        // the way from its loss down to here. Both only ever grow by what is positive: no
        // cancellation.
        let (mut divergence, mut light) = (self.infinite, 0.0);
        for i in (0..self.mass.len()).rev() {
            let loss = self.loss(i);
            if loss <= 0.0 {
                break;
            }
            light += self.mass[i];
            // Down to the next point, or to zero: below the first point no mass lies in between.
            let way = if i == 0 { loss } else { self.step.min(loss) };
            let next = divergence - light * (-way).exp_m1();
            if next.is_nan() {
                return f64::INFINITY;
            }
            if next > delta {
                // divergence + light (1 - e^{epsilon - loss}) = delta
                let down = (-(delta - divergence) / light).ln_1p();
                return loss + down.clamp(-way, 0.0);
            }
            (divergence, light) = (next, light * (-way).exp());
        }
        0.0
    }
}

/// The part of a cell's mass that moves to its upper end: the rest goes to the lower end, and both
/// `P` and `Q` keep their mass.
fn upper_share(low: f64, step: f64, (p, q): Masses) -> f64 {
    let at_low = (low + q.ln()).exp(); // what P would have if all of Q's mass lay at the lower end
    let share = (p - at_low) / -(-step).exp_m1();
    // A share that is not a number goes up as a whole.
    if share < p { share.max(0.0) } else { p }
}

/// Any mechanism that has a dominating pair, for tests here and of the composition.
#[cfg(test)]
pub(super) fn mechanisms() -> impl proptest::strategy::Strategy<Value = super::Mechanism> {
    use super::Mechanism;
    use proptest::prelude::*;

    let (q, sigma) = (1e-3..1.0f64, 0.4..5.0f64);
    prop_oneof![
        (q.clone(), sigma.clone()).prop_map(|(q, sigma)| Mechanism::SampledGaussian { q, sigma }),
        sigma
            .clone()
            .prop_map(|sigma| Mechanism::SampledGaussian { q: 1.0, sigma }),
        (q.clone(), sigma.clone()).prop_map(|(q, sigma)| Mechanism::TruncatedGaussian {
            q,
            sigma,
            rows: 100,
            cap: 20
        }),
        (sigma.clone(), 0.5..3.0f64)
            .prop_map(|(scale, sensitivity)| Mechanism::Laplace { scale, sensitivity }),
        (sigma.clone(), 1u32..4)
            .prop_map(|(scale, sensitivity)| Mechanism::DiscreteLaplace { scale, sensitivity }),
        (sigma.clone(), 1u32..4)
            .prop_map(|(sigma, sensitivity)| Mechanism::DiscreteGaussian { sigma, sensitivity }),
        (q.clone(), sigma.clone(), 0.5..3.0f64).prop_map(|(q, scale, sensitivity)| {
            Mechanism::SampledLaplace {
                q,
                scale,
                sensitivity,
            }
        }),
        (q.clone(), sigma.clone(), 1u32..4).prop_map(|(q, scale, sensitivity)| {
            Mechanism::SampledDiscreteLaplace {
                q,
                scale,
                sensitivity,
            }
        }),
        (q, sigma, 1u32..4).prop_map(|(q, sigma, sensitivity)| {
            Mechanism::SampledDiscreteGaussian {
                q,
                sigma,
                sensitivity,
            }
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Pair;
    use super::*;
    use proptest::prelude::*;

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
    }
}
