//! Columns into a matrix of `f32`, and the memory of how, which a saved model carries.

mod encode;
mod read;

use lepton_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::idle;
use crate::number;
use crate::scale::{Method, Scale};
use crate::table::{Cells, Column, Table, check_names};

/// More categories than this are an identifier rather than a category.
const MAX_CATEGORIES: usize = 256;

/// A row-major matrix, one row for each row of the table it was made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// How many rows there are.
    pub rows: usize,
    /// How many values a row has.
    pub cols: usize,
    /// `rows * cols` values, row after row.
    pub values: Vec<f32>,
    /// What a user should know: where values were missing or unknown, and what stands for them.
    pub notes: Vec<String>,
}

impl Matrix {
    /// Row `i`.
    ///
    /// # Panics
    /// When `i` is not below `rows`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.cols..][..self.cols]
    }
}

/// How one column becomes numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Encoding {
    /// One value: the number (false is 0, true is 1), scaled.
    Number {
        /// What stands for a missing value, before scaling: the median of the training rows.
        fill: f64,
        /// The scaling.
        scale: Scale,
    },
    /// One value for each category: 1 for the row's own, 0 elsewhere. A missing value and a category
    /// that the training rows did not have are all zeros.
    Category {
        /// The categories, sorted by bytes.
        values: Vec<String>,
    },
}

/// A column that a model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The column's name.
    pub name: String,
    /// How it becomes numbers.
    #[serde(flatten)]
    pub encoding: Encoding,
    /// What stood beside its numbers, such as `%`, `$` or `kg`: new rows have the same there, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// How the columns of a table become a matrix, learnt from the training rows.
///
/// It serialises; a deserialised one has been checked, so it can encode any table or say why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Feature>", into = "Vec<Feature>")]
pub struct Features(Vec<Feature>);

impl Features {
    /// Learns from `table` how to encode its columns: numbers are scaled by `method`, their missing values
    /// become the median, and text becomes one column for each category. Left out are columns that teach
    /// nothing: those with one value only, and those whose texts identify the rows.
    ///
    /// # Errors
    /// When there is no column or row, no column teaches anything, a number is beyond f32, or a text
    /// column has more than 256 categories.
    pub fn fit(table: &Table, method: Method) -> Result<Features> {
        let teaches = |column: &Column| idle::why(&column.cells).is_none();
        Features::build(table, teaches, |values, _| {
            Ok(Encoding::Number {
                fill: median(values),
                scale: Scale::fit(method, values),
            })
        })
    }

    /// The same with published ranges `(column, low, high)` instead of statistics of the rows: they go
    /// to `-1..=1`, a missing value to the middle. Names and categories still come from `table`.
    ///
    /// # Errors
    /// As [`Features::fit`], and when a numeric column has no range or a range does not rise.
    pub fn from_ranges(table: &Table, ranges: &[(&str, f64, f64)]) -> Result<Features> {
        let all = |_: &Column| true;
        Features::build(table, all, |_, column| {
            let known = ranges.iter().find(|r| r.0 == column);
            let &(_, low, high) = known.ok_or_else(|| Error::value("no range is given for it"))?;
            let scale = Scale::from_range(low, high)?;
            Ok(Encoding::Number {
                fill: scale.shift,
                scale,
            })
        })
    }

    fn build(
        table: &Table,
        kept: impl Fn(&Column) -> bool,
        number: impl Fn(&[f64], &str) -> Result<Encoding>,
    ) -> Result<Features> {
        if table.rows() == 0 {
            let message = format!("{}: there is no row to learn from", table.source());
            return Err(Error::value(message));
        }
        let feature = |(i, column): (usize, &Column)| -> Result<Feature> {
            let name = &column.name;
            let here = |e: Error| e.at(format!("{}, column `{name}`", table.source()));
            let encoding = match numbers(table, column)? {
                Some(values) => number(&values, name).map_err(here)?,
                None => categories(&column.cells).map_err(here)?,
            };
            Ok(Feature {
                name: name.clone(),
                encoding,
                unit: table.origin(i).unit.clone(),
            })
        };
        let columns = table.columns().iter().enumerate();
        let features = columns.filter(|(_, column)| kept(column)).map(feature);
        let features = features.collect::<Result<Vec<_>>>()?;
        match features.is_empty() {
            true => Err(nothing_taught(table).at(table.source())),
            false => Features::try_from(features).map_err(|e| e.at(table.source())),
        }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Feature] {
        &self.0
    }

