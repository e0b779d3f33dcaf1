//! The Renyi divergence of one step at one order, to about 1e-10 of its value where the sums are
//! short enough, and elsewhere a bound on it that costs nothing.

use super::special::{LogSum, exp_beyond_tangent, ln_expm1, ln_mixture, softplus};

/// The largest order whose sum over whole numbers is taken.
const WHOLE: f64 = 1024.0;
/// The most nodes of a quadrature.
const NODES: f64 = 4096.0;

/// RDP of the plain Gaussian.
pub(crate) fn gaussian(sigma: f64, order: f64) -> f64 {
    order / sigma / sigma / 2.0
}

/// RDP of the Poisson-subsampled Gaussian at any `order` above 1 (Mironov, Talwar, Zhang 2019).
///
/// With `r = q (e^u - 1)` and `u = (2x - 1) / 2 sigma^2`, the moment is `E (1 + r)^order` over `x ~
/// N(0, sigma^2)`. Since `E r = 0` it exceeds 1 by `E [(1 + r)^order - 1 - order r]`, whose
/// integrand is nowhere negative: both forms below compute that excess, so a divergence of 1e-9
/// keeps as many digits as one of 100. Where neither is affordable, three bounds remain: the plain
/// Gaussian, the triangle inequality in the norm of that order, and a line between whole orders.
pub(crate) fn sampled_gaussian(q: f64, sigma: f64, order: f64) -> f64 {
    if q == 0.0 {
        return 0.0;
    }
    let plain = gaussian(sigma, order);
    if q == 1.0 {
        return plain;
    }
    let by_norm = order / (order - 1.0) * ln_mixture(q, (order - 1.0) / sigma / sigma / 2.0);
    let by_sum = |order: f64| softplus(ln_gaussian_excess_by_sum(q, sigma, order as u32));
    let own = if order.fract() == 0.0 && order <= WHOLE {
        by_sum(order) / (order - 1.0)
    } else if quadrature(sigma, order).1 <= NODES {
        softplus(ln_gaussian_mean(sigma, order, |u| {
            ln_convex_gap(ln_mixture(q, u), q * u.exp_m1(), order)
        })) / (order - 1.0)
    } else {
        between_whole_orders(order, by_sum)
    };
    least(&[own, plain, by_norm])
}

/// The least of several bounds; one that could not be computed is none.
fn least(bounds: &[f64]) -> f64 {
    bounds.iter().copied().fold(f64::INFINITY, f64::min)
}

/// A divergence at any order from the log-moments at whole orders: `(order - 1) rdp` is convex in
/// the order and 0 at order 1, so the line between two of its points is a bound.
fn between_whole_orders(order: f64, ln_moment: impl Fn(f64) -> f64) -> f64 {
    if order > WHOLE {
        return f64::INFINITY;
    }
    let (low, t) = (order.floor(), order.fract());
    let mut sum = 0.0;
    if low > 1.0 {
        sum += (1.0 - t) * ln_moment(low);
    }
    if t > 0.0 {
        sum += t * ln_moment(low + 1.0);
    }
    sum / (order - 1.0)
}

fn ln_gaussian_excess_by_sum(q: f64, sigma: f64, order: u32) -> f64 {
    ln_excess_by_sum(q, order, |k| ln_expm1(k * (k - 1.0) / sigma / sigma / 2.0))
}

/// The logarithm of a sampled moment less 1, at a whole order, from those of the mechanism itself:
/// the binomial form, whose terms of power 0 and 1 are those that `- 1` takes away.
fn ln_excess_by_sum(q: f64, order: u32, ln_excess: impl Fn(f64) -> f64) -> f64 {
    let a = f64::from(order);
    let odds = q.ln() - (-q).ln_1p();
    let mut ln_weight = a * (-q).ln_1p();
    let mut sum = LogSum::new();
    for k in 1..=order {
        let k = f64::from(k);
        ln_weight += ((a - k + 1.0) / k).ln() + odds;
        if k >= 2.0 {
            sum.add(ln_weight + ln_excess(k));
        }
    }
    sum.ln()
}

