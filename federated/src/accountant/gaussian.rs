//! The Gaussian mechanism in closed form (Balle and Wang 2018): what any number of plain Gaussian
//! releases cost together, without a grid.

use lepton_tensor::special::{erfc, erfcx};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The least epsilon at `delta` of a Gaussian against one `mu` deviations away; infinite where `mu`
/// or the epsilon is.
///
/// At `epsilon = mu w` the divergence is `phi(a) (m(a) - m(b))` with `a = w - mu / 2`, `b = w + mu /
/// 2` and Mills' ratio `m`: no exponential of epsilon, so nothing overflows.
pub(crate) fn epsilon(mu: f64, delta: f64) -> f64 {
    if mu == 0.0 {
        return 0.0;
    }
    let (target, far) = (delta.ln(), 0.5 * mu + 40.0); // P(N > 40) is below the least delta
    // Also for a `mu` that is not a number.
    if !(mu.is_finite() && (mu * far).is_finite()) {
        return f64::INFINITY;
    }
    if ln_delta(0.0, mu) <= target {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, far);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            // Above the rounding of the divergence, so that the answer stays a bound.
            return mu * high * (1.0 + 1e-12);
        }
        if ln_delta(middle, mu) <= target {
            high = middle;
        } else {
            low = middle;
        }
    }
}

/// The logarithm of the divergence at `epsilon = mu w`.
fn ln_delta(w: f64, mu: f64) -> f64 {
    let (a, b) = (w - 0.5 * mu, w + 0.5 * mu);
    let ln_phi = -0.5 * a * a - 0.5 * (2.0 * PI).ln();
    if mu < 0.5 {
        ln_phi + mills_difference(a, mu).ln()
    } else if a > 0.0 {
        ln_phi + (mills(a) - mills(b)).ln()
    } else {
        (0.5 * erfc(a * FRAC_1_SQRT_2) - ln_phi.exp() * mills(b)).ln()
    }
}

/// Mills' ratio of the standard normal, `P(N > x) / phi(x)`.
fn mills(x: f64) -> f64 {
    (0.5 * PI).sqrt() * erfcx(x * FRAC_1_SQRT_2)
}

/// `m(a) - m(a + mu)` for a small `mu`, where the difference itself would cancel: the integral of
/// `-m'(x) = 1 - x m(x)` by Gauss's rule with five nodes.
fn mills_difference(a: f64, mu: f64) -> f64 {
    const NODES: [(f64, f64); 3] = [
        (0.0, 0.568_888_888_888_888_9),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
        (0.906_179_845_938_664, 0.236_926_885_056_189_08),
    ];
    let (middle, half) = (a + 0.5 * mu, 0.5 * mu);
    let slope = |x: f64| 1.0 - x * mills(x);
    let at = |&(node, weight): &(f64, f64)| {
        let both = slope(middle + half * node) + slope(middle - half * node);
        weight * if node == 0.0 { 0.5 * both } else { both }
    };
    half * NODES.iter().map(at).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_other_systems() {
        for (mu, delta, want) in [
            (50.0, 1e-5, 1462.285016),
            (1.0, 1e-5, 4.377_178_095_681_137),
            (0.5, 1e-6, 2.254_084_650_219_736),
            (1000f64.sqrt() / 30.0, 1e-5, 4.652_984_530_968_451),
            (2.0, 1e-5, 9.997_256_146_434_315),
        ] {
            let got = epsilon(mu, delta);
            assert!(
                (got / want - 1.0).abs() < 1e-7,
                "mu {mu}: {got}, not {want}"
            );
        }
    }

    #[test]
    fn both_forms_of_the_divergence_meet() {
        for w in [0.0, 0.3, 2.0, 9.0, 30.0] {
            let (below, above) = (ln_delta(w, 0.5 - 1e-13), ln_delta(w, 0.5));
            assert!((below - above).abs() < 1e-9, "{w}: {below} {above}");
        }
    }

    #[test]
    fn no_size_breaks_it() {
        for mu in [1e-300, 1e-9, 1e-3, 1.0, 1e3, 1e9, 1e12, 1e150] {
            for delta in [5e-324, 1e-300, 1e-20, 1e-5, 0.5, 0.999] {
                let (here, more) = (epsilon(mu, delta), epsilon(1.01 * mu, delta));
                assert!(
                    here >= 0.0 && here.is_finite() && more >= here,
                    "{mu} {delta}: {here} {more}"
                );
            }
        }
        assert_eq!(epsilon(1e200, 1e-5), f64::INFINITY);
        assert_eq!(epsilon(f64::NAN, 1e-5), f64::INFINITY);
        assert_eq!(epsilon(f64::INFINITY, 1e-5), f64::INFINITY);
    }
}
