//! A borrowed table of numbers: what the rooms of statistics and rules read.

use lepton_tensor::{Error, Result};

/// Rows of `f64` in row-major order under named columns, borrowed from whoever owns them.
///
/// A table holds finite numbers only: its constructor refuses NaN and infinity with their place,
/// so no room behind it meets a missing value.
///
/// ```
/// use lepton_explain::Table;
/// let names = ["age".to_string(), "bmi".to_string()];
/// let table = Table::new(&names, &[59.0, 32.1, 48.0, 21.6])?;
/// assert_eq!((table.rows(), table.columns()), (2, 2));
/// assert_eq!(table.row(1), [48.0, 21.6]);
/// assert!(table.column(0).eq([59.0, 48.0]));
/// assert!(Table::new(&names, &[1.0, f64::NAN]).is_err());
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    names: &'a [String],
    values: &'a [f64],
}

impl<'a> Table<'a> {
    /// A table of `values`, row after row, with one column for each of `names`.
    ///
    /// # Errors
    /// If there is no column, if `values` does not fill whole rows, or if a value is not finite.
    pub fn new(names: &'a [String], values: &'a [f64]) -> Result<Table<'a>> {
        let width = names.len();
        if width == 0 {
            return Err(Error::shape("table: there is no column; name at least one"));
        }
        if !values.len().is_multiple_of(width) {
            return Err(Error::shape(format!(
                "table: {} values do not fill whole rows of {width} columns",
                values.len()
            )));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::value(format!(
                "table: row {}, column `{}` is {}; fill or drop missing values first",
                at / width,
                names[at % width],
                values[at]
            )));
        }
        Ok(Table { names, values })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.names.len()
    }

    /// The number of columns, at least one.
    pub fn columns(&self) -> usize {
        self.names.len()
    }

    /// The names of the columns.
    pub fn names(&self) -> &'a [String] {
        self.names
    }

    /// Every value, row after row.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> &'a [f64] {
        &self.values[i * self.columns()..(i + 1) * self.columns()]
    }

    /// Column `j` from the first row to the last.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column(&self, j: usize) -> impl Iterator<Item = f64> + use<'a> {
        assert!(
            j < self.columns(),
            "table: column {j} of {}",
            self.columns()
        );
        self.values[j.min(self.values.len())..]
            .iter()
            .step_by(self.columns())
            .copied()
    }

    /// The value in row `i` and column `j`.
    ///
    /// # Panics
    /// If there is no such cell.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.row(i)[j]
    }
}
