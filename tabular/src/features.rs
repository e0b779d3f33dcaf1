//! Columns into a matrix of `f32`, and the memory of how, which a saved model carries.

use std::collections::HashMap;

use lepton_tensor::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

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
}

/// How the columns of a table become a matrix, learnt from the training rows.
///
/// It serialises; a deserialised one has been checked, so it can encode any table or say why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Feature>", into = "Vec<Feature>")]
pub struct Features(Vec<Feature>);

impl Features {
    /// Learns from `table` how to encode its columns, all of them: numbers are scaled by `method`,
    /// their missing values become the median, and text becomes one column for each category.
    ///
    /// # Errors
    /// When there is no column or row, a number is infinite, or a text column has more than 256
    /// categories.
    pub fn fit(table: &Table, method: Method) -> Result<Features> {
        Features::build(table, |values, _| {
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
        Features::build(table, |_, column| {
            let known = ranges.iter().find(|r| r.0 == column);
            let &(_, low, high) = known.ok_or_else(|| Error::value("no range is given for it"))?;
            let scale = Scale::from_range(low, high)?;
            Ok(Encoding::Number {
                fill: scale.shift,
                scale,
            })
        })
    }

    fn build(table: &Table, number: impl Fn(&[f64], &str) -> Result<Encoding>) -> Result<Features> {
        if table.rows() == 0 {
            let message = format!("{}: there is no row to learn from", table.source());
            return Err(Error::value(message));
        }
        let feature = |column: &Column| -> Result<Feature> {
            let name = &column.name;
            let here = |e: Error| e.at(format!("{}, column `{name}`", table.source()));
            let encoding = match numbers(table, column)? {
                Some(values) => number(&values, name).map_err(here)?,
                None => categories(&column.cells).map_err(here)?,
            };
            Ok(Feature {
                name: name.clone(),
                encoding,
            })
        };
        let features: Result<Vec<Feature>> = table.columns().iter().map(feature).collect();
        Features::try_from(features?).map_err(|e| e.at(table.source()))
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

    /// The matrix of `table`, which may have other columns beside these, in any order.
    ///
    /// # Errors
    /// When a column is not there, has text instead of numbers, or a value that is not finite as `f32`.
    pub fn encode(&self, table: &Table) -> Result<Matrix> {
        let (rows, cols) = (table.rows(), self.width());
        let mut values: Vec<f32> = Vec::new();
        let cells = rows.checked_mul(cols);
        let room = cells.is_some_and(|n| values.try_reserve_exact(n).is_ok());
        if !room {
            let message = format!("a matrix of {rows} x {cols} values does not fit into memory");
            return Err(Error::value(message).at(table.source()));
        }
        values.resize(rows * cols, 0.0);
        let mut matrix = Matrix {
            rows,
            cols,
            values,
            notes: Vec::new(),
        };
        let mut at = 0;
        for feature in &self.0 {
            let column = table.column(&feature.name)?;
            match &feature.encoding {
                Encoding::Number { fill, scale } => {
                    encode_number(table, column, *fill, *scale, &mut matrix, at)?;
                }
                Encoding::Category { values } => {
                    encode_category(table, column, values, &mut matrix, at);
                }
            }
            at += feature.width();
        }
        Ok(matrix)
    }
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
        Cells::Number(values) => match values.iter().position(|x| x.is_infinite()) {
            None => Ok(Some(values.clone())),
            Some(i) => {
                let message = format!("{} is not a finite number", values[i]);
                Err(Error::value(message).at(table.place(i, &column.name)))
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

fn encode_number(
    table: &Table,
    column: &Column,
    fill: f64,
    scale: Scale,
    matrix: &mut Matrix,
    at: usize,
) -> Result<()> {
    let name = &column.name;
    let Some(values) = numbers(table, column)? else {
        return Err(text_for_number(table, column));
    };
    let mut missing = 0;
    for (i, &x) in values.iter().enumerate() {
        missing += usize::from(x.is_nan());
        let y = scale.apply(if x.is_nan() { fill } else { x }) as f32;
        if !y.is_finite() {
            let message = format!("{x} is beyond what the model's 32-bit numbers hold once scaled");
            return Err(Error::value(message).at(table.place(i, name)));
        }
        matrix.values[i * matrix.cols + at] = y;
    }
    if missing > 0 {
        let note = format!("column `{name}`: {missing} missing values count as {fill}");
        matrix.notes.push(note);
    }
    Ok(())
}

fn text_for_number(table: &Table, column: &Column) -> Error {
    let there = |&i: &usize| !column.cells.is_missing(i);
    let Some(i) = (0..table.rows()).find(there) else {
        return Error::new(
            ErrorKind::Format,
            "the column has no number, but the model reads numbers here",
        )
        .at(format!("{}, column `{}`", table.source(), column.name));
    };
    let cell = column.cells.text(i).unwrap_or_default();
    let message = format!(
        "`{}` is not a number, but the model reads numbers here",
        cell.escape_debug()
    );
    Error::format(message).at(table.place(i, &column.name))
}

fn encode_category(
    table: &Table,
    column: &Column,
    known: &[String],
    matrix: &mut Matrix,
    at: usize,
) {
    let index: HashMap<&str, usize> = known.iter().map(String::as_str).zip(0..).collect();
    let (mut missing, mut unknown, mut first) = (0, 0, None);
    for i in 0..table.rows() {
        let Some(text) = column.cells.text(i) else {
            missing += 1;
            continue;
        };
        match index.get(text.as_str()) {
            Some(j) => matrix.values[i * matrix.cols + at + j] = 1.0,
            None => {
                unknown += 1;
                first.get_or_insert((i, text));
            }
        }
    }
    let name = &column.name;
    if missing > 0 {
        let note = format!("column `{name}`: {missing} missing values belong to no category");
        matrix.notes.push(note);
    }
    if let Some((i, text)) = first {
        let line = table.line(i);
        matrix.notes.push(format!(
            "column `{name}`: {unknown} values are not among the training rows' categories and belong to \
             none (line {line}: `{}`)",
            text.escape_debug()
        ));
    }
}

#[cfg(test)]
mod tests;