/// `ln E f(u)` over `x ~ N(0, sigma^2)`, `u = (2x - 1) / 2 sigma^2`, by the trapezoidal rule, where
/// `ln_f` grows at most like `order * u`.
///
/// The rule converges exponentially: its error is `exp(-2 pi d / h + d^2 / 2 sigma^2)` for an
/// integrand analytic in the strip of half-width `d`, and the nearest branch point of `1 - q + q
/// e^u` lies at `d = pi sigma^2`. The step makes that at most e^-60.
fn ln_gaussian_mean(sigma: f64, order: f64, ln_f: impl Fn(f64) -> f64) -> f64 {
    use std::f64::consts::PI;
    let var = sigma * sigma;
    let (step, nodes) = quadrature(sigma, order);
    let start = -12.0 * sigma;
    let mut sum = LogSum::new();
    for i in 0..=nodes as u64 {
        let x = start + i as f64 * step;
        sum.add(ln_f((2.0 * x - 1.0) / (2.0 * var)) - x * x / (2.0 * var));
    }
    sum.ln() + (step / (sigma * (2.0 * PI).sqrt())).ln()
}

/// Step and nodes of [`ln_gaussian_mean`]; infinitely many where the step vanishes.
fn quadrature(sigma: f64, order: f64) -> (f64, f64) {
    use std::f64::consts::PI;
    let var = sigma * sigma;
    // With d = 2 sigma the eighth of a deviation is enough, once the branch point is that far.
    let step = if sigma > 1.0 {
        sigma / 8.0
    } else {
        (sigma / 8.0).min(2.0 * PI * PI * var / (60.0 + 5.0 * var))
    };
    let nodes = ((order + 24.0 * sigma) / step).ceil();
    (step, if nodes.is_nan() { f64::INFINITY } else { nodes })
}

/// `ln [(1 + r)^a - 1 - a r]` where `l = ln(1 + r)`: how far the power lies above its tangent at 1.
fn ln_convex_gap(l: f64, r: f64, a: f64) -> f64 {
    if r.abs() * a < 1e-2 {
        // Taylor from the square on: the direct form would cancel.
        let mut term = 0.5 * a * (a - 1.0) * r * r;
        let mut gap = 0.0;
        for k in 2..12 {
            gap += term;
            term *= (a - f64::from(k)) / f64::from(k + 1) * r;
        }
        gap.ln()
    } else if l > 1.0 {
        a * l + (-(a * ((1.0 - a) * l).exp() + (1.0 - a) * (-a * l).exp())).ln_1p()
    } else if a * l > 30.0 {
        a * l + (-(1.0 + a * r) * (-a * l).exp()).ln_1p()
    } else {
        ((a * l).exp_m1() - a * r).ln()
    }
}

/// RDP of the Gaussian on a sample of fixed size without replacement, neighbours replacing one row:
/// theorem 27 of Wang, Balle, Kasiviswanathan 2019 at whole orders, and between them the line
/// (their corollary 10). Never above the plain Gaussian.
pub(crate) fn fixed_size_gaussian(q: f64, sigma: f64, order: f64) -> f64 {
    if q == 0.0 {
        return 0.0;
    }
    let plain = gaussian(sigma, order);
    if q == 1.0 {
        return plain;
    }
    let own = between_whole_orders(order, |a| ln_fixed_size_moment(q, sigma, a as u32));
    least(&[own, plain])
}

