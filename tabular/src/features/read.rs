//! New rows from CSV into matrices, a part at a time: only the columns that a model needs are looked at.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use lepton_tensor::{Error, Result};

use super::encode::{Encoder, READS_NUMBERS};
use super::{Encoding, Feature, Features, Matrix};
use crate::format::CellFormat;
use crate::header::Header;
use crate::number;
use crate::reader::ReadOptions;
use crate::records::{Record, Records};
use crate::table::{place, unknown_column};

/// A part has about so many values, and at most so many rows.
const VALUES: usize = 1 << 20;
const ROWS: usize = 4096;

impl Features {
    /// Reads rows of CSV and gives them to `each` as matrices, in order and a part at a time, so that a file
    /// of any length fits into memory. Other columns are not looked at. Returns what a user should know:
    /// where values were missing or unknown, and what stands for them.
    ///
    /// ```
    /// use lepton_tabular::{Features, Method, ReadOptions, Table};
    /// let options = ReadOptions::default();
    /// let table = Table::read("x\n0\n10\n".as_bytes(), "old.csv", &options)?;
    /// let features = Features::fit(&table, Method::MinMax)?;
    /// let (new, mut values) = ("note,x\nold,5\n17,NA\n", Vec::new());
    /// let notes = features.read(new.as_bytes(), "new.csv", &options, |part| {
    ///     values.extend(part.values);
    ///     Ok(())
    /// })?;
    /// assert_eq!(values, [0.5, 0.5]);
    /// assert_eq!(notes, ["column `x`: 1 missing values count as 5"]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a column is not there or stands twice, a cell of a number's column holds none, the bytes are no
    /// table, or `each` says so.
    pub fn read(
        &self,
        reader: impl Read,
        source: &str,
        options: &ReadOptions,
        mut each: impl FnMut(Matrix) -> Result<()>,
    ) -> Result<Vec<String>> {
        let mut records = Records::new(reader, source)?;
        let mut header = Header::read(&mut records, source)?;
        header.unnamed = true;
        let mut columns = self.columns_of(&header, source, options)?;
        let rows = (VALUES / self.width().max(1)).clamp(1, ROWS);
        let mut part = Matrix::zeros(rows, self.width())?;
        let (mut record, mut row, mut any) = (Record::default(), 0, false);
        while header.row(&mut records, &mut record, source)? {
            any = true;
            let mut to = &mut part.values[row * part.cols..][..part.cols];
            for column in &mut columns {
                let (own, rest) = to.split_at_mut(column.encoder.width);
                let name = &column.encoder.feature.name;
                let put = column.put(&record, &options.cells, own);
                put.map_err(|e| e.at(place(source, record.line, name)))?;
                to = rest;
            }
            row += 1;
            if row == rows {
                let full = std::mem::replace(&mut part, Matrix::zeros(rows, self.width())?);
                each(full)?;
                row = 0;
            }
        }
        if row > 0 {
            part.rows = row;
            part.values.truncate(row * part.cols);
            each(part)?;
        }
        match any {
            true => Ok(columns.iter().flat_map(|c| c.encoder.notes()).collect()),
            false => Err(Header::no_row().at(source)),
        }
    }

    /// Where the columns stand.
    fn columns_of<'a>(
        &'a self,
        header: &Header,
        source: &str,
        options: &ReadOptions,
    ) -> Result<Vec<InFile<'a>>> {
        let mut places: HashMap<&str, (usize, Option<usize>)> = HashMap::new();
        for (i, name) in header.names.iter().enumerate() {
            let place = places.entry(name).or_insert((i, None));
            place.1 = (place.0 != i).then_some(i);
        }
        let absent = |name: &str| {
            let names: Vec<&str> = header.names.iter().map(String::as_str).collect();
            unknown_column(&names, name).at(source)
        };
        let find = |name: &str| match places.get(name) {
            None => Err(absent(name)),
            Some(&(first, Some(second))) => Err(Error::format(format!(
                "{source}, line {}: columns {} and {} are both named `{name}`; rename one of them",
                header.line,
                first + 1,
                second + 1,
            ))),
            Some(&(place, None)) => Ok(place),
        };
        let text: HashSet<&str> = options.categorical.iter().map(String::as_str).collect();
        if let Some(name) = text.iter().find(|name| !places.contains_key(*name)) {
            return Err(absent(name));
        }
        let column = |feature: &'a Feature| {
            let (name, place) = (feature.name.as_str(), find(&feature.name)?);
            let number = matches!(feature.encoding, Encoding::Number { .. });
            if number && text.contains(name) {
                return Err(Error::value(format!(
                    "the model reads numbers in column `{name}`; leave `--categorical {name}` out"
                )));
            }
            Ok(InFile {
                encoder: Encoder::new(feature),
                place,
                truth: None,
            })
        };
        self.0.iter().map(column).collect()
    }
}

/// A column of a file on its way into a matrix.
struct InFile<'a> {
    encoder: Encoder<'a>,
    /// Which cell of a row it is.
    place: usize,
    /// Whether the column holds truth values, once a cell has told.
    truth: Option<bool>,
}

impl InFile<'_> {
    fn put(&mut self, record: &Record, format: &CellFormat, to: &mut [f32]) -> Result<()> {
        let cell = record.get(self.place);
        let known = Some(cell).filter(|cell| !format.is_missing(cell));
        if let Encoding::Category { .. } = self.encoder.feature.encoding {
            self.encoder.category(known, record.line, to);
            return Ok(());
        }
        let number = match known {
            None => f64::NAN,
            Some(cell) => self.number(cell, format)?,
        };
        self.encoder.number(number, to)
    }

    /// The number of a cell; truth values are 0 and 1, in a column of nothing else.
    fn number(&mut self, cell: &str, format: &CellFormat) -> Result<f64> {
        let truth = number::truth(cell);
        let all_truth = *self.truth.get_or_insert(truth.is_some());
        let unit = self.encoder.feature.unit.as_deref().unwrap_or("");
        match (truth, number::parse(cell, format.decimal)) {
            (Some(truth), _) if all_truth => Ok(f64::from(u8::from(truth))),
            (_, Some(written)) if !all_truth && ["", unit].contains(&written.unit) => {
                Ok(written.value)
            }
            _ => Err(number::refuse(
                cell,
                format.decimal,
                unit,
                READS_NUMBERS,
                None,
            )),
        }
    }
}
