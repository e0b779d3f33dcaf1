//! The table: named, typed columns, and where each row stood in its file.

use std::collections::{HashMap, HashSet};

use lepton_tensor::{Error, Result};

use crate::origin::Origin;

/// One column of a [`Table`].
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in the header line.
    pub name: String,
    /// Its values, one for each row.
    pub cells: Cells,
}

/// The values of a column, by type.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Numbers; `NaN` is a missing one.
    Number(Vec<f64>),
    /// Truth values.
    Bool {
        /// The values; `None` is a missing one.
        values: Vec<Option<bool>>,
        /// How the file spells false and true (`["FALSE", "TRUE"]`, say).
        words: [String; 2],
    },
    /// Text, taken as a category; `None` is missing.
    Text(Vec<Option<String>>),
}

impl Cells {
    /// The word for this type: `number`, `bool` or `text`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Cells::Number(_) => "number",
            Cells::Bool { .. } => "bool",
            Cells::Text(_) => "text",
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Cells::Number(v) => v.len(),
            Cells::Bool { values, .. } => values.len(),
            Cells::Text(v) => v.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether row `i` has no value.
    ///
    /// # Panics
    /// When `i` is not below [`Cells::len`].
    pub fn is_missing(&self, i: usize) -> bool {
        match self {
            Cells::Number(v) => v[i].is_nan(),
            Cells::Bool { values, .. } => values[i].is_none(),
            Cells::Text(v) => v[i].is_none(),
        }
    }

    /// How many rows have no value.
    pub fn missing(&self) -> usize {
        (0..self.len()).filter(|&i| self.is_missing(i)).count()
    }

    /// Row `i` as text, numbers in their shortest exact form; `None` when missing.
    ///
    /// # Panics
    /// When `i` is not below [`Cells::len`].
    pub fn text(&self, i: usize) -> Option<String> {
        match self {
            Cells::Number(v) => (!v[i].is_nan()).then(|| number_text(v[i])),
            Cells::Bool { values, words } => values[i].map(|b| words[usize::from(b)].clone()),
            Cells::Text(v) => v[i].clone(),
        }
    }

    fn take(&self, rows: &[usize]) -> Cells {
        match self {
            Cells::Number(v) => Cells::Number(rows.iter().map(|&i| v[i]).collect()),
            Cells::Bool { values, words } => Cells::Bool {
                values: rows.iter().map(|&i| values[i]).collect(),
                words: words.clone(),
            },
            Cells::Text(v) => Cells::Text(rows.iter().map(|&i| v[i].clone()).collect()),
        }
    }
}

/// A number as a class name or a category: `-0` and `0` are one.
pub(crate) fn number_text(x: f64) -> String {
    if x == 0.0 { "0".into() } else { x.to_string() }
}

/// Named columns of equal length, with the file and line each row came from.
///
/// ```
/// use lepton_tabular::{Cells, ReadOptions, Table};
/// let t = Table::read("age,name\n42,Ada\nNA,Alan\n".as_bytes(), "people.csv", &ReadOptions::default())?;
/// assert_eq!(t.rows(), 2);
/// assert_eq!(t.column("age")?.cells.missing(), 1);
/// assert_eq!(
///     t.column("agee").unwrap_err().to_string(),
///     "people.csv: there is no column `agee`; did you mean `age`? The columns are age, name",
/// );
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    source: String,
    columns: Vec<Column>,
    /// For each column, how it stood in the file.
    origins: Vec<Origin>,
    /// The 1-based line of each row in `source`.
    lines: Vec<u64>,
}

impl Table {
    /// A table of `columns`; row `i` counts as line `i + 2` of `source`, as under a header line.
    ///
    /// # Errors
    /// When there is no column, lengths differ, or a name is empty or stands twice.
    pub fn from_columns(source: impl Into<String>, columns: Vec<Column>) -> Result<Table> {
        let source = source.into();
        let rows = columns.first().map_or(0, |c| c.cells.len());
        if let Some(c) = columns.iter().find(|c| c.cells.len() != rows) {
            let (first, n) = (&columns[0].name, c.cells.len());
            return Err(Error::shape(format!(
                "{source}: column `{}` has {n} rows, but `{first}` has {rows}",
                c.name
            )));
        }
        check_names(columns.iter().map(|c| c.name.as_str())).map_err(|e| e.at(&source))?;
        let lines = (0..rows as u64).map(|i| i + 2).collect();
        let origins = vec![Origin::default(); columns.len()];
        Ok(Table {
            source,
            columns,
            origins,
            lines,
        })
    }

