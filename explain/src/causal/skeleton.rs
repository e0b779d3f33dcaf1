//! The stages of PC: which pairs stay connected, and which colliders the separations call for.

use super::graph::{Edge, Graph};
use lepton_tensor::Result;

/// A pair that the tests found independent.
#[derive(Clone, Debug, PartialEq)]
pub struct Separation {
    /// The pair, the lower index first.
    pub pair: (usize, usize),
    /// The columns held fixed, in order.
    pub given: Vec<usize>,
    /// The p-value of the independence, the largest one found.
    pub p_value: f64,
}

/// A search under way, and what it has found.
pub(super) struct Search<T> {
    pub(super) alpha: f64,
    /// The p-value of an independence; `None` where the rows cannot tell.
    pub(super) test: T,
    pub(super) tests: usize,
    pub(super) untested: usize,
    pub(super) separations: Vec<Separation>,
}

impl<T: Fn(usize, usize, &[usize]) -> Result<Option<f64>>> Search<T> {
    /// Starts from the complete graph, and for each number of columns held fixed takes away the
    /// pairs they separate. Neighbours are those from before the level: this is PC-stable.
    pub(super) fn skeleton(&mut self, names: &[String], max_given: usize) -> Result<Graph> {
        let mut graph = Graph::new(names);
        for a in 0..names.len() {
            (0..a).for_each(|b| graph.connect(a, b));
        }
        for size in 0..=max_given {
            let before = graph.clone();
            if (0..names.len()).all(|a| before.neighbours(a).len() <= size) {
                break;
            }
            for edge in before.edges() {
                let (Edge::Undirected(a, b) | Edge::Directed(a, b)) = edge;
                if let Some(separation) = self.separate(&before, (a, b), size)? {
                    self.separations.push(separation);
                    graph.disconnect(a, b);
                }
            }
        }
        Ok(graph)
    }

    /// The best separation of `pair` by `size` neighbours of one or of the other.
    fn separate(
        &mut self,
        graph: &Graph,
        pair: (usize, usize),
        size: usize,
    ) -> Result<Option<Separation>> {
        let mut best: Option<Separation> = None;
        let around = |a: usize, b: usize| -> Vec<usize> {
            graph
                .neighbours(a)
                .into_iter()
                .filter(|&c| c != b)
                .collect()
        };
        let (first, second) = (around(pair.0, pair.1), around(pair.1, pair.0));
        for (side, others) in [(&first, None), (&second, Some(&first))] {
            let mut subsets = Subsets::new(side, size);
            while let Some(given) = subsets.next() {
                // A set of common neighbours was tried on the first side.
                if others.is_some_and(|o| given.iter().all(|c| o.contains(c))) {
                    continue;
                }
                self.tests += 1;
                let Some(p_value) = (self.test)(pair.0, pair.1, &given)? else {
                    self.untested += 1;
                    continue;
                };
                if p_value > self.alpha && best.as_ref().is_none_or(|b| p_value > b.p_value) {
                    best = Some(Separation {
                        pair,
                        given,
                        p_value,
                    });
                }
            }
        }
        Ok(best)
    }
}

/// Directs `a -> middle <- b` where `a` and `b` were separated without `middle`; the surest
/// separation first. Returns what contradicts an arrow drawn before, or would close a cycle.
pub(super) fn colliders(
    graph: &mut Graph,
    separations: &[Separation],
) -> Vec<(usize, usize, usize)> {
    let mut order: Vec<&Separation> = separations.iter().collect();
    order.sort_by(|s, t| t.p_value.total_cmp(&s.p_value));
    let skeleton = graph.clone();
    let mut conflicts = Vec::new();
    for separation in order {
        let (a, b) = separation.pair;
        let common = |&m: &usize| skeleton.is_adjacent(a, m) && skeleton.is_adjacent(b, m);
        for middle in (0..graph.nodes()).filter(common) {
            if separation.given.contains(&middle) {
                continue;
            }
            if graph.reaches(middle, a) || graph.reaches(middle, b) {
                conflicts.push((a, middle, b));
            } else {
                graph.direct(a, middle);
                graph.direct(b, middle);
            }
        }
    }
    conflicts
}

/// The subsets of a given size, in lexicographic order.
struct Subsets<'a> {
    of: &'a [usize],
    at: Option<Vec<usize>>,
}

impl<'a> Subsets<'a> {
    fn new(of: &'a [usize], size: usize) -> Subsets<'a> {
        Subsets {
            of,
            at: (size <= of.len()).then(|| (0..size).collect()),
        }
    }

    fn next(&mut self) -> Option<Vec<usize>> {
        let at = self.at.as_mut()?;
        let subset = at.iter().map(|&i| self.of[i]).collect();
        let (size, n) = (at.len(), self.of.len());
        // The last position that can still move right, then all behind it in a row.
        match (0..size).rev().find(|&k| at[k] < n - size + k) {
            Some(k) => {
                at[k] += 1;
                (k + 1..size).for_each(|j| at[j] = at[j - 1] + 1);
            }
            None => self.at = None,
        }
        Some(subset)
    }
}
