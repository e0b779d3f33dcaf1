//! From a tree to rules: the ways to its leaves, merged and with readable thresholds.

use super::rule::{Condition, Rule};
use super::tree::Node;
use crate::Table;
use crate::text::shortest_between;

/// Finds readable thresholds that part the rows of a table as the exact ones do.
pub(super) struct Thresholds<'a>(pub(super) &'a Table<'a>);

impl Thresholds<'_> {
    fn readable(&self, feature: usize, exact: f64) -> f64 {
        let low = self
            .0
            .column(feature)
            .filter(|&v| v <= exact)
            .fold(f64::NEG_INFINITY, f64::max);
        let high = self
            .0
            .column(feature)
            .filter(|&v| v > exact)
            .fold(f64::INFINITY, f64::min);
        shortest_between(exact, low, high)
    }
}

/// Collects the rules below node `at`, whose conditions so far are `path`.
pub(super) fn walk(
    nodes: &[Node],
    at: usize,
    thresholds: &Thresholds<'_>,
    path: &[Condition],
    rules: &mut Vec<Rule>,
) {
    let answer = single_answer(nodes, at);
    if let (Some(split), None) = (nodes[at].split, answer) {
        let t = thresholds.readable(split.feature, split.threshold);
        let (low, high) = ((f64::NEG_INFINITY, t), (t, f64::INFINITY));
        for (child, ends) in [(split.left, low), (split.right, high)] {
            let mut narrowed = path.to_vec();
            narrow(&mut narrowed, split.feature, ends);
            // Rounding may close a gap between two thresholds that no measured row lies in.
            if narrowed.iter().all(|c| c.above < c.up_to) {
                walk(nodes, child, thresholds, &narrowed, rules);
            }
        }
    } else {
        let class = answer.unwrap_or_else(|| nodes[at].class());
        rules.push(Rule {
            conditions: path.to_vec(),
            class,
            covered: 0,
            agreeing: 0,
        });
    }
}

/// The class that every leaf below node `at` gives, if they all give the same.
fn single_answer(nodes: &[Node], at: usize) -> Option<usize> {
    match nodes[at].split {
        None => Some(nodes[at].class()),
        Some(s) => {
            single_answer(nodes, s.left).filter(|&c| single_answer(nodes, s.right) == Some(c))
        }
    }
}

/// Adds `ends.0 < x[feature] <= ends.1` to `path`, merged with what it says of `feature` already.
fn narrow(path: &mut Vec<Condition>, feature: usize, ends: (f64, f64)) {
    match path.iter_mut().find(|c| c.feature == feature) {
        Some(c) => {
            c.above = c.above.max(ends.0);
            c.up_to = c.up_to.min(ends.1);
        }
        None => path.push(Condition {
            feature,
            above: ends.0,
            up_to: ends.1,
        }),
    }
}
