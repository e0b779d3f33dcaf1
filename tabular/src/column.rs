//! A column of texts becomes a column of numbers, truth values or text: all of its cells decide, in
//! whatever order they stand.

use std::collections::{HashMap, HashSet};

use lepton_tensor::{Error, Result};

use crate::format::CellFormat;
use crate::number::{self, Written};
use crate::origin::{Origin, Words};
use crate::table::{Cells, place};

/// The cells of a column as they stand in the file.
#[derive(Default)]
pub(crate) struct Texts {
    all: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Adds a cell.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(crate) fn push(&mut self, cell: &str) -> Result<()> {
        let room = self.all.try_reserve(cell.len()).is_ok() && self.ends.try_reserve(1).is_ok();
        if !room {
            return Err(no_memory());
        }
        self.all.push_str(cell);
        self.ends.push(self.all.len());
        Ok(())
    }

    fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.ends.len()).map(|row| self.get(row))
    }

    fn get(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start..self.ends[row]]
    }
}

fn no_memory() -> Error {
    Error::value("the table does not fit into memory")
}

/// Memory for `n` values.
fn room<T>(n: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    match values.try_reserve_exact(n) {
        Ok(()) => Ok(values),
        Err(_) => Err(no_memory()),
    }
}

/// A column before its type is known.
pub(crate) struct Unsettled<'a> {
    pub(crate) source: &'a str,
    pub(crate) name: &'a str,
    pub(crate) texts: Texts,
    /// The line of each row.
    pub(crate) lines: &'a [u64],
    pub(crate) format: &'a CellFormat,
}

impl Unsettled<'_> {
    /// The column as text, because the user says so.
    pub(crate) fn text(self) -> Result<(Cells, Origin)> {
        Ok((self.all_text()?, self.origin()))
    }

    /// The column as what its cells are.
    ///
    /// # Errors
    /// When a cell of a numeric column is no number.
    pub(crate) fn settle(self) -> Result<(Cells, Origin)> {
        let mut found = Found::new(&self)?;
        let mut origin = self.origin();
        if found.is_numeric() {
            if let Some(row) = found.bad {
                return Err(self.refuse(row, &found));
            }
            origin.note = self.numbers_note(&found);
            origin.unit = Some(found.unit.to_string()).filter(|unit| !unit.is_empty());
            let there = |cell| {
                if self.format.is_missing(cell) {
                    ""
                } else {
                    cell
                }
            };
            origin.words = Words::of(self.texts.iter().map(there));
            return Ok((Cells::Number(std::mem::take(&mut found.values)), origin));
        }
        let cells = match found.odd == found.known {
            true => self.truth()?,
            false => None,
        };
        if let Some(cells) = cells {
            return Ok((cells, origin));
        }
        origin.note = Some(self.text_note(&found));
        Ok((self.all_text()?, origin))
    }

    fn known(&self) -> impl Iterator<Item = Option<&str>> {
        self.texts
            .iter()
            .map(|cell| Some(cell).filter(|cell| !self.format.is_missing(cell)))
    }

    fn origin(&self) -> Origin {
        let word = |cell: &str| !cell.is_empty() && self.format.is_missing(cell);
        let row = self.texts.iter().position(word);
        Origin {
            missing: row.map(|row| (self.lines[row], self.texts.get(row).to_string())),
            ..Origin::default()
        }
    }

    fn all_text(&self) -> Result<Cells> {
        let mut values = room(self.lines.len())?;
        values.extend(self.known().map(|cell| cell.map(str::to_string)));
        Ok(Cells::Text(values))
    }

    /// The column as truth values, when every value is `true` or `false` in some case.
    fn truth(&self) -> Result<Option<Cells>> {
        let mut words: [Option<&str>; 2] = [None, None];
        let mut values = room(self.lines.len())?;
        for cell in self.known() {
            let Some(cell) = cell else {
                values.push(None);
                continue;
            };
            let Some(truth) = number::truth(cell) else {
                return Ok(None);
            };
            words[usize::from(truth)].get_or_insert(cell);
            values.push(Some(truth));
        }
        let words = [words[0].unwrap_or("false"), words[1].unwrap_or("true")];
        let words = words.map(str::to_string);
        Ok(Some(Cells::Bool { values, words }))
    }

    fn refuse(&self, row: usize, found: &Found) -> Error {
        let because = match found.known - found.odd - found.foreign {
            0 => String::new(),
            numbers => format!(", as {numbers} of the column's {} values are", found.known),
        };
        let (cell, decimal) = (self.texts.get(row), self.format.decimal);
        number::refuse(cell, decimal, found.unit, &because, Some(self.name)).at(place(
            self.source,
            self.lines[row],
            self.name,
        ))
    }

    /// What to know of numbers that are not written plainly.
    fn numbers_note(&self, found: &Found) -> Option<String> {
        let example = |row: usize| {
            let (cell, line) = (self.texts.get(row).escape_debug(), self.lines[row]);
            format!("`{cell}` in line {line} is read as {}", found.values[row])
        };
        let unit = found.units.first().map(|&(row, unit)| {
            format!(
                "`{unit}` beside {} of its {} numbers is left out ({})",
                found.units.len(),
                found.known,
                example(row)
            )
        });
        let grouped = found.grouped.map(|row| {
            let sign = self.format.decimal.other().sign();
            let fraction = match self.texts.get(row).contains(sign) {
                true => format!("; say `--decimal {sign}` if that is a fraction"),
                false => String::new(),
            };
            let example = example(row);
            format!("its thousands are read as set apart ({example}{fraction})")
        });
        let parts: Vec<String> = unit.into_iter().chain(grouped).collect();
        (!parts.is_empty()).then(|| format!("column `{}`: {}", self.name, parts.join("; ")))
    }

    fn text_note(&self, found: &Found) -> String {
        let categories = self.known().flatten().collect::<HashSet<&str>>().len();
        let name = self.name;
        let clear = match found.known >= 20 && 2 * categories > found.known {
            true => ", which a model's files show in clear",
            false => "",
        };
        let note = format!("column `{name}` is read as text with {categories} categories{clear}");
        let numbers = found.known - found.odd;
        let (Some(row), true) = (found.bad, 2 * numbers >= found.known) else {
            return note;
        };
        let cell = number::shown(self.texts.get(row));
        format!(
            "{note}, though {numbers} of its {} values are numbers; `{cell}` in line {} is none: say \
             `--missing '{cell}'` if it means no value",
            found.known, self.lines[row]
        )
    }
}