    /// How many values a row becomes.
    pub fn width(&self) -> usize {
        self.0.iter().map(Feature::width).sum()
    }

    /// The name of each value of a row: a number's column, `column=category` for the others.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().flat_map(Feature::names).collect()
    }

    /// The columns that are read as text; a reader of new rows must be told
    /// (`ReadOptions::categorical`), or a category that looks like a number becomes one.
    pub fn categorical(&self) -> Vec<String> {
        let text = |f: &&Feature| matches!(f.encoding, Encoding::Category { .. });
        self.0.iter().filter(text).map(|f| f.name.clone()).collect()
    }
}

/// What to say when every column is left out.
fn nothing_taught(table: &Table) -> Error {
    const SHOWN: usize = 3;
    let left_out = idle::left_out(table);
    let reasons = left_out.iter().take(SHOWN);
    let reasons: Vec<String> = reasons
        .map(|l| format!("`{}`: {}", l.column, l.why))
        .collect();
    let more = match left_out.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    let reasons = reasons.join(", ");
    Error::value(format!(
        "no column has anything to learn from ({reasons}{more})"
    ))
}

impl Feature {
    fn width(&self) -> usize {
        match &self.encoding {
            Encoding::Number { .. } => 1,
            Encoding::Category { values } => values.len(),
        }
    }

    fn names(&self) -> Vec<String> {
        match &self.encoding {
            Encoding::Number { .. } => vec![self.name.clone()],
            Encoding::Category { values } => values
                .iter()
                .map(|v| format!("{}={v}", self.name))
                .collect(),
        }
    }
}

impl From<Features> for Vec<Feature> {
    fn from(features: Features) -> Vec<Feature> {
        features.0
    }
}

impl TryFrom<Vec<Feature>> for Features {
    type Error = Error;

    fn try_from(features: Vec<Feature>) -> Result<Features> {
        check_names(features.iter().map(|f| f.name.as_str()))?;
        for feature in &features {
            let sound = match &feature.encoding {
                Encoding::Number { fill, scale } => fill.is_finite() && scale.check().is_ok(),
                Encoding::Category { values } => values.windows(2).all(|w| w[0] < w[1]),
            };
            if !sound {
                return Err(Error::format(format!(
                    "column `{}`: its scaling is not finite, or its categories are not sorted",
                    feature.name
                )));
            }
        }
        if features.iter().all(|f| f.width() == 0) {
            return Err(Error::format("no column has a value to learn from"));
        }
        Ok(Features(features))
    }
}

/// The column as numbers, `NaN` where missing; `None` when it is text.
fn numbers(table: &Table, column: &Column) -> Result<Option<Vec<f64>>> {
    match &column.cells {
        Cells::Text(_) => Ok(None),
        Cells::Bool { values, .. } => {
            let number = |b: &Option<bool>| b.map_or(f64::NAN, |b| f64::from(u8::from(b)));
            Ok(Some(values.iter().map(number).collect()))
        }
        Cells::Number(values) => match values.iter().position(|x| x.abs() > f64::from(f32::MAX)) {
            None => Ok(Some(values.clone())),
            Some(i) => {
                Err(Error::value(number::too_large(values[i])).at(table.place(i, &column.name)))
            }
        },
    }
}

fn categories(cells: &Cells) -> Result<Encoding> {
    let mut values: Vec<String> = (0..cells.len()).filter_map(|i| cells.text(i)).collect();
    values.sort_unstable();
    values.dedup();
    match values.len() {
        n if n > MAX_CATEGORIES => Err(Error::value(format!(
            "it has {n} different texts, more than the {MAX_CATEGORIES} that can be categories; \
             leave the column out if it identifies rows"
        ))),
        _ => Ok(Encoding::Category { values }),
    }
}

/// The middle of the values that are there; 0 when none is.
fn median(values: &[f64]) -> f64 {
    let mut known: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    match (known.len(), known.len() / 2) {
        (0, _) => 0.0,
        (n, half) if n % 2 == 1 => known[half],
        (_, half) => known[half - 1] / 2.0 + known[half] / 2.0,
    }
}

#[cfg(test)]
mod tests;
