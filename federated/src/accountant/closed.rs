//! What is known without a grid: exact values for some runs, and bounds from above and below for
//! all.

use super::mechanism::tree_depth;
use super::special::ln_mixture;
use super::{Mechanism, Step, gaussian, rdp};

/// The epsilon of these steps where it has a closed form: any number of plain Gaussians, or a
/// single release of continuous noise.
pub(crate) fn exact(steps: &[Step], delta: f64) -> Option<f64> {
    if steps.is_empty() {
        return Some(0.0);
    }
    if steps.iter().all(|s| plain(s).is_some()) {
        return Some(gaussian::epsilon(plain_distance(steps), delta));
    }
    match steps {
        [
            Step {
                mechanism,
                count: 1,
            },
        ] => one_release(mechanism, delta),
        _ => None,
    }
}

/// An epsilon that no analysis of these steps can lie below: that of a part of them.
pub(crate) fn floor(steps: &[Step], delta: f64) -> f64 {
    let alone = steps
        .iter()
        .filter_map(|s| one_release(&s.mechanism, delta));
    alone.fold(gaussian::epsilon(plain_distance(steps), delta), f64::max)
}

/// The least of the bounds that need no grid.
pub(crate) fn bound(steps: &[Step], delta: f64) -> f64 {
    // Losses that are bounded add up, and leave all of delta to the Gaussians.
    let (mut bounded, mut distance) = (0.0, 0.0f64);
    for step in steps {
        match normal_distance(&step.mechanism) {
            Some(one) => distance = distance.hypot((step.count as f64).sqrt() * one),
            None => bounded += step.count as f64 * largest_loss(&step.mechanism),
        }
    }
    let by_parts = bounded + gaussian::epsilon(distance, delta);
    let by_orders = rdp::epsilon(steps, delta);
    // The least of two, where neither may be taken for a number that it is not.
    [by_parts, by_orders]
        .into_iter()
        .filter(|e| !e.is_nan())
        .fold(f64::INFINITY, f64::min)
}

/// How many deviations the plain Gaussians among the steps are apart, taken together.
pub(crate) fn plain_distance(steps: &[Step]) -> f64 {
    steps.iter().filter_map(plain).fold(0.0, f64::hypot)
}

/// The steps that are no plain Gaussians.
pub(crate) fn others(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|s| plain(s).is_none())
}

/// The distance of a step that is a Gaussian and nothing else.
fn plain(step: &Step) -> Option<f64> {
    let one = match step.mechanism {
        Mechanism::SampledGaussian { q: 1.0, .. } | Mechanism::TreeGaussian { .. } => {
            normal_distance(&step.mechanism)?
        }
        _ => return None,
    };
    Some((step.count as f64).sqrt() * one)
}

/// The distance of two Gaussians that dominate the mechanism, sampled or not.
fn normal_distance(mechanism: &Mechanism) -> Option<f64> {
    match *mechanism {
        Mechanism::SampledGaussian { sigma, .. } | Mechanism::FixedSizeGaussian { sigma, .. } => {
            Some(1.0 / sigma)
        }
        // A row moves `depth` nodes by one each.
        Mechanism::TreeGaussian { sigma, leaves } => {
            Some(f64::from(tree_depth(leaves)).sqrt() / sigma)
        }
        Mechanism::TruncatedGaussian { sigma, .. } => Some(4.0 / sigma),
        _ => None,
    }
}

/// The largest loss of a mechanism whose losses are bounded; infinite for others.
fn largest_loss(mechanism: &Mechanism) -> f64 {
    let own = match *mechanism {
        Mechanism::Laplace { scale, sensitivity }
        | Mechanism::SampledLaplace {
            scale, sensitivity, ..
        } => sensitivity / scale,
        Mechanism::DiscreteLaplace { scale, sensitivity }
        | Mechanism::SampledDiscreteLaplace {
            scale, sensitivity, ..
        } => f64::from(sensitivity) / scale,
        _ => return f64::INFINITY,
    };
    ln_mixture(mechanism.rate(), own)
}

/// The epsilon of one release of continuous noise. A Poisson sample divides delta by its rate and
/// mixes the loss (Balle, Barthe, Gaboardi 2018), exactly so for the direction that adds the row,
/// which is the worse one for every epsilon above 0 (Zhu, Dong, Wang 2022).
fn one_release(mechanism: &Mechanism, delta: f64) -> Option<f64> {
    let q = mechanism.rate();
    if delta >= q {
        return Some(0.0);
    }
    let own = match *mechanism {
        Mechanism::SampledGaussian { sigma, .. } => gaussian::epsilon(1.0 / sigma, delta / q),
        Mechanism::Laplace { scale, sensitivity }
        | Mechanism::SampledLaplace {
            scale, sensitivity, ..
        } => {
            // The divergence falls as 1 - e^{(epsilon - top) / 2}.
            let epsilon = sensitivity / scale + 2.0 * (-delta / q).ln_1p();
            if epsilon < 0.0 { 0.0 } else { epsilon }
        }
        _ => return None,
    };
    Some(ln_mixture(q, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(mechanism: Mechanism, count: u64) -> Step {
        Step { mechanism, count }
    }

    #[test]
    fn single_releases_have_their_values() {
        let laplace = |q| Mechanism::SampledLaplace {
            q,
            scale: 0.5,
            sensitivity: 1.0,
        };
        let got = exact(&[step(laplace(0.01), 1)], 1e-5).unwrap();
        assert!((got - 0.0618).abs() < 2e-4, "{got}");
        assert_eq!(exact(&[step(laplace(1e-6), 1)], 1e-5), Some(0.0));
        assert_eq!(exact(&[step(laplace(0.5), 2)], 1e-5), None);
    }

    #[test]
    fn the_floor_is_below_the_bound() {
        let steps = [
            step(
                Mechanism::SampledGaussian {
                    q: 1.0,
                    sigma: 100.0,
                },
                10,
            ),
            step(
                Mechanism::SampledGaussian {
                    q: 1.0,
                    sigma: 0.02,
                },
                1,
            ),
            step(
                Mechanism::SampledGaussian {
                    q: 0.01,
                    sigma: 1.0,
                },
                100,
            ),
            step(
                Mechanism::Laplace {
                    scale: 1.0,
                    sensitivity: 1.0,
                },
                2,
            ),
        ];
        let (floor, bound) = (floor(&steps, 1e-5), bound(&steps, 1e-5));
        assert!(
            floor > 1462.0 && floor < bound && bound < 1.02 * floor,
            "{floor} {bound}"
        );
    }
}