/// What the cells of a column are, one by one.
struct Found<'a> {
    /// The numbers; `NaN` where there is none.
    values: Vec<f64>,
    /// How many cells have a value.
    known: usize,
    /// How many of these are no number.
    odd: usize,
    /// How many would be one with the other decimal sign.
    foreign: usize,
    /// The first row that is not read as a number.
    bad: Option<usize>,
    /// What stands beside most numbers that have something beside them, and where.
    unit: &'a str,
    units: Vec<(usize, &'a str)>,
    /// The first row whose thousands stand apart.
    grouped: Option<usize>,
}

impl<'a> Found<'a> {
    fn new(column: &'a Unsettled<'_>) -> Result<Found<'a>> {
        let mut found = Found {
            values: room(column.lines.len())?,
            known: 0,
            odd: 0,
            foreign: 0,
            bad: None,
            unit: "",
            units: Vec::new(),
            grouped: None,
        };
        let decimal = column.format.decimal;
        for (row, cell) in column.known().enumerate() {
            found.known += usize::from(cell.is_some());
            match cell.map(|cell| (cell, number::parse(cell, decimal))) {
                None => found.values.push(f64::NAN),
                Some((_, Some(written))) => found.number(row, written),
                Some((cell, None)) => {
                    let foreign = number::parse(cell, decimal.other()).is_some();
                    found.foreign += usize::from(foreign);
                    found.odd += usize::from(!foreign);
                    found.values.push(f64::NAN);
                    found.bad.get_or_insert(row);
                }
            }
        }
        found.choose_unit();
        Ok(found)
    }

    fn number(&mut self, row: usize, written: Written<'a>) {
        self.values.push(written.value);
        if !written.unit.is_empty() {
            self.units.push((row, written.unit));
        }
        if written.grouped {
            self.grouped.get_or_insert(row);
        }
    }

    /// Numbers of one column are of one unit: those of another are no numbers here, nor are those of a
    /// word that few have (`12a` among house numbers).
    fn choose_unit(&mut self) {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        self.units
            .iter()
            .for_each(|u| *counts.entry(u.1).or_default() += 1);
        let usual = counts
            .into_iter()
            .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0)));
        let Some((unit, count)) = usual else { return };
        let rare = unit.starts_with(char::is_alphabetic) && 2 * count < self.known;
        self.unit = if rare { "" } else { unit };
        for &(row, _) in self.units.iter().filter(|u| u.1 != self.unit) {
            self.values[row] = f64::NAN;
            self.odd += 1;
            self.bad = Some(self.bad.map_or(row, |bad| bad.min(row)));
        }
        self.units.retain(|u| u.1 == self.unit);
    }

    /// At least nine tenths are numbers, or all but one.
    fn is_numeric(&self) -> bool {
        let numbers = self.known - self.odd;
        let nearly = 10 * self.odd <= self.known || (self.odd == 1 && numbers >= 2);
        self.known == 0 || (numbers > 0 && nearly)
    }
}
