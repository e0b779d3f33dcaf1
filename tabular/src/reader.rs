//! CSV into a [`Table`]: types from the first value of each column, and every complaint with its place.
//!
//! The bytes are read whole before they are parsed: the table is held in memory anyway, and only so are
//! lines exact after CRLF and blank lines, and an unclosed quote found where it was opened.

use std::io::Read;

use lepton_tensor::{Error, Result};

use crate::table::{Cells, Column, Table, check_names, name_list, place, unknown_column};

/// What a reader of CSV may be told beforehand.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Columns to take as text even where they hold numbers (post codes, say).
    pub categorical: Vec<String>,
}

/// The cells that mean "no value".
const MISSING: [&str; 5] = ["", "NA", "NaN", "nan", "null"];

impl Table {
    /// Reads comma-separated UTF-8 with a header line; `source` is what messages call it.
    ///
    /// A column is numeric when its first value is a number; missing are empty cells, `NA`, `NaN`,
    /// `nan` and `null`. A column of only `true` and `false`, in any case, is of truth values, and
    /// any other is text. Spaces around cells are dropped, blank lines skipped; a byte order mark,
    /// CRLF, quoted cells and a missing last newline are fine.
    ///
    /// # Errors
    /// One sentence with file, line, column and what to do, when the bytes are not such a table: not
    /// UTF-8, empty, a header without rows, a row of another length, two columns of one name, an
    /// unclosed quote, or text further down a numeric column that `options` does not call categorical.
    ///
    /// ```
    /// use lepton_tabular::{ReadOptions, Table};
    /// let bad = "age,sex\n63,f\nold,m\n";
    /// let error = Table::read(bad.as_bytes(), "visits.csv", &ReadOptions::default()).unwrap_err();
    /// assert!(error.to_string().starts_with("visits.csv, line 3, column `age`: `old` is not a number"));
    /// ```
    pub fn read(mut reader: impl Read, source: &str, options: &ReadOptions) -> Result<Table> {
        let mut bytes = Vec::new();
        reader
            .read_to_end(&mut bytes)
            .map_err(|e| Error::io(source, &e))?;
        parse(&bytes, source, options)
    }
}

fn parse(bytes: &[u8], source: &str, options: &ReadOptions) -> Result<Table> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = utf8(bytes).map_err(|e| e.at(source))?;
    if text.trim().is_empty() {
        let message = format!("{source}: the file is empty; it needs a header line and rows");
        return Err(Error::format(message));
    }
    let mut records = Records::new(text, source);
    let (header_line, header) = records.next()?.unwrap_or_default();
    let at_header = |e: Error| e.at(format!("{source}, line {header_line}"));
    let names: Vec<String> = header.iter().map(str::to_string).collect();
    check_separator(&names).map_err(at_header)?;
    check_names(names.iter().map(String::as_str)).map_err(at_header)?;
    let shown: Vec<&str> = names.iter().map(String::as_str).collect();
    for wanted in &options.categorical {
        if !names.contains(wanted) {
            return Err(unknown_column(&shown, wanted).at(source));
        }
    }
    let column = |name: &String| Growing::new(options.categorical.contains(name));
    let mut columns: Vec<Growing> = names.iter().map(column).collect();
    let mut lines = Vec::new();
    while let Some((line, record)) = records.next()? {
        if record.len() != names.len() {
            return Err(wrong_length(record.len(), &shown).at(format!("{source}, line {line}")));
        }
        for ((column, name), cell) in columns.iter_mut().zip(&names).zip(record.iter()) {
            let cell = (!MISSING.contains(&cell)).then_some(cell);
            column
                .push(cell, line)
                .map_err(|e| e.at(place(source, line, name)))?;
        }
        lines.push(line);
    }
    if lines.is_empty() {
        let message = format!("{source}: there is a header line but no row below it");
        return Err(Error::format(message));
    }
    let columns = names.into_iter().zip(columns);
    let columns = columns.map(|(name, c)| Column {
        name,
        cells: c.finish(),
    });
    Ok(Table::from_parts(
        source.to_string(),
        columns.collect(),
        lines,
    ))
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(Error::format(
            "the file is UTF-16; save it as UTF-8 (\"CSV UTF-8\" in a spreadsheet)",
        ));
    }
    std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + newlines(&bytes[..e.valid_up_to()]);
        Error::format(format!(
            "line {line} is not UTF-8 text; save the file as UTF-8 (\"CSV UTF-8\" in a spreadsheet)"
        ))
    })
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&b| b == b'\n').count() as u64
}

fn check_separator(names: &[String]) -> Result<()> {
    let [only] = names else { return Ok(()) };
    match only.chars().find(|c| [';', '\t', '|'].contains(c)) {
        None => Ok(()),
        Some(c) => Err(Error::format(format!(
            "the cells seem to be separated by {c:?}; separate them by commas"
        ))),
    }
}

fn wrong_length(cells: usize, names: &[&str]) -> Error {
    let n = names.len();
    let (s, hint) = (
        if cells == 1 { "" } else { "s" },
        match cells < n {
            true => format!("nothing stands for column `{}`", names[cells]),
            false => "quote a cell that holds a comma".to_string(),
        },
    );
    Error::format(format!(
        "the row has {cells} cell{s}, but the header names {n} columns ({}); {hint}",
        name_list(names)
    ))
}