    pub(crate) fn from_parts(
        source: String,
        columns: Vec<(Column, Origin)>,
        lines: Vec<u64>,
    ) -> Table {
        let (columns, origins) = columns.into_iter().unzip();
        Table {
            source,
            columns,
            origins,
            lines,
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The columns in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What the table was read from, as messages name it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The line of `source` that row `i` starts on, counted from 1.
    ///
    /// # Panics
    /// When `i` is not below [`Table::rows`].
    pub fn line(&self, i: usize) -> u64 {
        self.lines[i]
    }

    /// The place of a cell, as messages name it: file, line and column.
    ///
    /// # Panics
    /// When `row` is not below [`Table::rows`].
    pub fn place(&self, row: usize, column: &str) -> String {
        place(&self.source, self.lines[row], column)
    }

    /// The column called `name`.
    ///
    /// # Errors
    /// When there is none: the message has the nearest name and the list.
    pub fn column(&self, name: &str) -> Result<&Column> {
        Ok(&self.columns[self.position(name)?])
    }

    /// Which column is called `name`.
    pub(crate) fn position(&self, name: &str) -> Result<usize> {
        let found = self.columns.iter().position(|c| c.name == name);
        found.ok_or_else(|| self.no_column(name))
    }

    /// The place of each column by its name, for many questions at once.
    pub(crate) fn places(&self) -> HashMap<&str, usize> {
        let names = self.columns.iter().map(|c| c.name.as_str());
        names.zip(0..).collect()
    }

    pub(crate) fn no_column(&self, name: &str) -> Error {
        let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        unknown_column(&names, name).at(&self.source)
    }

    /// How column `i` stood in the file.
    pub(crate) fn origin(&self, i: usize) -> &Origin {
        &self.origins[i]
    }

    /// What a user should know of how columns were read, as pairs of a column's name and a sentence: which
    /// are text and how many categories they have, and what was left out beside numbers.
    pub fn notes(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = self.columns.iter().zip(&self.origins);
        columns.filter_map(|(c, origin)| Some((c.name.as_str(), origin.note.as_deref()?)))
    }

    /// The table with only `rows`, in the order given.
    ///
    /// # Panics
    /// When an index is not below [`Table::rows`].
    pub fn take(&self, rows: &[usize]) -> Table {
        let column = |c: &Column| Column {
            name: c.name.clone(),
            cells: c.cells.take(rows),
        };
        Table {
            source: self.source.clone(),
            columns: self.columns.iter().map(column).collect(),
            origins: self.origins.iter().map(|o| o.take(rows)).collect(),
            lines: rows.iter().map(|&i| self.lines[i]).collect(),
        }
    }

    /// The table without the columns called `names`.
    ///
    /// # Errors
    /// When one of them does not exist.
    pub fn without<S: AsRef<str>>(&self, names: &[S]) -> Result<Table> {
        let places = self.places();
        let names: HashSet<&str> = names.iter().map(AsRef::as_ref).collect();
        if let Some(name) = names.iter().find(|name| !places.contains_key(**name)) {
            return Err(self.no_column(name));
        }
        let columns = self.columns.iter().zip(&self.origins);
        let kept = columns.filter(|(c, _)| !names.contains(c.name.as_str()));
        let kept = kept.map(|(c, origin)| (c.clone(), origin.clone()));
        let (source, lines) = (self.source.clone(), self.lines.clone());
        Ok(Table::from_parts(source, kept.collect(), lines))
    }

    /// The rows where column `name` has a value.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn rows_with(&self, name: &str) -> Result<Vec<usize>> {
        let cells = &self.column(name)?.cells;
        Ok((0..self.rows()).filter(|&i| !cells.is_missing(i)).collect())
    }
}

/// The place of a cell, as every message names it.
pub(crate) fn place(source: &str, line: u64, column: &str) -> String {
    format!("{source}, line {line}, column `{column}`")
}

/// Column names must be there and differ, or "column x" would mean nothing.
pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashMap::new();
    for (i, name) in names.enumerate() {
        let n = i + 1;
        if name.is_empty() {
            return Err(Error::format(format!(
                "column {n} has no name; name it, or remove it if it only numbers the rows"
            )));
        }
        if let Some(first) = seen.insert(name, n) {
            return Err(Error::format(format!(
                "columns {first} and {n} are both named `{name}`; rename one of them"
            )));
        }
    }
    if seen.is_empty() {
        return Err(Error::format("there is no column"));
    }
    Ok(())
}

/// "There is no such column", with the nearest name and those that exist.
pub(crate) fn unknown_column(names: &[&str], wanted: &str) -> Error {
    let near = |n: &&&str| distance(n, wanted) <= 1 + wanted.chars().count() / 4;
    let nearest = names
        .iter()
        .filter(near)
        .min_by_key(|n| distance(n, wanted));
    let hint = nearest.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
    let full_stop = if hint.is_empty() { "." } else { "" };
    let number = |name: &&str| name.parse::<f64>().is_ok();
    let values = match names.iter().any(number) && !number(&wanted) {
        true => "; is the header line missing?",
        false => "",
    };
    Error::value(format!(
        "there is no column `{wanted}`{hint}{full_stop} The columns are {}{values}",
        name_list(names)
    ))
}

/// The names with commas, at most twenty of them.
pub(crate) fn name_list(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Edits between two names, letters' case aside (Levenshtein 1966), one row of the table at a time.
/// Names longer than 64 are cut: a hint is not worth quadratic time.
fn distance(a: &str, b: &str) -> usize {
    let letters = |s: &str| -> Vec<char> {
        let lower = s.chars().flat_map(char::to_lowercase);
        lower.take(64).collect()
    };
    let (a, b) = (letters(a), letters(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let swap = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = swap.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(name: &str, values: &[f64]) -> Column {
        Column {
            name: name.into(),
            cells: Cells::Number(values.to_vec()),
        }
    }

    #[test]
    fn taking_rows_keeps_their_lines() {
        let t = Table::from_columns("t", vec![numbers("x", &[1.0, 2.0, 3.0])]).unwrap();
        let t = t.take(&[2, 0]);
        assert_eq!(t.columns()[0].cells, Cells::Number(vec![3.0, 1.0]));
        assert_eq!(t.place(0, "x"), "t, line 4, column `x`");
    }

    #[test]
    fn names_must_be_there_and_differ() {
        let twice = Table::from_columns("t", vec![numbers("x", &[]), numbers("x", &[])]);
        let twice = twice.unwrap_err().to_string();
        assert_eq!(
            twice,
            "t: columns 1 and 2 are both named `x`; rename one of them"
        );
        assert!(Table::from_columns("t", vec![numbers("", &[])]).is_err());
        assert!(Table::from_columns("t", vec![]).is_err());
        assert!(Table::from_columns("t", vec![numbers("x", &[1.0]), numbers("y", &[])]).is_err());
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("Class", "class"), 0);
    }
}
