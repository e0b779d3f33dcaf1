//! Cells into the numbers that a model reads, by what the training rows taught.

use std::collections::HashMap;

use lepton_tensor::{Error, Result};

use super::{Encoding, Feature, Features, Matrix};
use crate::number;
use crate::table::{Cells, Table};

/// What follows "is not a number" in a column of numbers.
pub(super) const READS_NUMBERS: &str = ", but the model reads numbers here";

impl Matrix {
    /// A matrix of zeros.
    ///
    /// # Errors
    /// When it does not fit into memory.
    pub(super) fn zeros(rows: usize, cols: usize) -> Result<Matrix> {
        let mut values: Vec<f32> = Vec::new();
        let cells = rows.checked_mul(cols);
        if cells.is_none_or(|n| values.try_reserve_exact(n).is_err()) {
            let message = format!("a matrix of {rows} x {cols} values does not fit into memory");
            return Err(Error::value(message));
        }
        values.resize(rows * cols, 0.0);
        Ok(Matrix {
            rows,
            cols,
            values,
            notes: Vec::new(),
        })
    }
}

impl Features {
    /// The matrix of `table`, which may have other columns beside these, in any order.
    ///
    /// # Errors
    /// When a column is not there, has text instead of numbers, or a value that is not finite as `f32`.
    pub fn encode(&self, table: &Table) -> Result<Matrix> {
        let matrix = Matrix::zeros(table.rows(), self.width());
        let mut matrix = matrix.map_err(|e| e.at(table.source()))?;
        let places = table.places();
        let mut at = 0;
        for feature in &self.0 {
            let place = places.get(feature.name.as_str());
            let &place = place.ok_or_else(|| table.no_column(&feature.name))?;
            check_unit(feature, table, place)?;
            let (mut encoder, cells) = (Encoder::new(feature), &table.columns()[place].cells);
            for row in 0..table.rows() {
                let to = &mut matrix.values[row * matrix.cols + at..][..encoder.width];
                encoder
                    .cell(cells, row, table.line(row), to)
                    .map_err(|e| e.at(table.place(row, &feature.name)))?;
            }
            matrix.notes.extend(encoder.notes());
            at += encoder.width;
        }
        Ok(matrix)
    }
}

/// Numbers of another unit are other numbers.
fn check_unit(feature: &Feature, table: &Table, place: usize) -> Result<()> {
    let known = feature.unit.as_ref();
    match &table.origin(place).unit {
        Some(unit) if known != Some(unit) => {
            let known = known.map_or("none".to_string(), |known| format!("`{known}`"));
            let message = format!(
                "its numbers carry `{unit}`, but those that the model learnt from carry {known}; write them as those"
            );
            let place = format!("{}, column `{}`", table.source(), feature.name);
            Err(Error::value(message).at(place))
        }
        _ => Ok(()),
    }
}

/// One column on its way into a matrix, and what is met there.
pub(super) struct Encoder<'a> {
    pub(super) feature: &'a Feature,
    /// How many values a cell becomes.
    pub(super) width: usize,
    /// The place of each category.
    places: HashMap<&'a str, usize>,
    missing: usize,
    unknown: usize,
    /// The first unknown category and its line.
    first: Option<(u64, String)>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(feature: &'a Feature) -> Encoder<'a> {
        let places = match &feature.encoding {
            Encoding::Number { .. } => HashMap::new(),
            Encoding::Category { values } => values.iter().map(String::as_str).zip(0..).collect(),
        };
        Encoder {
            feature,
            width: feature.width(),
            places,
            missing: 0,
            unknown: 0,
            first: None,
        }
    }

    fn cell(&mut self, cells: &Cells, row: usize, line: u64, to: &mut [f32]) -> Result<()> {
        if let Encoding::Category { .. } = self.feature.encoding {
            self.category(cells.text(row).as_deref(), line, to);
            return Ok(());
        }
        let number = match cells {
            Cells::Number(values) => values[row],
            Cells::Bool { values, .. } => values[row].map_or(f64::NAN, |b| f64::from(u8::from(b))),
            Cells::Text(values) => match &values[row] {
                None => f64::NAN,
                Some(text) => {
                    let text = text.escape_debug();
                    let message = format!("`{text}` is not a number{READS_NUMBERS}");
                    return Err(Error::format(message));
                }
            },
        };
        self.number(number, to)
    }

    /// Writes a number, `NaN` where it is missing.
    pub(super) fn number(&mut self, x: f64, to: &mut [f32]) -> Result<()> {
        let Encoding::Number { fill, scale } = self.feature.encoding else {
            return Ok(());
        };
        self.missing += usize::from(x.is_nan());
        let y = scale.apply(if x.is_nan() { fill } else { x }) as f32;
        if !y.is_finite() {
            return Err(Error::value(number::too_large(x)));
        }
        to[0] = y;
        Ok(())
    }

    /// Writes a category into zeros, `None` where it is missing.
    pub(super) fn category(&mut self, text: Option<&str>, line: u64, to: &mut [f32]) {
        let Some(text) = text else {
            self.missing += 1;
            return;
        };
        match self.places.get(text) {
            Some(&place) => to[place] = 1.0,
            None => {
                self.unknown += 1;
                self.first.get_or_insert_with(|| (line, text.to_string()));
            }
        }
    }

    /// What a user should know of the cells that were met.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let n = self.missing;
        let missing = match &self.feature.encoding {
            Encoding::Number { fill, .. } => format!("{n} missing values count as {fill}"),
            Encoding::Category { .. } => format!("{n} missing values belong to no category"),
        };
        let missing = (n > 0).then_some(missing);
        let unknown = self.first.as_ref().map(|(line, text)| {
            format!(
                "{} values are not among the training rows' categories and belong to none (line {line}: `{}`)",
                self.unknown,
                text.escape_debug()
            )
        });
        let name = &self.feature.name;
        let notes = missing.into_iter().chain(unknown);
        notes.map(move |note| format!("column `{name}`: {note}"))
    }
}
