//! CSV into records, a part of the file at a time, each with the line that it starts on.
//!
//! A quote opens at the start of a cell, blanks before it aside, and a doubled one inside stands for
//! itself (RFC 4180). LF, CRLF and a lone CR end a line; lines are counted as an editor shows them.

use std::io::Read;
use std::ops::Range;

use lepton_tensor::{Error, Result};

use crate::foreign::HEAD;
use crate::sniff;

/// Bytes that are read at once, at least.
const PART: usize = 1 << 16;
/// A row longer than this is no row of a table.
const LONGEST: usize = 1 << 28;

/// The cells of one row, without blanks around them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// The line it starts on, counted from 1.
    pub(crate) line: u64,
    text: String,
    cells: Vec<Range<usize>>,
}

impl Record {
    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Cell `i`; empty where the row has no such cell.
    pub(crate) fn get(&self, i: usize) -> &str {
        self.cells
            .get(i)
            .map_or("", |cell| &self.text[cell.clone()])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(|cell| &self.text[cell.clone()])
    }

    /// Leaves out the empty cells at the end, but for the first `keep`.
    pub(crate) fn trim_end(&mut self, keep: usize) {
        while self.cells.len() > keep && self.cells.last().is_some_and(Range::is_empty) {
            self.cells.pop();
        }
    }

    /// The cells of `text`, which is one record.
    pub(crate) fn split(line: u64, text: &str, separator: u8) -> Record {
        let mut record = Record {
            line,
            ..Record::default()
        };
        record.read(text, separator);
        record
    }

    fn read(&mut self, text: &str, separator: u8) {
        self.text.clear();
        self.cells.clear();
        let mut rest = text;
        loop {
            let start = self.text.len();
            rest = self.cell(rest, separator);
            self.text.truncate(self.text.trim_end().len().max(start));
            let blank = self.text[start..].len() - self.text[start..].trim_start().len();
            self.cells.push(start + blank..self.text.len());
            match rest.as_bytes().first() {
                Some(_) => rest = &rest[1..],
                None => return,
            }
        }
    }

    /// Copies one cell and returns what follows it: nothing, or a separator and more.
    fn cell<'a>(&mut self, text: &'a str, separator: u8) -> &'a str {
        let quoted = text.trim_start_matches(blank(separator)).strip_prefix('"');
        let mut rest = quoted.unwrap_or(text);
        let mut inside = quoted.is_some();
        while inside {
            let end = rest.find('"').unwrap_or(rest.len());
            self.text.push_str(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or("");
            inside = rest.starts_with('"');
            if inside {
                self.text.push('"');
                rest = &rest[1..];
            }
        }
        let end = rest.find(char::from(separator)).unwrap_or(rest.len());
        self.text.push_str(&rest[..end]);
        &rest[end..]
    }
}

/// The characters that may stand before a quote.
fn blank(separator: u8) -> impl Fn(char) -> bool {
    move |c| matches!(c, ' ' | '\t') && c != char::from(separator)
}

/// The records of a file.
pub(crate) struct Records<R> {
    reader: R,
    source: String,
    pub(crate) separator: u8,
    /// Bytes that were read; those before `at` are done with.
    buffer: Vec<u8>,
    at: usize,
    /// The line of byte `at`.
    line: u64,
    /// Whether the file has no more bytes.
    ended: bool,
}

/// Where a record ends.
enum End {
    /// After so many bytes, with the line end that many.
    At(usize, usize),
    /// Not in these bytes; where a quote that is open was opened.
    Beyond(Option<usize>),
}

impl<R: Read> Records<R> {
    /// The records of what `reader` gives; `source` is what messages call it.
    ///
    /// # Errors
    /// When the first bytes are those of something else than text.
    pub(crate) fn new(reader: R, source: &str) -> Result<Records<R>> {
        let mut records = Records {
            reader,
            source: source.to_string(),
            separator: b',',
            buffer: Vec::new(),
            at: 0,
            line: 1,
            ended: false,
        };
        records.more()?;
        if records.buffer.starts_with(b"\xEF\xBB\xBF") {
            records.at = 3;
        }
        Ok(records)
    }

    /// The line, as it stands, that is read next; `None` at the end.
    pub(crate) fn peek(&mut self) -> Result<Option<(u64, String)>> {
        loop {
            let rest = &self.buffer[self.at..];
            let end = rest.iter().position(|&b| matches!(b, b'\n' | b'\r'));
            let Some(end) = end.or(self.ended.then_some(rest.len())) else {
                if rest.len() > LONGEST {
                    return Err(self.endless(None));
                }
                self.more()?;
                continue;
            };
            if end == 0 && !self.pass_line_end()? {
                return Ok(None);
            }
            if end > 0 {
                let text = self.utf8(self.at..self.at + end)?;
                return Ok(Some((self.line, text.to_string())));
            }
        }
    }

    /// Passes the line that [`Records::peek`] has shown.
    pub(crate) fn pass(&mut self, text: &str) -> Result<()> {
        self.at += text.len();
        self.pass_line_end().map(|_| ())
    }

