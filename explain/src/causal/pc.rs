//! The PC algorithm (Spirtes & Glymour, 1991), stable form (Colombo & Maathuis, 2014).

use super::columns::{ColumnKind, Columns};
use super::correlation::Correlation;
use super::graph::Graph;
use super::skeleton::{Search, Separation, colliders};
use super::{NOTE, meek, mixed};
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
    /// Added to each variance of the standardised columns in Fisher's test, so that columns which
    /// repeat each other can be tested; 0 reports them as an error.
    pub ridge: f64,
    /// Which test is run.
    pub tests: Tests,
}

impl Default for PcOptions {
    /// Level 0.05, any number of columns held fixed, no ridge, tests that fit the columns.
    fn default() -> PcOptions {
        PcOptions {
            alpha: 0.05,
            max_given: None,
            ridge: 0.0,
            tests: Tests::ByColumn,
        }
    }
}

/// The tests of independence that [`pc`] runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tests {
    /// Those that fit the [`ColumnKind`]s: Fisher's z where all columns hold quantities, the G test
    /// where all hold classes, and between them the likelihood ratio of conditional Gaussians (of
    /// logistic regressions, where both columns of a pair hold classes and quantities are held
    /// fixed).
    #[default]
    ByColumn,
    /// Fisher's z for every column. The graph's note then names the columns that hold classes,
    /// for which it is no valid test.
    FisherZ,
}

/// What [`pc`] found, and how sure it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Discovery {
    /// The class of diagrams that fits the tests, noted as "association, not cause", with the tests
    /// and a warning if they contradict each other.
    pub graph: Graph,
    /// Each pair that was separated, with the columns held fixed and the p-value.
    pub separations: Vec<Separation>,
    /// How many tests were run.
    pub tests: usize,
    /// How many of them had too few rows to tell; they separate nothing.
    pub untested: usize,
    /// Colliders `(a, middle, b)` that the tests called for but that contradict stronger ones: those
    /// of the graph, whose printed forms warn of them. Where there are some, the assumptions or the
    /// sample size are in doubt.
    pub conflicts: Vec<(usize, usize, usize)>,
}

/// Learns which columns of `table` are directly associated, and which way where that follows.
///
/// Linear relations with Gaussian noise and no common cause outside the table are assumed; a column
/// of few values holds classes ([`ColumnKind`]), within which the others are Gaussian. The order of
/// the columns has no say: edges are removed level by level (PC-stable), a pair keeps the separating
/// set with the largest p-value, and of colliders that contradict each other the one whose separation
/// has the larger p-value stands.
///
/// One sample says little about how sure an edge is: see [`pc_bootstrap`](super::pc_bootstrap).
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
/// If an option is out of range, there are fewer than four rows, or a column is constant or, without
/// a ridge, a linear combination of others; the sentence names it.
pub fn pc(table: &Table<'_>, options: PcOptions) -> Result<Discovery> {
    pc_of_kinds(table, &ColumnKind::of(table), options).map_err(|e| e.at("pc"))
}

/// [`pc`] with the kind of each column given.
pub(super) fn pc_of_kinds(
    table: &Table<'_>,
    kinds: &[ColumnKind],
    options: PcOptions,
) -> Result<Discovery> {
    // With n rows at most n - 4 columns can be held fixed.
    let most = table
        .rows()
        .checked_sub(4)
        .ok_or_else(|| Error::shape(format!("{} rows; at least four are needed", table.rows())))?;
    let most = options.max_given.map_or(most, |m| m.min(most));
    let correlation = Correlation::of(table, options.ridge)?;
    correlation.check_rank()?;
    let continuous = |k: &ColumnKind| *k == ColumnKind::Continuous;
    let found = if options.tests == Tests::FisherZ || kinds.iter().all(continuous) {
        let test = |x, y, given: &[usize]| correlation.p_value(x, y, given).map(Some);
        search(table.names(), options.alpha, most, test)?
    } else {
        let columns = Columns::read(table, kinds)?;
        let test = |x, y, given: &[usize]| Ok(mixed::p_value(&columns, x, y, given));
        search(table.names(), options.alpha, most, test)?
    };
    let note = settings(table, kinds, options);
    Ok(Discovery {
        graph: found.graph.clone().with_note(note),
        ..found
    })
}

/// What the graph says of how it came about.
fn settings(table: &Table<'_>, kinds: &[ColumnKind], options: PcOptions) -> String {
    let names: Vec<String> = table
        .names()
        .iter()
        .zip(kinds)
        .filter(|(_, kind)| **kind != ColumnKind::Continuous)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let (test, limit) = match options.tests {
        _ if names.is_empty() => ("Fisher z", String::new()),
        Tests::FisherZ => (
            "Fisher z",
            format!("; not valid for {}, of few values", names.join(", ")),
        ),
        Tests::ByColumn if names.len() == kinds.len() => ("G tests", String::new()),
        Tests::ByColumn => (
            "conditional Gaussian tests",
            format!("; {} as classes", names.join(", ")),
        ),
    };
    format!(
        "{NOTE} (PC, {test} at level {}, {} rows{limit})",
        options.alpha,
        table.rows()
    )
}

/// [`pc`] with any test of independence: `test(x, y, given)` is the p-value of "x and y are
/// independent when the columns `given` (in order) are held fixed", at most `max_given` of them.
///
/// # Errors
/// If `alpha` is not in (0, 1), or `test` fails or gives no p-value.
pub fn pc_with(
    names: &[String],
    alpha: f64,
    max_given: usize,
    test: impl Fn(usize, usize, &[usize]) -> Result<f64>,
) -> Result<Discovery> {
    let checked = |x: usize, y: usize, given: &[usize]| {
        let p = test(x, y, given)?;
        if (0.0..=1.0).contains(&p) {
            return Ok(Some(p));
        }
        Err(Error::value(format!(
            "pc: the test of `{}` and `{}` gave {p}; a p-value lies in [0, 1]",
            names[x], names[y]
        )))
    };
    search(names, alpha, max_given, checked)
}

fn search(
    names: &[String],
    alpha: f64,
    max_given: usize,
    test: impl Fn(usize, usize, &[usize]) -> Result<Option<f64>>,
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
        untested: 0,
        separations: Vec::new(),
    };
    let mut graph = search.skeleton(names, max_given)?;
    let conflicts = colliders(&mut graph, &search.separations);
    let torn = meek::close(&mut graph);
    Ok(Discovery {
        graph: graph
            .with_note(NOTE)
            .with_contradictions(conflicts.clone(), torn),
        separations: search.separations,
        tests: search.tests,
        untested: search.untested,
        conflicts,
    })
}

/// The graph under its note, then how many tests could not tell.
impl fmt::Display for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.graph)?;
        if self.untested > 0 {
            writeln!(
                f,
                "{} of {} tests had too few rows to tell and separate nothing",
                self.untested, self.tests
            )?;
        }
        Ok(())
    }
}
