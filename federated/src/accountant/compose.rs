//! The composition of privacy losses: sums of independent losses by Fourier transform.

use super::fft::{Complex, Plan};
use super::loss::LossDistribution;

/// Losses, each with how often it is taken.
type Parts<'a> = &'a [(&'a LossDistribution, u64)];

fn sum(parts: Parts<'_>, f: impl Fn(&LossDistribution) -> f64) -> f64 {
    parts.iter().map(|&(d, n)| n as f64 * f(d)).sum()
}

/// The exponents of Chernoff's bound on a sum of losses, above and below. Any exponents give a
/// bound, these a good one.
#[derive(Clone, Copy)]
pub(crate) struct Chernoff {
    above: f64,
    below: f64,
}

impl Chernoff {
    /// The best exponents for a chance of `tail` among those around what a normal sum would want.
    pub(crate) fn of(parts: Parts<'_>, tail: f64) -> Chernoff {
        let deviation = sum(parts, LossDistribution::variance).sqrt();
        let guess = (-2.0 * tail.ln()).sqrt() / deviation.max(1e-300);
        let ladder = (-20..=20).map(|k| guess * 2f64.powf(f64::from(k) / 2.0));
        let (mut best, mut high, mut low) = (
            Chernoff {
                above: guess,
                below: guess,
            },
            f64::INFINITY,
            f64::NEG_INFINITY,
        );
        for t in ladder {
            let (down, up) = Chernoff { above: t, below: t }.window(parts, tail);
            if up < high {
                (best.above, high) = (t, up);
            }
            if down > low {
                (best.below, low) = (t, down);
            }
        }
        best
    }

    /// Where the sum lies but for a chance of `tail` on either side; not finite where that cannot
    /// be told.
    pub(crate) fn window(self, parts: Parts<'_>, tail: f64) -> (f64, f64) {
        let ln_moment = |t: f64| sum(parts, |d| d.ln_moment(t)) - tail.ln();
        let least = sum(parts, |d| d.first as f64 * d.step);
        let largest = sum(parts, |d| (d.first + d.mass.len() as i64) as f64 * d.step);
        let (low, high) = (
            -ln_moment(-self.below) / self.below,
            ln_moment(self.above) / self.above,
        );
        (low.max(least), high.min(largest))
    }
}

/// Both directions of one pair on one grid: `P` against `Q`, and `Q` against `P`.
pub(crate) type BothWays = [LossDistribution; 2];

/// The distributions of the sums of independent losses, each pair taken as often as its count says;
/// `None` where they do not fit into `cells` cells. All share one step.
///
/// The transform is circular over a window that holds all but `tail` of the sum. What lies below it
/// comes round at the top, where it only makes matters worse; what lies above it is at most `tail`,
/// and is counted as infinite, as is the mass that rounding may have misplaced. The two directions
/// are the real and the imaginary part of one transform.
pub(crate) fn compose(
    parts: Vec<(BothWays, u64)>,
    exponents: [Chernoff; 2],
    tail: f64,
    cells: f64,
) -> Option<BothWays> {
    let total: f64 = parts.iter().map(|p| p.1 as f64).sum();
    if total == 1.0 {
        return parts.into_iter().next().map(|p| p.0);
    }
    let step = parts.first()?.0[0].step;
    let windows = [0, 1].map(|way| {
        let parts: Vec<_> = parts.iter().map(|(d, n)| (&d[way], *n)).collect();
        exponents[way].window(&parts, tail)
    });
    // Comparisons that something which is not a number does not pass.
    let fits = |(low, high): (f64, f64)| (high - low) / step <= cells && low.abs() / step <= 1e15;
    if !windows.into_iter().all(fits) {
        return None;
    }
    let first = windows.map(|(low, _)| (low / step).floor() as i64);
    let last = windows.map(|(_, high)| (high / step).ceil() as i64);
    let longest = (last[0] - first[0]).max(last[1] - first[1]) + 1;
    let size = (longest.max(2) as usize).next_power_of_two();
    let circle = circle(&parts, size);
    // Powers of a spectrum multiply its relative error by their exponent.
    let rounding = 2.0 * f64::EPSILON * (total + 64.0);
    Some([0, 1].map(|way| {
        let survive = |(d, n): &(BothWays, u64)| *n as f64 * (-d[way].infinite).ln_1p();
        let survive: f64 = parts.iter().map(survive).sum();
        // Rounding leaves noise around zero; cutting its negative half errs to the safe side.
        let at = |k: usize| {
            let z = circle[place(first[way] + k as i64, size)];
            [z.re, z.im][way].max(0.0)
        };
        let mass: Vec<f64> = (0..size).map(at).collect();
        let missing = (survive.exp() - mass.iter().sum::<f64>()).max(0.0);
        LossDistribution {
            step,
            first: first[way],
            mass,
            infinite: -survive.exp_m1() + tail + rounding + missing,
        }
    }))
}

/// Where a multiple of the step lies on a circle of `size` cells.
fn place(index: i64, size: usize) -> usize {
    index.rem_euclid(size as i64) as usize
}

/// The sums' masses on a circle, those of the second way as imaginary parts.
fn circle(parts: &[(BothWays, u64)], size: usize) -> Vec<Complex> {
    let plan = Plan::new(size);
    let mut product = vec![[Complex::ONE; 2]; size / 2 + 1];
    for (ways, count) in parts {
        let mut x = vec![Complex { re: 0.0, im: 0.0 }; size];
        for (i, &p) in ways[0].mass.iter().enumerate() {
            x[place(ways[0].first + i as i64, size)].re += p;
        }
        for (i, &p) in ways[1].mass.iter().enumerate() {
            x[place(ways[1].first + i as i64, size)].im += p;
        }
        plan.forward(&mut x);
        for (k, [there, back]) in product.iter_mut().enumerate() {
            let (a, b) = (x[k], x[(size - k) % size].conjugate());
            // The transforms of real and imaginary part: (a + b) / 2 and (a - b) / 2i.
            let one = Complex {
                re: 0.5 * (a.re + b.re),
                im: 0.5 * (a.im + b.im),
            };
            let other = Complex {
                re: 0.5 * (a.im - b.im),
                im: 0.5 * (b.re - a.re),
            };
            *there = there.times(one.power(*count));
            *back = back.times(other.power(*count));
        }
    }
    let mut out = vec![Complex::ONE; size];
    for (k, [there, back]) in product.into_iter().enumerate() {
        out[(size - k) % size] = there.conjugate().plus_i_times(back.conjugate());
        out[k] = there.plus_i_times(back);
    }
    plan.inverse(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::super::loss::mechanisms;
    use super::super::pairs::Pair;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn composing_agrees_with_adding_losses_one_by_one(mechanism in mechanisms()) {
            let d = |reverse: bool| {
                let pieces = Pair::of(&mechanism).unwrap().pieces(0.05, 1e-12);
                LossDistribution::new(&if reverse { pieces.reversed() } else { pieces })
            };
            let exponents = [false, true].map(|way| Chernoff::of(&[(&d(way), 2)], 1e-12));
            for (sum, one) in compose(vec![([d(false), d(true)], 2)], exponents, 1e-12, 1e6)
                .unwrap()
                .into_iter()
                .zip([d(false), d(true)])
            {
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
}
