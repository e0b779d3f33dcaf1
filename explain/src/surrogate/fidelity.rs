//! How often a surrogate says what its model says, and which rows may tell.

use crate::Table;
use std::collections::HashSet;
use std::fmt;

/// How often a surrogate gives the model's class, beside what one answer for all would reach.
///
/// ```
/// use lepton_explain::{Table, surrogate::{Surrogate, SurrogateOptions}};
/// let names = ["x".to_string(), "y".to_string()];
/// let values: Vec<f64> = (0..80).map(|i| f64::from(i * 7 % 79)).collect();
/// let seen = &values[..60];
/// let model = |t: &Table<'_>| {
///     Ok((0..t.rows()).map(|i| usize::from(t.at(i, 0) > 40.0)).collect::<Vec<_>>())
/// };
/// let surrogate = Surrogate::fit(model, &Table::new(&names, seen)?, SurrogateOptions::default())?;
/// let all = surrogate.judge(model, &Table::new(&names, &values)?)?;
/// // Rows that grew the tree do not count.
/// assert_eq!((all.rows, all.seen), (10, 30));
/// assert!(all.share() > 0.85 && all.always_one_class() < 0.75, "{all}");
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fidelity {
    /// The rows that were asked.
    pub rows: usize,
    /// On how many of them the surrogate gives the model's class.
    pub agreeing: usize,
    /// The class that the model gives most often; the lowest of several.
    pub class: usize,
    /// On how many of the rows it gives that class: what always answering it would reach.
    pub of_class: usize,
    /// Rows left out since the tree was grown on them, or on equal ones.
    pub seen: usize,
}

impl Fidelity {
    /// For the model's classes of the rows, on `agreeing` of which the surrogate gives the same.
    pub(super) fn count(model: &[usize], agreeing: usize) -> Fidelity {
        let mut counts = vec![0; model.iter().max().map_or(1, |m| m + 1)];
        model.iter().for_each(|&c| counts[c] += 1);
        let most = counts.iter().copied().max().unwrap_or(0);
        Fidelity {
            rows: model.len(),
            agreeing,
            class: counts.iter().position(|&c| c == most).unwrap_or(0),
            of_class: most,
            seen: 0,
        }
    }

    /// The share of rows on which the surrogate gives the model's class, in [0, 1].
    pub fn share(&self) -> f64 {
        self.agreeing as f64 / self.rows.max(1) as f64
    }

    /// The share that always answering the model's most frequent class would reach.
    pub fn always_one_class(&self) -> f64 {
        self.of_class as f64 / self.rows.max(1) as f64
    }

    /// The sentence of [`Display`](fmt::Display) with a name for the class.
    pub(super) fn told(&self, class: &str) -> String {
        format!(
            "agrees on {} of {} rows that did not grow the tree ({:.1} %); always answering {class} \
             would on {} ({:.1} %)",
            self.agreeing,
            self.rows,
            100.0 * self.share(),
            self.of_class,
            100.0 * self.always_one_class()
        )
    }
}

/// The counts and both shares, in one sentence.
impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(&format!("class {}", self.class)))
    }
}

/// The rows that a tree was grown on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(HashSet<Vec<u64>>);

impl Seen {
    pub(super) fn rows_of(table: &Table<'_>) -> Seen {
        Seen((0..table.rows()).map(|i| bits(table.row(i))).collect())
    }

    /// The values of the rows of `table` that are none of these, row after row.
    pub(super) fn others(&self, table: &Table<'_>) -> Vec<f64> {
        let other = |&i: &usize| !self.0.contains(&bits(table.row(i)));
        let rows = (0..table.rows()).filter(other);
        rows.flat_map(|i| table.row(i).iter().copied()).collect()
    }
}

/// A row to compare by: -0 is 0.
fn bits(row: &[f64]) -> Vec<u64> {
    row.iter().map(|v| (v + 0.0).to_bits()).collect()
}
