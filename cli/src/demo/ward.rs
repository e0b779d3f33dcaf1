//! The data of the story: who is in the training rows, and who is held out.

use lepton::autograd::Tensor;
use lepton::nn::Rng;
use lepton::tabular::{Cells, Features, Method, ReadOptions, Table, Target, TargetSpec, split};
use lepton::{Error, Result};

/// Wisconsin Diagnostic Breast Cancer: 569 biopsies, 30 measures of cell nuclei each.
const CSV: &str = include_str!("../../../data/breast_cancer.csv");
/// The range of each measure, as published for the data set and rounded.
const RANGES: &str = include_str!("../../../data/breast_cancer_ranges.csv");
/// The column to predict: 1 benign, 0 malignant.
pub(crate) const TARGET: &str = "benign";
/// What the classes are called, by their number.
pub(crate) const CLASSES: [&str; 2] = ["malignant", "benign"];

/// Some rows, encoded.
#[derive(Clone)]
pub(crate) struct Rows {
    /// Where they stand in the table.
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
    pub(crate) features: Features,
    pub(crate) target: TargetSpec,
    pub(crate) train: Rows,
    pub(crate) test: Rows,
    /// The same rows for the yardstick, scaled by the statistics of its training rows.
    pub(crate) pooled: [Rows; 2],
}

impl Ward {
    /// Four fifths to learn from, one fifth held out, in the shares of the classes.
    ///
    /// The private rows are scaled by published ranges and not by statistics of the rows: those
    /// would tell something about each of them.
    pub(crate) fn new(seed: u64) -> Result<Ward> {
        let table = Table::read(CSV.as_bytes(), "breast_cancer.csv", &ReadOptions::default())?;
        let target = TargetSpec::fit(&table, TARGET, None)?;
        let Target::Classes(labels) = target.encode(&table)? else {
            return Err(Error::format(
                "breast_cancer.csv: the target has no classes",
            ));
        };
        let features = features(&table.without(&[TARGET])?)?;
        let parts = split::stratified(&labels, 0.2, &mut Rng::new(seed))?;
        let seen = table.take(&parts.train).without(&[TARGET])?;
        let standard = Features::fit(&seen, Method::Standard)?;
        let rows = |by: &Features, which: &[usize]| Rows::new(by, &target, table.take(which));
        Ok(Ward {
            train: rows(&features, &parts.train)?,
            test: rows(&features, &parts.test)?,
            pooled: [
                rows(&standard, &parts.train)?,
                rows(&standard, &parts.test)?,
            ],
            features,
            target,
        })
    }

    /// The names of the features, in words.
    pub(crate) fn names(&self) -> Vec<String> {
        self.features
            .names()
            .iter()
            .map(|n| n.replace('_', " "))
            .collect()
    }
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

impl Rows {
    fn new(features: &Features, target: &TargetSpec, table: Table) -> Result<Rows> {
        let x = features.encode(&table)?;
        let Target::Classes(labels) = target.encode(&table)? else {
            return Err(Error::format("the target has no classes"));
        };
        let y = Tensor::from_vec(labels.iter().map(|&c| c as i64).collect(), &[labels.len()])?;
        Ok(Rows {
            x: Tensor::from_vec(x.values, &[x.rows, x.cols])?,
            y,
            labels,
            table,
        })
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }
}
