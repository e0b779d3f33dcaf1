//! Standard output, where nothing is lost in silence and nothing panics.

use std::cell::Cell;
use std::io::{self, ErrorKind, Write};

use lepton::{Error, Result};

/// Where results are printed. A reader that went away (`lepton .. | head`) is no failure: the rest is
/// then printed to nobody. Anything else, such as a full disk, is an error.
pub(crate) struct Console {
    closed: Cell<bool>,
}

impl Console {
    pub(crate) fn new() -> Console {
        Console {
            closed: Cell::new(false),
        }
    }

    /// Prints `text` as it is.
    ///
    /// # Errors
    /// When it cannot be written, unless the reader has gone away.
    pub(crate) fn print(&self, text: &str) -> Result<()> {
        if self.closed.get() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => {
                self.closed.set(true);
                Ok(())
            }
            other => other.map_err(|e| Error::io("cannot write to standard output", &e)),
        }
    }

    /// Prints `text` and a line end.
    ///
    /// # Errors
    /// As [`Console::print`].
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        self.print(&format!("{text}\n"))
    }
}

/// Rows of cells in columns of equal width, the first row their heads, numbers to the right.
pub(crate) fn columns(rows: &[Vec<String>], right: &[bool]) -> String {
    let width = |j: usize| rows.iter().map(|r| r[j].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..right.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).zip(right);
        let cells = cells.map(|((cell, &w), right)| match right {
            true => format!("{cell:>w$}"),
            false => format!("{cell:<w$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A message of outside words in one line: controls and line ends become spaces.
pub(crate) fn one_line(message: &str) -> String {
    let plain = message.replace(|c: char| c.is_control(), " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align() {
        let rows = [["name", "n"], ["ä", "10"], ["long name", "7"]];
        let rows = rows.map(|r| r.map(String::from).to_vec());
        let text = columns(&rows, &[false, true]);
        assert_eq!(text, "name        n\nä          10\nlong name   7\n");
    }
}
