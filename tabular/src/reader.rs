//! CSV into a [`Table`]: all cells of a column decide on its type, and every complaint has its place.

use std::collections::HashSet;
use std::io::Read;

use lepton_tensor::Result;

use crate::column::{Texts, Unsettled};
use crate::format::CellFormat;
use crate::header::Header;
use crate::records::{Record, Records};
use crate::table::{Column, Table, check_names, unknown_column};

/// What a reader of CSV may be told beforehand.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Columns to take as text even where they hold numbers (post codes, say).
    pub categorical: Vec<String>,
    /// How the cells are written.
    pub cells: CellFormat,
}

impl Table {
    /// Reads comma-separated UTF-8 with a header line; `source` is what messages call it.
    ///
    /// A column is numeric when at least nine tenths of its values are numbers, or all but one. Missing are
    /// empty cells and the words of [`CellFormat::missing`]. A column of only `true` and `false`, in any
    /// case, is of truth values, and any other is text. Numbers may have a currency, a percent sign or a unit
    /// beside them, the same in the whole column, and their thousands apart. Spaces around cells are dropped,
    /// blank lines skipped; a byte order mark, a first line `sep=;`, comments above the header, any line
    /// ends, quoted cells, a comma at the end of every line and a missing last newline are fine.
    ///
    /// # Errors
    /// One sentence with file, line, column and what to do, when the bytes are not such a table: not
    /// UTF-8, empty, a header without rows or rows without a header, a row of another length, two columns of
    /// one name, an unclosed quote, or text in a numeric column that `options` does not call categorical.
    ///
    /// ```
    /// use lepton_tabular::{ReadOptions, Table};
    /// let bad = "age,sex\n63,f\nold,m\n41,m\n";
    /// let error = Table::read(bad.as_bytes(), "visits.csv", &ReadOptions::default()).unwrap_err();
    /// assert!(error.to_string().starts_with("visits.csv, line 3, column `age`: `old` is not a number"));
    /// ```
    pub fn read(reader: impl Read, source: &str, options: &ReadOptions) -> Result<Table> {
        let mut records = Records::new(reader, source)?;
        let mut header = Header::read(&mut records, source)?;
        check_names(header.names.iter().map(String::as_str))
            .map_err(|e| e.at(format!("{source}, line {}", header.line)))?;
        let text = categorical(options, &header.names).map_err(|e| e.at(source))?;
        let mut texts: Vec<Texts> = header.names.iter().map(|_| Texts::default()).collect();
        let (mut record, mut lines) = (Record::default(), Vec::new());
        while header.row(&mut records, &mut record, source)? {
            for (column, cell) in texts.iter_mut().zip(record.iter()) {
                column.push(cell).map_err(|e| e.at(source))?;
            }
            lines.push(record.line);
        }
        if lines.is_empty() {
            return Err(Header::no_row().at(source));
        }
        let settle = |(name, texts): (String, Texts)| {
            let column = Unsettled {
                source,
                name: &name,
                texts,
                lines: &lines,
                format: &options.cells,
            };
            let (cells, origin) = match text.contains(&name) {
                true => column.text(),
                false => column.settle(),
            }?;
            Ok((Column { name, cells }, origin))
        };
        let columns = header.names.into_iter().zip(texts).map(settle);
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Table::from_parts(source.to_string(), columns, lines))
    }
}

/// The columns to take as text.
fn categorical<'a>(options: &'a ReadOptions, names: &[String]) -> Result<HashSet<&'a String>> {
    let known: HashSet<&String> = names.iter().collect();
    match options.categorical.iter().find(|c| !known.contains(c)) {
        None => Ok(options.categorical.iter().collect()),
        Some(wanted) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Err(unknown_column(&names, wanted))
        }
    }
}

#[cfg(test)]
mod tests;
