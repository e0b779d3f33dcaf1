//! How the cells of a table are written.

use serde::{Deserialize, Serialize};

use crate::number::Decimal;

/// How cells are written: which words mean "no value", and which sign a fraction follows.
///
/// A model keeps that of its training table, since new rows come from the same hands.
///
/// ```
/// use lepton_tabular::{CellFormat, ReadOptions, Table};
/// let cells = CellFormat { missing: vec!["?".into()], decimal: ",".parse()? };
/// let options = ReadOptions { cells, ..ReadOptions::default() };
/// let t = Table::read("x\n\"3,5\"\n?\n".as_bytes(), "t.csv", &options)?;
/// assert_eq!(t.columns()[0].cells.text(0).as_deref(), Some("3.5"));
/// assert_eq!(t.columns()[0].cells.missing(), 1);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellFormat {
    /// The words that mean "no value"; an empty cell always does.
    pub missing: Vec<String>,
    /// The sign between the whole part of a number and its fraction.
    pub decimal: Decimal,
}

impl Default for CellFormat {
    fn default() -> CellFormat {
        CellFormat {
            missing: ["NA", "NaN", "nan", "null"].map(String::from).to_vec(),
            decimal: Decimal::Point,
        }
    }
}

impl CellFormat {
    pub(crate) fn is_missing(&self, cell: &str) -> bool {
        cell.is_empty() || self.missing.iter().any(|word| word == cell)
    }
}