fn ln_fixed_size_moment(q: f64, sigma: f64, order: u32) -> f64 {
    let a = f64::from(order);
    let mut ln_weight = 0.0; // of C(order, k) q^k
    let mut excess = LogSum::new();
    let mut even = [0.0; 2]; // ln E (e^u - 1)^k at the even k on either side
    for k in 1..=order {
        let kf = f64::from(k);
        ln_weight += ((a - kf + 1.0) / kf * q).ln();
        // The first bound of the theorem uses the Gaussian's own moments, the second holds for
        // every mechanism; high powers matter only where the second is as good.
        let by_any = 2f64.ln() + kf * (kf - 1.0) / sigma / sigma / 2.0;
        let ln_moment = match k {
            1 => continue,
            2 => {
                even[1] = ln_expm1(1.0 / sigma / sigma);
                (4f64.ln() + even[1]).min(by_any)
            }
            3..=64 => {
                if k % 2 == 1 {
                    even = [even[1], ln_even_moment(sigma, kf + 1.0)];
                }
                let own = if k % 2 == 1 {
                    0.5 * (even[0] + even[1])
                } else {
                    even[1]
                };
                (4f64.ln() + own).min(by_any)
            }
            _ => by_any,
        };
        excess.add(ln_weight + ln_moment);
    }
    softplus(excess.ln())
}

/// `ln E (e^u - 1)^k` for an even `k`; infinite where that is too much work.
fn ln_even_moment(sigma: f64, k: f64) -> f64 {
    if quadrature(sigma, k).1 > NODES {
        return f64::INFINITY;
    }
    ln_gaussian_mean(sigma, k, |u| {
        k * if u > 0.0 {
            ln_expm1(u)
        } else {
            (-u.exp_m1()).ln()
        }
    })
}

/// RDP of the Laplace mechanism, `ratio` its sensitivity over its scale (Mironov 2017, table II).
pub(crate) fn laplace(ratio: f64, order: f64) -> f64 {
    least(&[
        softplus(ln_laplace_excess(ratio, order)) / (order - 1.0),
        ratio,
    ])
}

/// The logarithm of the Laplace mechanism's moment less 1.
fn ln_laplace_excess(ratio: f64, order: f64) -> f64 {
    let (up, down, all) = ((order - 1.0) * ratio, order * ratio, 2.0 * order - 1.0);
    if up > 30.0 {
        let mut moment = LogSum::new();
        moment.add((order / all).ln() + up);
        moment.add(((order - 1.0) / all).ln() - down);
        return ln_expm1(moment.ln());
    }
    // The moment's constant and linear terms cancel: what is left is positive.
    let excess = order * exp_beyond_tangent(up) + (order - 1.0) * exp_beyond_tangent(-down);
    (excess / all).ln()
}

/// RDP of any mechanism whose losses lie within `epsilon`: that of randomised response, which has
/// the largest.
pub(crate) fn bounded_loss(epsilon: f64, order: f64) -> f64 {
    least(&[
        softplus(ln_bounded_excess(epsilon, order)) / (order - 1.0),
        epsilon,
    ])
}

fn ln_bounded_excess(epsilon: f64, order: f64) -> f64 {
    ln_expm1((order - 1.0) * epsilon) + (-(-order * epsilon).exp_m1()).ln() - softplus(-epsilon)
}

/// RDP of a symmetric mechanism with losses within `epsilon` on a Poisson sample, from the
/// logarithms of its own moments less 1.
///
/// At whole orders the binomial form, as for the Gaussian: both directions of the pair are covered,
/// since a reflection swaps the mechanism's two outputs (theorem 5 of Mironov, Talwar, Zhang 2019).
fn sampled(q: f64, epsilon: f64, order: f64, ln_excess: impl Fn(f64) -> f64) -> f64 {
    let moment = |a: f64| softplus(ln_excess_by_sum(q, a as u32, &ln_excess));
    least(&[
        between_whole_orders(order, moment),
        bounded_loss(ln_mixture(q, epsilon), order),
    ])
}

