//! Which columns hold quantities and which hold classes, and the columns as the tests read them.

use super::correlation::standardised;
use crate::Table;
use lepton_tensor::Result;
use std::collections::BTreeMap;

/// A column of more different values than this holds a quantity.
const MOST_CLASSES: usize = 10;

/// How the tests of [`pc`](super::pc) read a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A quantity, taken as Gaussian within each class of the columns that hold classes.
    Continuous,
    /// This many classes without an order, each its own value.
    Classes(usize),
}

impl ColumnKind {
    /// The kind of each column of `table`: classes where there are only two values, or at most ten
    /// that stand for five rows each or more; else a quantity.
    ///
    /// ```
    /// use lepton_explain::{Table, causal::ColumnKind};
    /// let names = ["size", "sick"].map(String::from);
    /// let table = Table::new(&names, &[1.5, 0.0, 2.5, 1.0, 3.0, 0.0, 4.5, 1.0])?;
    /// assert_eq!(ColumnKind::of(&table), [ColumnKind::Continuous, ColumnKind::Classes(2)]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    pub fn of(table: &Table<'_>) -> Vec<ColumnKind> {
        let kind = |j| match values(table, j).map_or(0, |v| v.len()) {
            k if k == 2 || (k > 2 && 5 * k <= table.rows()) => ColumnKind::Classes(k),
            _ => ColumnKind::Continuous,
        };
        (0..table.columns()).map(kind).collect()
    }
}

/// The different values of column `j` in ascending order, if there are few.
fn values(table: &Table<'_>, j: usize) -> Option<Vec<f64>> {
    let mut seen: Vec<f64> = Vec::new();
    for value in table.column(j) {
        if let Err(at) = seen.binary_search_by(|s| s.total_cmp(&(value + 0.0))) {
            if seen.len() == MOST_CLASSES {
                return None;
            }
            seen.insert(at, value + 0.0); // adding 0 makes one zero of two
        }
    }
    Some(seen)
}

/// A column as the tests read it.
#[derive(Clone, Debug)]
pub(super) enum Column {
    /// Values of mean 0 and variance 1.
    Continuous(Vec<f64>),
    /// The class of each row, below `levels`.
    Classes { levels: usize, codes: Vec<usize> },
}

/// All columns of a table.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    all: Vec<Column>,
    rows: usize,
}

impl Columns {
    /// Reads each column as `kinds` say.
    pub(super) fn read(table: &Table<'_>, kinds: &[ColumnKind]) -> Result<Columns> {
        let scale = (table.rows() as f64).sqrt();
        let read = |(j, kind): (usize, &ColumnKind)| match kind {
            ColumnKind::Continuous => {
                let mut values = standardised(table, j)?;
                values.iter_mut().for_each(|v| *v *= scale);
                Ok(Column::Continuous(values))
            }
            ColumnKind::Classes(_) => Ok(classes(table, j)),
        };
        Ok(Columns {
            all: kinds.iter().enumerate().map(read).collect::<Result<_>>()?,
            rows: table.rows(),
        })
    }

    /// The quantities of column `j`, if it holds some.
    pub(super) fn quantities(&self, j: usize) -> Option<&[f64]> {
        match &self.all[j] {
            Column::Continuous(values) => Some(values),
            Column::Classes { .. } => None,
        }
    }

    /// The number of classes and the class of each row, if column `j` holds classes.
    pub(super) fn classes(&self, j: usize) -> Option<(usize, &[usize])> {
        match &self.all[j] {
            Column::Continuous(_) => None,
            Column::Classes { levels, codes } => Some((*levels, codes)),
        }
    }

    /// The rows parted by the classes of the columns `given`, and the quantities among `given`.
    pub(super) fn parted(&self, given: &[usize]) -> (Vec<Vec<usize>>, Vec<&[f64]>) {
        let mut cells: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        let keys: Vec<&[usize]> = given
            .iter()
            .filter_map(|&j| self.classes(j).map(|c| c.1))
            .collect();
        for row in 0..self.rows {
            let key = keys.iter().map(|codes| codes[row]).collect();
            cells.entry(key).or_default().push(row);
        }
        let held = given.iter().filter_map(|&j| self.quantities(j)).collect();
        (cells.into_values().collect(), held)
    }
}

fn classes(table: &Table<'_>, j: usize) -> Column {
    let mut levels: Vec<f64> = table.column(j).map(|v| v + 0.0).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let code = |v: f64| levels.partition_point(|l| *l < v);
    Column::Classes {
        codes: table.column(j).map(code).collect(),
        levels: levels.len(),
    }
}
