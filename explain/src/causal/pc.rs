//! The PC algorithm (Spirtes & Glymour, 1991), stable form (Colombo & Maathuis, 2014).

use super::correlation::Correlation;
use super::graph::{Edge, Graph};
use super::{NOTE, meek};
use crate::Table;
use lepton_tensor::{Error, Result};
use std::fmt;

/// How [`pc`] tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PcOptions {
    /// The level of the tests: a pair whose p-value exceeds it is held independent.
    pub alpha: f64,
    /// The largest number of columns to hold fixed at once; `None` for as many as there are.
    pub max_given: Option<usize>,
    /// Added to each variance of the standardised columns, so that columns which repeat each
    /// other can be tested; 0 reports them as an error.
    pub ridge: f64,
}

impl Default for PcOptions {
    /// Level 0.05, any number of columns held fixed, no ridge.
    fn default() -> PcOptions {
        PcOptions {
            alpha: 0.05,
            max_given: None,
            ridge: 0.0,
        }
    }
}

/// What [`pc`] found, and how sure it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Discovery {
    /// The class of diagrams that fits the tests, noted as "association, not cause".
    pub graph: Graph,
    /// Each pair that was separated, with the columns held fixed and the p-value.
    pub separations: Vec<Separation>,
    /// How many tests were run.
    pub tests: usize,
    /// Colliders `(a, middle, b)` that the tests called for but that contradict stronger ones.
    /// Where there are some, the assumptions or the sample size are in doubt.
    pub conflicts: Vec<(usize, usize, usize)>,
}

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

/// Learns which columns of `table` are directly associated, and which way where that follows.
///
/// Linear relations with Gaussian noise and no common cause outside the table are assumed. The
/// order of the columns has no say: edges are removed level by level (PC-stable), a pair keeps the
/// separating set with the largest p-value, and of colliders that contradict each other the one
/// whose separation has the larger p-value stands.
///
/// ```
/// use lepton_explain::{Table, causal::{PcOptions, pc}};
/// let names = ["a", "b", "sum"].map(String::from);
/// let wave = |i: u32, step: f64| (f64::from(i) * step).sin();
/// let row = |i| [wave(i, 1.0), wave(i, 1.7), wave(i, 1.0) + wave(i, 1.7) + wave(i, 2.3)];
/// let values: Vec<f64> = (0..500).flat_map(row).collect();
/// let found = pc(&Table::new(&names, &values)?, PcOptions::default())?;
/// assert!(found.to_string().starts_with("association, not cause"));
/// assert!(found.graph.is_directed(0, 2) && found.graph.is_directed(1, 2));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// If an option is out of range, there are fewer than four rows, or a column is constant or a
/// linear combination of others; the sentence names it.
pub fn pc(table: &Table<'_>, options: PcOptions) -> Result<Discovery> {
    let correlation = Correlation::of(table, options.ridge).map_err(|e| e.at("pc"))?;
    // With n rows at most n - 4 columns can be held fixed.
    let most = table.rows().checked_sub(4).ok_or_else(|| {
        Error::shape(format!(
            "pc: {} rows; at least four are needed",
            table.rows()
        ))
    })?;
    let most = options.max_given.map_or(most, |m| m.min(most));
    let test = |x, y, given: &[usize]| correlation.p_value(x, y, given).map_err(|e| e.at("pc"));
    let mut found = pc_with(table.names(), options.alpha, most, test)?;
    let settings = format!(
        "{NOTE} (PC, Fisher z at level {}, {} rows)",
        options.alpha,
        table.rows()
    );
    found.graph = found.graph.with_note(settings);
    Ok(found)
}

/// [`pc`] with any test of independence: `test(x, y, given)` is the p-value of "x and y are
/// independent when the columns `given` (in order) are held fixed", at most `max_given` of them.
///
/// # Errors
/// If `alpha` is not in (0, 1), or `test` fails.
pub fn pc_with(
    names: &[String],
    alpha: f64,
    max_given: usize,
    test: impl Fn(usize, usize, &[usize]) -> Result<f64>,
) -> Result<Discovery> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(Error::value(format!(
            "pc: a level of {alpha}; give one between 0 and 1"
        )));
    }
    let mut search = Search {
        alpha,
        test,
        tests: 0,
        separations: Vec::new(),
    };
    let mut graph = search.skeleton(names, max_given)?;
    let conflicts = colliders(&mut graph, &search.separations);
    meek::close(&mut graph);
    let graph = graph.with_note(NOTE);
    Ok(Discovery {
        graph,
        separations: search.separations,
        tests: search.tests,
        conflicts,
    })
}

struct Search<T> {
    alpha: f64,
    test: T,
    tests: usize,
    separations: Vec<Separation>,
}

impl<T: Fn(usize, usize, &[usize]) -> Result<f64>> Search<T> {
    /// Starts from the complete graph, and for each number of columns held fixed takes away the
    /// pairs they separate. Neighbours are those from before the level: this is PC-stable.
    fn skeleton(&mut self, names: &[String], max_given: usize) -> Result<Graph> {
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
                let p_value = (self.test)(pair.0, pair.1, &given)?;
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
fn colliders(graph: &mut Graph, separations: &[Separation]) -> Vec<(usize, usize, usize)> {
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

/// The graph under its note, then how it came about.
impl fmt::Display for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.graph)?;
        if !self.conflicts.is_empty() {
            let n = self.conflicts.len();
            writeln!(
                f,
                "{n} contradictions among the tests: read the arrows with care"
            )?;
        }
        Ok(())
    }
}
