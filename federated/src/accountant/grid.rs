//! The epsilon of a composition on a grid of losses.

use super::compose::{BothWays, Chernoff, compose};
use super::loss::LossDistribution;
use super::pairs::{MOST_ATOMS, Pair};

/// What a grid says.
pub(crate) struct Answer {
    /// A bound on epsilon.
    pub(crate) epsilon: f64,
    /// Whether the cells are as fine as they should be; a coarse grid's bound may be loose.
    pub(crate) fine: bool,
}

/// The epsilon at `delta` of pairs, each taken as often as its count says, on a grid of at most
/// `cells` cells, whose step is `wanted` or else chosen; `None` where no such grid can carry the
/// answer.
pub(crate) fn epsilon(
    pairs: &[(Pair, u64)],
    delta: f64,
    wanted: Option<f64>,
    cells: f64,
) -> Option<Answer> {
    let total: f64 = pairs.iter().map(|p| p.1 as f64).sum();
    // All that is cut away together changes delta by at most its three millionth parts.
    let tail = 1e-6 * delta;
    let each = tail / total;
    if each < 1e-290 {
        return None;
    }
    let plan = Plan::new(pairs, [tail, each], wanted, cells)?;
    let mut parts = Vec::new();
    for (pair, count) in pairs {
        parts.push((both_ways(pair, plan.step, each, cells)?, *count));
    }
    let sums = compose(parts, plan.exponents, tail, 2.0 * cells)?;
    let [there, back] = sums.map(|sum| sum.epsilon(delta));
    // One that is not a number must not lose against the other.
    let epsilon = if there >= back { there } else { back };
    let fine = plan.fine;
    epsilon.is_finite().then_some(Answer { epsilon, fine })
}

/// A pair's distributions on a grid; `None` where it does not fit, or mass was lost on the way.
fn both_ways(pair: &Pair, step: f64, tail: f64, cells: f64) -> Option<BothWays> {
    let (low, high) = pair.range(tail);
    let fits = (high - low) / step <= cells && low.abs().max(high.abs()) / step <= 1e15;
    if !fits || pair.atoms(tail) > MOST_ATOMS {
        return None;
    }
    let pieces = pair.pieces(step, tail);
    let there = LossDistribution::new(&pieces);
    let ways = [there, LossDistribution::new(&pieces.reversed())];
    ways.iter().all(|way| way.lost() < 1e-10).then_some(ways)
}

/// What a coarse look at the losses says about the grid they need.
struct Plan {
    step: f64,
    /// Whether the step is as fine as it should be.
    fine: bool,
    exponents: [Chernoff; 2],
}

impl Plan {
    /// A step fine enough for the losses and coarse enough for `cells`, where mass below `tail` may
    /// be cut from the sum and below `each` from one loss.
    ///
    /// Moving mass to the ends of its cell adds at most `step^2 / 4` to the variance of each loss:
    /// a fiftieth of the losses' own deviation keeps that addition below 1e-4 of the variance.
    fn new(
        pairs: &[(Pair, u64)],
        [tail, each]: [f64; 2],
        wanted: Option<f64>,
        cells: f64,
    ) -> Option<Plan> {
        let mut draft = Vec::new();
        let (mut widest, mut count, mut variance) = (0.0f64, 0.0, 0.0);
        for (pair, n) in pairs {
            let (low, high) = pair.range(each);
            let width = high - low;
            if !(width > 0.0 && width.is_finite()) {
                return None;
            }
            let ways = both_ways(pair, width / 2048.0, each, 1e4)?;
            widest = widest.max(width);
            count += *n as f64;
            variance += *n as f64 * ways[0].variance();
            draft.push((ways, *n));
        }
        let parts = [0, 1].map(|way| draft.iter().map(|(d, n)| (&d[way], *n)).collect::<Vec<_>>());
        let exponents = [0, 1].map(|way| Chernoff::of(&parts[way], tail));
        let (low, high) = exponents[0].window(&parts[0], tail);
        // With room for the sum's window, which a coarser step widens a little.
        let floor = (2.0 * widest / cells).max((high - low) / (0.9 * cells));
        let deviation = (variance / count).sqrt();
        let wish = wanted.unwrap_or_else(|| (0.02 * deviation).min(1e-3f64.max(1e-5 * high)));
        // Steps beyond the deviation would say more about the grid than about the losses.
        let carries = floor <= wish.max(deviation) || count == 1.0;
        let step = wish.max(floor);
        (carries && step > 0.0 && step.is_finite()).then_some(Plan {
            step,
            fine: floor <= wish,
            exponents,
        })
    }
}