    /// Passes one line end, if one is next.
    fn pass_line_end(&mut self) -> Result<bool> {
        if self.buffer.len() - self.at < 2 && !self.ended {
            self.more()?;
        }
        let length = line_end(&self.buffer[self.at..]);
        self.at += length;
        self.line += u64::from(length > 0);
        Ok(length > 0)
    }

    /// Reads the next record that is no blank line into `record`; false at the end.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<bool> {
        loop {
            match end(&self.buffer[self.at..], self.separator, self.ended) {
                End::At(0, 0) => return Ok(false),
                End::At(length, line_end) => {
                    let (start, line) = (self.at, self.line);
                    let whole = &self.buffer[start..start + length + line_end];
                    self.line += line_ends(whole);
                    self.at += whole.len();
                    let text = std::str::from_utf8(&self.buffer[start..start + length]);
                    let text = text.map_err(|_| self.not_utf8(start, length, line))?;
                    if !text.trim_matches(blank(self.separator)).is_empty() {
                        record.line = line;
                        record.read(text, self.separator);
                        return Ok(true);
                    }
                }
                End::Beyond(quote) if self.ended || self.buffer.len() - self.at > LONGEST => {
                    return Err(self.endless(quote));
                }
                End::Beyond(_) => self.more()?,
            }
        }
    }

    /// Reads on, and refuses at once what is no text.
    fn more(&mut self) -> Result<()> {
        let first = self.buffer.is_empty() && self.at == 0;
        self.buffer.drain(..self.at);
        self.at = 0;
        let known = self.buffer.len();
        let part = PART.max(known) as u64; // so a long row is not looked at over and over
        let read = (&mut self.reader).take(part).read_to_end(&mut self.buffer);
        let count = read.map_err(|e| Error::io(&self.source, &e))?;
        self.ended = (count as u64) < part;
        if first && let Some(e) = sniff::refusal(&self.buffer[..self.buffer.len().min(HEAD)]) {
            return Err(e.at(&self.source));
        }
        match self.buffer[known..].iter().position(|&b| b == 0) {
            None => Ok(()),
            Some(i) => {
                let line = self.line + line_ends(&self.buffer[..known + i]);
                let message = "there is a NUL byte, which no text has; save the table as UTF-8 CSV";
                let place = format!("{}, line {line}", self.source);
                Err(Error::format(message).at(place))
            }
        }
    }

    fn utf8(&self, range: Range<usize>) -> Result<&str> {
        let text = std::str::from_utf8(&self.buffer[range.clone()]);
        text.map_err(|_| self.not_utf8(range.start, range.len(), self.line))
    }

    fn not_utf8(&self, start: usize, length: usize, line: u64) -> Error {
        let bytes = &self.buffer[start..start + length];
        let valid = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
        let line = line + line_ends(&bytes[..valid]);
        Error::format(format!(
            "line {line} is not UTF-8 text; save the file as UTF-8 (\"CSV UTF-8\" in a spreadsheet)"
        ))
        .at(&self.source)
    }

    fn endless(&self, quote: Option<usize>) -> Error {
        let until = quote.map_or(self.at, |i| self.at + i);
        let line = self.line + line_ends(&self.buffer[self.at..until]);
        let message = match quote {
            Some(_) => {
                "the quote opened here is never closed; close it, or double a quote that is meant as one"
            }
            None => "the row is longer than 256 MiB, which no row of a table is",
        };
        Error::format(message).at(format!("{}, line {line}", self.source))
    }
}

/// The end of the record that starts `bytes`; blank lines are records of nothing. `ended`: no more
/// bytes follow.
fn end(bytes: &[u8], separator: u8, ended: bool) -> End {
    let (mut open, mut start) = (None, true);
    let mut i = 0;
    while i < bytes.len() {
        match (bytes[i], open) {
            (b'"', None) if start => open = Some(i),
            // Closes the cell; a second quote right behind it opens it again.
            (b'"', Some(_)) => (open, start) = (None, true),
            (_, Some(_)) => {}
            (b'\n' | b'\r', None) if i + 1 == bytes.len() && !ended => return End::Beyond(None),
            (b'\n' | b'\r', None) => return End::At(i, line_end(&bytes[i..])),
            (b' ' | b'\t', None) if bytes[i] != separator => start &= !closed(bytes, i),
            (b, None) => start = b == separator,
        }
        i += 1;
    }
    match open {
        None if ended => End::At(bytes.len(), 0),
        _ => End::Beyond(open),
    }
}

/// Whether byte `i` stands right behind a quote that closed a cell.
fn closed(bytes: &[u8], i: usize) -> bool {
    i > 0 && bytes[i - 1] == b'"'
}

/// The length of the line end that starts `bytes`.
fn line_end(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// How many line ends there are.
pub(crate) fn line_ends(bytes: &[u8]) -> u64 {
    let lone = |i: usize| bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n');
    let ends = |&i: &usize| bytes[i] == b'\n' || lone(i);
    (0..bytes.len()).filter(ends).count() as u64
}
