//! What stands above the rows: a `sep=` line, comments, the names of the columns, or none of these.

use std::io::Read;

use lepton_tensor::{Error, Result};

use crate::number::{self, Decimal};
use crate::records::{Record, Records};
use crate::table::name_list;

/// The header of a table.
pub(crate) struct Header {
    /// The line of the names.
    pub(crate) line: u64,
    /// The columns' names, without those at the end that are empty: a comma ends every line of some files.
    pub(crate) names: Vec<String>,
    /// How many cells the line has.
    cells: usize,
    /// Whether rows may have values in columns at the end that have no name.
    pub(crate) unnamed: bool,
    /// A row that was read to tell what stands above it.
    first: Option<Record>,
}

impl Header {
    /// Reads as far as the columns' names.
    ///
    /// # Errors
    /// When there is nothing, or the first line holds numbers instead of names.
    pub(crate) fn read<R: Read>(records: &mut Records<R>, source: &str) -> Result<Header> {
        separator(records)?;
        let comment = comments(records)?;
        let mut record = Record::default();
        if !records.next(&mut record)? {
            let message = "the file is empty; it needs a header line and rows";
            return Err(Error::format(message).at(source));
        }
        let commented = comment
            .and_then(|(line, text)| names_in_comment(line, &text, &record, records.separator));
        let (names, first) = match commented {
            Some(names) => (names, Some(record)),
            None => (record, None),
        };
        let header = Header::of(names, first);
        let place = format!("{source}, line {}", header.line);
        header.check_separator().map_err(|e| e.at(&place))?;
        match header.is_data() {
            false => Ok(header),
            true => Err(header.missing().at(place)),
        }
    }

    fn of(mut names: Record, first: Option<Record>) -> Header {
        let cells = names.len();
        names.trim_end(1);
        Header {
            line: names.line,
            names: names.iter().map(str::to_string).collect(),
            cells,
            unnamed: false,
            first,
        }
    }

    /// Reads the next row into `record`; false at the end.
    ///
    /// # Errors
    /// When the row has another number of cells than the header, empty ones at its end aside.
    pub(crate) fn row<R: Read>(
        &mut self,
        records: &mut Records<R>,
        record: &mut Record,
        source: &str,
    ) -> Result<bool> {
        match self.first.take() {
            Some(first) => *record = first,
            None if !records.next(record)? => return Ok(false),
            None => {}
        }
        record.trim_end(self.names.len());
        let most = if self.unnamed { self.cells } else { 0 };
        match (self.names.len()..=most.max(self.names.len())).contains(&record.len()) {
            true => Ok(true),
            false => Err(self
                .wrong_length(record)
                .at(format!("{source}, line {}", record.line))),
        }
    }

    /// What to say when no row follows.
    pub(crate) fn no_row() -> Error {
        Error::format("there is a header line but no row below it")
    }

    fn check_separator(&self) -> Result<()> {
        let [only] = &self.names[..] else {
            return Ok(());
        };
        match only.chars().find(|c| [';', '\t', '|'].contains(c)) {
            None => Ok(()),
            Some(c) => Err(Error::format(format!(
                "the cells seem to be separated by {c:?}; separate them by commas"
            ))),
        }
    }

    /// Whether these are values and no names. Names may be whole numbers that rise: those of pixels,
    /// of years, or a column's place, from 0 on, where every name is a number.
    fn is_data(&self) -> bool {
        let parsed = |name: &String| number::parse(name, Decimal::Point).map(|w| w.value);
        let values: Vec<f64> = self.names.iter().filter_map(parsed).collect();
        let whole = values.iter().all(|x| x.fract() == 0.0 && *x >= 0.0);
        let rises = values.windows(2).all(|w| w[0] < w[1]);
        let places = || values.iter().enumerate().all(|(i, &x)| x == i as f64);
        let all = values.len() == self.names.len();
        !values.is_empty() && !(whole && rises && (!all || places()))
    }

    fn missing(&self) -> Error {
        let names: Vec<&str> = self.names.iter().map(String::as_str).take(5).collect();
        Error::format(format!(
            "the first line holds values ({}{}) where the columns' names belong; put a header line above it",
            names.join(", "),
            if self.names.len() > 5 { ", .." } else { "" },
        ))
    }

    fn wrong_length(&self, record: &Record) -> Error {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let (cells, n) = (record.len(), names.len());
        let (s, hint) = (
            if cells == 1 { "" } else { "s" },
            match cells {
                _ if cells < n => format!("nothing stands for column `{}`", names[cells]),
                _ if cells <= self.cells => format!("name column {cells}, or remove it"),
                _ => "quote a cell that holds a comma".to_string(),
            },
        );
        Error::format(format!(
            "the row has {cells} cell{s}, but the header names {n} columns ({}); {hint}",
            name_list(&names)
        ))
    }
}

/// Passes a first line such as `sep=;`, by which spreadsheets say what separates cells.
fn separator<R: Read>(records: &mut Records<R>) -> Result<()> {
    let Some((_, line)) = records.peek()? else {
        return Ok(());
    };
    let plain = line.trim_end_matches(',').trim_matches('"');
    if let Some(sign) = plain.strip_prefix("sep=").or(plain.strip_prefix("SEP="))
        && let [sign] = sign.as_bytes()
    {
        records.separator = *sign;
        records.pass(&line)?;
    } else if line == "sep=," {
        records.pass(&line)?;
    }
    Ok(())
}

/// Passes lines that start with `#` and returns the last.
fn comments<R: Read>(records: &mut Records<R>) -> Result<Option<(u64, String)>> {
    let mut last = None;
    while let Some((line, text)) = records.peek()?
        && text.starts_with('#')
    {
        records.pass(&text)?;
        last = Some((line, text));
    }
    Ok(last)
}

/// The names in a comment above `next`: `# a,b` over numbers, as NumPy writes, or `#a,b` of as many cells.
fn names_in_comment(line: u64, text: &str, next: &Record, separator: u8) -> Option<Record> {
    let names = Record::split(line, text.trim_start_matches('#'), separator);
    let values = next
        .iter()
        .any(|cell| number::parse(cell, Decimal::Point).is_some());
    let close = !text.starts_with("# ") && names.len() > 1;
    (names.len() == next.len() && (values || close)).then_some(names)
}
