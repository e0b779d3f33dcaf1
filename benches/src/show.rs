//! Numbers and tables as people read them.

use std::fmt;

/// Nanoseconds with a unit and three digits.
///
/// ```
/// use lepton_benches::show::times;
/// assert_eq!(times(950.0), "950 ns");
/// assert_eq!(times(2_345_678.0), "2.35 ms");
/// ```
pub fn times(ns: f64) -> String {
    scaled(ns, &[(1.0, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")])
}

/// A count with a unit of thousands.
///
/// ```
/// assert_eq!(lepton_benches::show::count(12_345_678.0), "12.3 M");
/// assert_eq!(lepton_benches::show::count(12.0), "12");
/// ```
pub fn count(n: f64) -> String {
    let text = scaled(
        n,
        &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")],
    );
    text.trim_end().to_owned()
}

fn scaled(x: f64, units: &[(f64, &str)]) -> String {
    // 999.5 would read as 1000 of the smaller unit.
    let fits = |(scale, _): &&(f64, &str)| x / scale < 999.5;
    let last = units.last().expect("a unit");
    let (scale, unit) = units.iter().find(fits).unwrap_or(last);
    let x = x / scale;
    let digits = match x {
        _ if x >= 99.95 => 0,
        _ if x >= 9.995 => 1,
        _ => 2,
    };
    let whole = *scale == 1.0 && x == x.round();
    format!("{x:.*} {unit}", if whole { 0 } else { digits })
}

/// A table in columns as wide as their widest cell; the first column is text, the others end flush
/// where they hold numbers.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this first line.
    pub fn new(head: &[&str]) -> Table {
        let head = head.iter().map(ToString::to_string).collect();
        Table { rows: vec![head] }
    }

    /// Adds a line; missing cells are empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &'_ [String], i: usize| row.get(i).cloned().unwrap_or_default();
        let width = |i| self.rows.iter().map(|r| cell(r, i).chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|i| width(i).unwrap_or(0)).collect();
        let number = |s: &str| s.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
        for row in &self.rows {
            let mut line = String::new();
            for (i, w) in widths.iter().enumerate() {
                let text = cell(row, i);
                line += &if i > 0 && number(&text) {
                    format!("{text:>w$}  ")
                } else {
                    format!("{text:<w$}  ")
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