/// RDP of the Laplace mechanism on a Poisson sample.
pub(crate) fn sampled_laplace(q: f64, ratio: f64, order: f64) -> f64 {
    if q == 0.0 {
        return 0.0;
    }
    if q == 1.0 {
        return laplace(ratio, order);
    }
    sampled(q, ratio, order, |k| ln_laplace_excess(ratio, k))
}

/// RDP of a symmetric mechanism with losses within `epsilon` on a Poisson sample.
pub(crate) fn sampled_bounded_loss(q: f64, epsilon: f64, order: f64) -> f64 {
    if q == 0.0 {
        return 0.0;
    }
    if q == 1.0 {
        return bounded_loss(epsilon, order);
    }
    sampled(q, epsilon, order, |k| ln_bounded_excess(epsilon, k))
}

/// RDP of the discrete Gaussian on a Poisson sample, `sigma` over its sensitivity: its moments are
/// at most the continuous Gaussian's (proposition 5 of Canonne, Kamath, Steinke 2020), and so is
/// the binomial form of them at whole orders.
pub(crate) fn sampled_discrete_gaussian(q: f64, sigma: f64, order: f64) -> f64 {
    if q == 0.0 {
        return 0.0;
    }
    let plain = gaussian(sigma, order);
    if q == 1.0 {
        return plain;
    }
    let moment = |a: f64| softplus(ln_gaussian_excess_by_sum(q, sigma, a as u32));
    least(&[between_whole_orders(order, moment), plain])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sum_and_quadrature_agree(q in 1e-5..0.999f64, sigma in 0.3..20.0f64, order in 2u32..80) {
            let sum = ln_gaussian_excess_by_sum(q, sigma, order);
            let a = f64::from(order);
            let quadrature = ln_gaussian_mean(sigma, a, |u| ln_convex_gap(ln_mixture(q, u), q * u.exp_m1(), a));
            prop_assert!((sum - quadrature).abs() < 1e-9 * (1.0 + sum.abs()), "{sum} {quadrature}");
        }

        #[test]
        fn divergence_grows_with_rate_and_order_and_falls_with_noise(
            q in 1e-4..0.9f64, sigma in 0.4..10.0f64, order in 1.01..60.0f64
        ) {
            let at = sampled_gaussian(q, sigma, order);
            let room = 1.0 + 1e-9;
            prop_assert!(at > 0.0);
            prop_assert!(at <= sampled_gaussian(q * 1.1, sigma, order) * room);
            prop_assert!(at <= sampled_gaussian(q, sigma, order + 0.7) * room);
            prop_assert!(at * room >= sampled_gaussian(q, sigma * 1.2, order));
            prop_assert!(at <= order / (2.0 * sigma * sigma) * room, "sampling never adds loss");
        }
    }

    #[test]
    fn a_small_laplace_divergence_keeps_its_digits() {
        // Half the variance of the loss, times the order.
        for ratio in [1e-12, 1e-9, 1e-5] {
            let want = 0.5 * 3.0 * ratio * ratio;
            let got = laplace(ratio, 3.0);
            assert!(
                (got / want - 1.0).abs() < 1e-4,
                "{ratio}: {got:e}, not {want:e}"
            );
        }
    }

    #[test]
    fn no_argument_takes_long_or_gives_no_number() {
        for q in [1e-9, 1e-3, 0.5, 0.999_999] {
            for size in [1e-200, 1e-4, 0.003, 0.3, 1.0, 1e3, 1e9, 1e200] {
                for order in [1.000_001, 1.5, 2.0, 100.5, 5000.5, 1e12] {
                    for rdp in [
                        sampled_gaussian(q, size, order),
                        fixed_size_gaussian(q, size, order),
                        sampled_laplace(q, 1.0 / size, order),
                        sampled_bounded_loss(q, 1.0 / size, order),
                        sampled_discrete_gaussian(q, size, order),
                    ] {
                        assert!(rdp >= 0.0, "{q} {size} {order}: {rdp}");
                    }
                }
            }
        }
    }
}
