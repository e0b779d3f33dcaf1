//! Where a path integral is sampled, and what each sample weighs.

use lepton_tensor::{Error, Result};
use std::f64::consts::PI;

/// A rule for an integral over [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Quadrature {
    /// Gauss and Legendre: with `n` points exact for polynomials of degree `2n - 1`.
    #[default]
    GaussLegendre,
    /// Equal weights at the left ends `i/n`.
    RiemannLeft,
    /// Equal weights at the right ends `(i + 1)/n`.
    RiemannRight,
    /// Equal weights at the middles `(i + 1/2)/n`.
    RiemannMiddle,
    /// Points `i/(n - 1)`, half the weight at both ends. The weights are `1/n`, so they sum to
    /// `(n - 1)/n`, not to 1: this is the rule of Captum (Kokhlikyan et al., 2020), kept so that
    /// published numbers can be met; its attributions fall short of completeness by `1/n`.
    RiemannTrapezoid,
}

impl Quadrature {
    /// The points in ascending order, each with its weight.
    ///
    /// ```
    /// use lepton_explain::attribution::Quadrature;
    /// // The integral of x^3 from 0 to 1 is 1/4, and two Gauss-Legendre points find it.
    /// let points = Quadrature::GaussLegendre.points(2)?;
    /// let sum: f64 = points.iter().map(|(x, weight)| weight * x.powi(3)).sum();
    /// assert!((sum - 0.25).abs() < 1e-15);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `steps` is 0, or 1 for the trapezoid rule, which has two ends, or above 100,000.
    pub fn points(self, steps: usize) -> Result<Vec<(f64, f64)>> {
        let least = if self == Quadrature::RiemannTrapezoid {
            2
        } else {
            1
        };
        if steps < least || steps > 100_000 {
            return Err(Error::value(format!(
                "quadrature: {steps} steps; {self:?} takes {least} to 100000"
            )));
        }
        let n = steps as f64;
        let equal = |offset: f64| {
            (0..steps)
                .map(|i| ((i as f64 + offset) / n, 1.0 / n))
                .collect()
        };
        Ok(match self {
            Quadrature::GaussLegendre => gauss_legendre(steps),
            Quadrature::RiemannLeft => equal(0.0),
            Quadrature::RiemannRight => equal(1.0),
            Quadrature::RiemannMiddle => equal(0.5),
            Quadrature::RiemannTrapezoid => trapezoid(steps),
        })
    }
}

fn trapezoid(steps: usize) -> Vec<(f64, f64)> {
    let last = steps - 1;
    let weight = |i| if i == 0 || i == last { 0.5 } else { 1.0 } / steps as f64;
    (0..steps)
        .map(|i| (i as f64 / last as f64, weight(i)))
        .collect()
}

/// The roots `t` of the Legendre polynomial `P_n`, as `(1 + t)/2`, and the weights
/// `1 / ((1 - t^2) P_n'(t)^2)`, half of those on [-1, 1] (Abramowitz & Stegun 25.4.29).
fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let mut points = vec![(0.0, 0.0); n];
    // The roots lie symmetrically, so the upper half is enough, the greatest first.
    for i in 0..n.div_ceil(2) {
        let mut t = (PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        // Newton's method from this estimate doubles its digits: 2, 4, 8, 16 and one to be sure.
        for _ in 0..6 {
            let (p, slope) = legendre(n, t);
            t -= p / slope;
        }
        if 2 * i + 1 == n {
            t = 0.0;
        }
        let slope = legendre(n, t).1;
        let weight = 1.0 / ((1.0 - t * t) * slope * slope);
        points[i] = ((1.0 - t) / 2.0, weight);
        points[n - 1 - i] = ((1.0 + t) / 2.0, weight);
    }
    points
}

/// `P_n(t)` and its slope, by Bonnet's recursion `k P_k = (2k - 1) t P_{k-1} - (k - 1) P_{k-2}`.
fn legendre(n: usize, t: f64) -> (f64, f64) {
    let (mut before, mut now) = (1.0, t);
    for k in 2..=n {
        let k = k as f64;
        (before, now) = (now, ((2.0 * k - 1.0) * t * now - (k - 1.0) * before) / k);
    }
    (now, n as f64 * (t * now - before) / (t * t - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fifty_points_are_exact() {
        // Computed in 40 decimal digits.
        let points = Quadrature::GaussLegendre.points(50).unwrap();
        let wanted = [
            (0, 0.0005667977899644749, 0.0014543112765775705),
            (25, 0.5155491691635944, 0.03108830832767363),
            (49, 0.9994332022100355, 0.0014543112765775705),
        ];
        for (i, x, weight) in wanted {
            assert!((points[i].0 - x).abs() < 1e-15, "{:?}", points[i]);
            assert!((points[i].1 - weight).abs() < 1e-15, "{:?}", points[i]);
        }
    }

    #[test]
    fn riemann_rules_are_as_defined() {
        let points = |q: Quadrature| q.points(4).unwrap();
        let quarter = |x: [f64; 4]| x.map(|x| (x, 0.25)).to_vec();
        assert_eq!(
            points(Quadrature::RiemannLeft),
            quarter([0.0, 0.25, 0.5, 0.75])
        );
        assert_eq!(
            points(Quadrature::RiemannRight),
            quarter([0.25, 0.5, 0.75, 1.0])
        );
        assert_eq!(
            points(Quadrature::RiemannMiddle),
            quarter([0.125, 0.375, 0.625, 0.875])
        );
        let ends = [
            (0.0, 0.125),
            (1.0 / 3.0, 0.25),
            (2.0 / 3.0, 0.25),
            (1.0, 0.125),
        ];
        assert_eq!(points(Quadrature::RiemannTrapezoid), ends);
        assert!(Quadrature::RiemannTrapezoid.points(1).is_err());
        assert!(Quadrature::GaussLegendre.points(0).is_err());
    }

    proptest! {
        #[test]
        fn gauss_legendre_is_exact_up_to_its_degree(
            (n, degree) in (1..60usize).prop_flat_map(|n| (Just(n), 0..2 * n as u32))
        ) {
            let points = Quadrature::GaussLegendre.points(n).unwrap();
            let sum: f64 = points.iter().map(|(x, w)| w * x.powi(degree as i32)).sum();
            prop_assert!((sum - 1.0 / f64::from(degree + 1)).abs() < 1e-14);
        }
    }
}