/// The records of a text, each with the line it starts on.
struct Records<'a> {
    text: &'a str,
    source: &'a str,
    reader: csv::Reader<&'a [u8]>,
    /// `line` is the line of byte `at`; both only move forward.
    at: usize,
    line: u64,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, source: &'a str) -> Records<'a> {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true) // our own message for a wrong length
            .from_reader(text.as_bytes());
        Records {
            text,
            source,
            reader,
            at: 0,
            line: 1,
        }
    }

    fn next(&mut self) -> Result<Option<(u64, csv::StringRecord)>> {
        let start = self.reader.position().byte() as usize;
        let mut record = csv::StringRecord::new();
        let more = self
            .reader
            .read_record(&mut record)
            .map_err(|e| Error::format(e.to_string()).at(self.source))?;
        let line = self.line_of(start);
        let end = self.reader.position().byte() as usize;
        if let Some(line) = unclosed_quote(&self.text.as_bytes()[self.at..end], line) {
            return Err(Error::format(format!(
                "{}, line {line}: the quote opened here is never closed; close it, or double a quote that is meant as one",
                self.source
            )));
        }
        record.trim();
        Ok(more.then_some((line, record)))
    }

    /// The line of the first byte from `start` on that is no line end: csv's own count lags by one
    /// after CRLF, and it counts blank lines to the record they precede.
    fn line_of(&mut self, start: usize) -> u64 {
        let bytes = self.text.as_bytes();
        let blank = bytes[start..]
            .iter()
            .take_while(|&&b| b == b'\n' || b == b'\r')
            .count();
        let start = start + blank;
        self.line += newlines(&bytes[self.at..start]);
        self.at = start;
        self.line
    }
}

/// The line of a quote that is open when `record`, which starts on `line`, ends. A quote opens only at
/// the start of a cell, and a doubled one inside stands for itself (RFC 4180).
fn unclosed_quote(record: &[u8], line: u64) -> Option<u64> {
    let (mut open, mut start, mut line) = (None, true, line);
    for &b in record {
        match (b, open) {
            (b'"', None) if start => open = Some(line),
            // Closes the cell; a second quote right behind it opens it again.
            (b'"', Some(_)) => (open, start) = (None, true),
            (_, Some(_)) => {}
            (_, None) => start = matches!(b, b',' | b'\n' | b'\r'),
        }
        line += u64::from(b == b'\n');
    }
    open
}

/// A column while it grows; its type is settled by its first value.
enum Growing {
    /// No value so far, and this many missing ones.
    Unknown(usize),
    Number {
        values: Vec<f64>,
        /// The line of the first value, for the message.
        first: u64,
    },
    Text {
        values: Vec<Option<String>>,
        /// Set by the user, so no guess is made about truth values.
        forced: bool,
    },
}

impl Growing {
    fn new(categorical: bool) -> Growing {
        match categorical {
            true => Growing::Text {
                values: Vec::new(),
                forced: true,
            },
            false => Growing::Unknown(0),
        }
    }

    fn push(&mut self, cell: Option<&str>, line: u64) -> Result<()> {
        match (&mut *self, cell) {
            (Growing::Unknown(missing), None) => *missing += 1,
            (Growing::Unknown(missing), Some(cell)) => {
                *self = match cell.parse::<f64>() {
                    Ok(x) => Growing::Number {
                        values: [vec![f64::NAN; *missing], vec![x]].concat(),
                        first: line,
                    },
                    Err(_) => Growing::Text {
                        values: [vec![None; *missing], vec![Some(cell.to_string())]].concat(),
                        forced: false,
                    },
                }
            }
            (Growing::Number { values, .. }, None) => values.push(f64::NAN),
            (Growing::Number { values, first }, Some(cell)) => match cell.parse() {
                Ok(x) => values.push(x),
                Err(_) => return Err(not_a_number(cell, *first)),
            },
            (Growing::Text { values, .. }, cell) => values.push(cell.map(str::to_string)),
        }
        Ok(())
    }

    fn finish(self) -> Cells {
        match self {
            Growing::Unknown(missing) => Cells::Number(vec![f64::NAN; missing]),
            Growing::Number { values, .. } => Cells::Number(values),
            Growing::Text { values, forced } if forced => Cells::Text(values),
            Growing::Text { values, .. } => truth(&values).unwrap_or(Cells::Text(values)),
        }
    }
}

fn not_a_number(cell: &str, first: u64) -> Error {
    let mut shown: String = cell.chars().take(40).collect();
    if shown.len() < cell.len() {
        shown.push('…');
    }
    Error::format(format!(
        "`{}` is not a number, but the column's first value (line {first}) is; correct the cell, leave it \
         empty, or name the column as categorical",
        shown.escape_debug()
    ))
}

/// The column as truth values, when every value is `true` or `false` in some case.
fn truth(values: &[Option<String>]) -> Option<Cells> {
    let mut words: [Option<&str>; 2] = [None, None];
    let mut parsed = Vec::new();
    for value in values {
        let Some(text) = value else {
            parsed.push(None);
            continue;
        };
        let b = ["false", "true"]
            .iter()
            .position(|w| text.eq_ignore_ascii_case(w))?;
        words[b].get_or_insert(text);
        parsed.push(Some(b == 1));
    }
    let words = [words[0].unwrap_or("false"), words[1].unwrap_or("true")];
    Some(Cells::Bool {
        values: parsed,
        words: words.map(str::to_string),
    })
}

#[cfg(test)]
mod tests;
