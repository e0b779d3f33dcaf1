//! The data of the story: who is in the training rows, and who is held out.

use lepton::autograd::Tensor;
use lepton::nn::Rng;
use lepton::tabular::{
    Cells, Column, Features, Method, ReadOptions, Table, Target, TargetSpec, split,
};
use lepton::{Error, Result};

/// Wisconsin Diagnostic Breast Cancer: 569 biopsies, 30 measures of cell nuclei each.
const CSV: &str = include_str!("../../../data/breast_cancer.csv");
/// The range of each measure, as published for the data set and rounded.
const RANGES: &str = include_str!("../../../data/breast_cancer_ranges.csv");
/// The column of the file that holds the biopsy's result: 1 benign, 0 malignant.
const CODED: &str = "benign";
/// The column to predict: the same result in words.
pub(crate) const TARGET: &str = "diagnosis";
/// What the classes are called, by their number.
pub(crate) const CLASSES: [&str; 2] = ["benign", "malignant"];
/// The class that must not be missed.
pub(crate) const MALIGNANT: usize = 1;

/// Some rows, encoded.
#[derive(Clone)]
pub(crate) struct Rows {
    /// Where each stands in the file: 0 for the first row below the header.
    pub(crate) places: Vec<usize>,
    /// The rows as the file has them, with the result in words.
    pub(crate) table: Table,
    /// Features `[rows, 30]`, f32.
    pub(crate) x: Tensor,
    /// Classes `[rows]`, i64.
    pub(crate) y: Tensor,
    /// The same classes.
    pub(crate) labels: Vec<usize>,
}

/// The table, how its rows become numbers, and its two parts.
pub(crate) struct Ward {
    /// By published ranges, which no row of the table enters.
    pub(crate) features: Features,
    /// By the statistics of all training rows, for the yardstick.
    pub(crate) standard: Features,
    pub(crate) target: TargetSpec,
    pub(crate) train: Rows,
    pub(crate) test: Rows,
}

impl Ward {
    /// Four fifths to learn from, one fifth held out, in the shares of the classes.
    ///
    /// The private rows are scaled by published ranges and not by statistics of the rows: those
    /// would tell something about each of them.
    pub(crate) fn new(seed: u64) -> Result<Ward> {
        let file = Table::read(CSV.as_bytes(), "breast_cancer.csv", &ReadOptions::default())?;
        let table = in_words(&file)?;
        let target = TargetSpec::fit(&table, TARGET, None)?;
        let labels = classes(&target, &table)?;
        let features = features(&table.without(&[TARGET])?)?;
        let parts = split::stratified(&labels, 0.2, &mut Rng::new(seed))?;
        let seen = table.take(&parts.train).without(&[TARGET])?;
        let rows = |places: Vec<usize>| Rows::new(&features, &target, table.take(&places), places);
        Ok(Ward {
            train: rows(parts.train)?,
            test: rows(parts.test)?,
            standard: Features::fit(&seen, Method::Standard)?,
            features,
            target,
        })
    }

    /// The training rows as the yardstick sees them.
    pub(crate) fn pooled(&self) -> Result<Tensor> {
        encode(&self.standard, &self.train.table)
    }

    /// The names of the features, in words.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.features.names();
        names.iter().map(|n| n.replace('_', " ")).collect()
    }

    /// The values of feature `j` in the held-out rows.
    pub(crate) fn held_out(&self, j: usize) -> Result<&[f64]> {
        numbers(&self.test.table, &self.features.names()[j])
    }
}

/// The table with its result in words.
fn in_words(file: &Table) -> Result<Table> {
    let word = |&benign: &f64| Some(CLASSES[usize::from(benign == 0.0)].to_owned());
    let words = numbers(file, CODED)?.iter().map(word).collect();
    let mut columns = file.without(&[CODED])?.columns().to_vec();
    columns.push(Column {
        name: TARGET.to_owned(),
        cells: Cells::Text(words),
    });
    Table::from_columns(file.source(), columns)
}

/// The encoder by published ranges, which no row of the table enters.
fn features(table: &Table) -> Result<Features> {
    let known = Table::read(
        RANGES.as_bytes(),
        "breast_cancer_ranges.csv",
        &ReadOptions::default(),
    )?;
    let (low, high) = (numbers(&known, "low")?, numbers(&known, "high")?);
    let names = &known.column("column")?.cells;
    let names: Vec<String> = (0..known.rows()).filter_map(|i| names.text(i)).collect();
    let ranges: Vec<(&str, f64, f64)> = names
        .iter()
        .zip(low)
        .zip(high)
        .map(|((n, &a), &b)| (n.as_str(), a, b))
        .collect();
    Features::from_ranges(table, &ranges)
}

/// The numbers of a column.
///
/// # Errors
/// When there is no such column, or it does not hold numbers.
pub(crate) fn numbers<'a>(table: &'a Table, name: &str) -> Result<&'a [f64]> {
    match &table.column(name)?.cells {
        Cells::Number(values) => Ok(values),
        other => Err(Error::dtype(format!(
            "{}: column `{name}` is {}, not a number",
            table.source(),
            other.type_name()
        ))),
    }
}

/// The rows of `table` as a model reads them.
pub(crate) fn encode(features: &Features, table: &Table) -> Result<Tensor> {
    let x = features.encode(table)?;
    Tensor::from_vec(x.values, &[x.rows, x.cols])
}

/// A table of rows of the features' values, for a model that has to be asked about them.
pub(crate) fn table_of(features: &Features, rows: &[Vec<f64>]) -> Result<Table> {
    let column = |(j, name): (usize, &String)| Column {
        name: name.clone(),
        cells: Cells::Number(rows.iter().map(|r| r[j]).collect()),
    };
    let columns = features.names().iter().enumerate().map(column).collect();
    Table::from_columns("queries", columns)
}

fn classes(target: &TargetSpec, table: &Table) -> Result<Vec<usize>> {
    match target.encode(table)? {
        Target::Classes(labels) => Ok(labels),
        Target::Values(_) => Err(Error::format(
            "breast_cancer.csv: the target has no classes",
        )),
    }
}

impl Rows {
    fn new(
        features: &Features,
        target: &TargetSpec,
        table: Table,
        places: Vec<usize>,
    ) -> Result<Rows> {
        let labels = classes(target, &table)?;
        let y = Tensor::from_vec(labels.iter().map(|&c| c as i64).collect(), &[labels.len()])?;
        Ok(Rows {
            places,
            x: encode(features, &table)?,
            y,
            labels,
            table,
        })
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The positions of the rows of `class`.
    pub(crate) fn of(&self, class: usize) -> Vec<usize> {
        let is = |&i: &usize| self.labels[i] == class;
        (0..self.len()).filter(is).collect()
    }
}
