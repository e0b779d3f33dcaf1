//! The Renyi divergence of one step at one order, to about 1e-10 of its value.

use super::special::{LogSum, ln_expm1, softplus};

/// RDP of the Poisson-subsampled Gaussian at any `order` above 1 (Mironov, Talwar, Zhang 2019).
///
/// With `r = q (e^u - 1)` and `u = (2x - 1) / 2 sigma^2`, the moment is `E (1 + r)^order` over `x ~
/// N(0, sigma^2)`. Since `E r = 0` it exceeds 1 by `E [(1 + r)^order - 1 - order r]`, whose
/// integrand is nowhere negative: both forms below compute that excess, so a divergence of 1e-9
/// keeps as many digits as one of 100.
pub(crate) fn sampled_gaussian(q: f64, sigma: f64, order: f64) -> f64 {
    if q == 0.0 {
        return 0.0;
    }
    if q == 1.0 {
        return order / (2.0 * sigma * sigma);
    }
    let ln_excess = if order.fract() == 0.0 && order <= 4096.0 {
        ln_excess_by_sum(q, sigma, order as u32)
    } else {
        ln_gaussian_mean(sigma, order, |u| {
            ln_convex_gap(ln_mixture(q, u), q * u.exp_m1(), order)
        })
    };
    softplus(ln_excess) / (order - 1.0)
}

/// The binomial form at a whole order; its terms of power 0 and 1 are those that `- 1` takes away.
fn ln_excess_by_sum(q: f64, sigma: f64, order: u32) -> f64 {
    let (a, two_var) = (f64::from(order), 2.0 * sigma * sigma);
    let odds = q.ln() - (-q).ln_1p();
    let mut ln_weight = a * (-q).ln_1p();
    let mut sum = LogSum::new();
    for k in 1..=order {
        let k = f64::from(k);
        ln_weight += ((a - k + 1.0) / k).ln() + odds;
        if k >= 2.0 {
            sum.add(ln_weight + ln_expm1(k * (k - 1.0) / two_var));
        }
    }
    sum.ln()
}

/// `ln E f(u)` over `x ~ N(0, sigma^2)`, `u = (2x - 1) / 2 sigma^2`, by the trapezoidal rule, where
/// `ln_f` grows at most like `order * u`.
///
/// The rule converges exponentially: its error is `exp(-2 pi d / h + d^2 / 2 sigma^2)` for an
/// integrand analytic in the strip of half-width `d`, and the nearest branch point of `1 - q + q
/// e^u` lies at `d = pi sigma^2`. The step below makes that at most e^-60.
fn ln_gaussian_mean(sigma: f64, order: f64, ln_f: impl Fn(f64) -> f64) -> f64 {
    use std::f64::consts::PI;
    let var = sigma * sigma;
    let step = (sigma / 8.0).min(2.0 * PI * PI * var / (60.0 + 5.0 * var));
    let start = -12.0 * sigma;
    let nodes = ((order + 24.0 * sigma) / step).ceil() as u64;
    let mut sum = LogSum::new();
    for i in 0..=nodes {
        let x = start + i as f64 * step;
        sum.add(ln_f((2.0 * x - 1.0) / (2.0 * var)) - x * x / (2.0 * var));
    }
    sum.ln() + (step / (sigma * (2.0 * PI).sqrt())).ln()
}

/// `ln(1 - q + q e^u)`.
fn ln_mixture(q: f64, u: f64) -> f64 {
    if u > 500.0 {
        u + q.ln()
    } else {
        (q * u.exp_m1()).ln_1p()
    }
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
/// through `(order - 1) rdp`, which is convex in the order (their corollary 10).
pub(crate) fn fixed_size_gaussian(q: f64, sigma: f64, order: f64) -> f64 {
    if q == 0.0 {
        return 0.0;
    }
    if q == 1.0 {
        return order / (2.0 * sigma * sigma);
    }
    let (low, t) = (order.floor(), order.fract());
    let mut ln_moment = (1.0 - t) * ln_fixed_size_moment(q, sigma, low as u32);
    if t > 0.0 {
        ln_moment += t * ln_fixed_size_moment(q, sigma, low as u32 + 1);
    }
    ln_moment / (order - 1.0)
}

fn ln_fixed_size_moment(q: f64, sigma: f64, order: u32) -> f64 {
    let var = sigma * sigma;
    let a = f64::from(order);
    let mut ln_weight = 0.0; // of C(order, k) q^k
    let mut excess = LogSum::new();
    let mut even = [0.0; 2]; // ln E (e^u - 1)^k at the even k on either side
    for k in 1..=order {
        let kf = f64::from(k);
        ln_weight += ((a - kf + 1.0) / kf * q).ln();
        // The first bound of the theorem holds for every mechanism, the second uses the Gaussian's
        // own moments.
        let ln_moment = match k {
            1 => continue,
            2 => {
                even[1] = ln_expm1(1.0 / var);
                (4f64.ln() + even[1]).min(2f64.ln() + 1.0 / var)
            }
            _ => {
                if k % 2 == 1 {
                    even = [even[1], ln_even_moment(sigma, kf + 1.0)];
                }
                let own = if k % 2 == 1 {
                    0.5 * (even[0] + even[1])
                } else {
                    even[1]
                };
                (4f64.ln() + own).min(2f64.ln() + kf * (kf - 1.0) / (2.0 * var))
            }
        };
        excess.add(ln_weight + ln_moment);
    }
    softplus(excess.ln())
}

/// `ln E (e^u - 1)^k` for an even `k`.
fn ln_even_moment(sigma: f64, k: f64) -> f64 {
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
    let mut sum = LogSum::new();
    sum.add((order / (2.0 * order - 1.0)).ln() + (order - 1.0) * ratio);
    sum.add(((order - 1.0) / (2.0 * order - 1.0)).ln() - order * ratio);
    (sum.ln() / (order - 1.0)).clamp(0.0, ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sum_and_quadrature_agree(q in 1e-5..0.999f64, sigma in 0.3..20.0f64, order in 2u32..80) {
            let sum = ln_excess_by_sum(q, sigma, order);
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
}
