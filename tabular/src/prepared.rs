//! From a table to what a model learns from and is judged by, in one step.

use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Result, Tensor};

use crate::features::{Features, Matrix};
use crate::idle::{self, LeftOut};
use crate::scale::Method;
use crate::split;
use crate::table::Table;
use crate::target::{Target, TargetSpec, Task};

/// What to predict and how to prepare for it.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The column to predict; every other column is a feature.
    pub target: &'a str,
    /// The task, where it should not be what the column suggests.
    pub task: Option<Task>,
    /// How numbers are scaled.
    pub scaling: Method,
    /// The share of rows held out to judge by, between 0 and 1.
    pub test: f64,
}

/// Rows as a model reads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Which rows of the table these are.
    pub rows: Vec<usize>,
    /// Their features.
    pub x: Matrix,
    /// What is to be predicted.
    pub y: Target,
}

impl Part {
    /// The rows as a model and a loss read them: features `[rows, width]`, and the target as i64
    /// classes `[rows]` or as scaled f32 values `[rows, 1]`.
    ///
    /// # Errors
    /// When the sizes of `x` do not agree, which [`Prepared`] never makes.
    pub fn tensors(&self) -> Result<(Tensor, Tensor)> {
        let x = Tensor::from_vec(self.x.values.clone(), &[self.x.rows, self.x.cols])?;
        let y = match &self.y {
            Target::Classes(labels) => {
                let labels: Vec<i64> = labels.iter().map(|&c| c as i64).collect();
                Tensor::from_vec(labels, &[self.x.rows])
            }
            Target::Values(values) => Tensor::from_vec(values.clone(), &[self.x.rows, 1]),
        };
        Ok((x, y?))
    }
}

/// A table parted, with everything learnt from its training rows alone.
///
/// ```
/// use lepton_tabular::{Method, Plan, Prepared, ReadOptions, Table};
/// use lepton_tensor::random::Rng;
/// let rows: String = (0..10).map(|i| format!("{i},{}\n", ["low", "high"][i / 5])).collect();
/// let table = Table::read(format!("x,y\n{rows}").as_bytes(), "t.csv", &ReadOptions::default())?;
/// let plan = Plan { target: "y", task: None, scaling: Method::Standard, test: 0.2 };
/// let p = Prepared::new(&table, &plan, &mut Rng::new(1))?;
/// assert_eq!((p.train.x.rows, p.test.x.rows), (8, 2));
/// assert_eq!(p.target.classes().unwrap(), ["high", "low"]);
/// let (x, y) = p.train.tensors()?;
/// assert_eq!((x.shape(), y.shape()), (&[8, 1][..], &[8][..]));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// How a row becomes features.
    pub features: Features,
    /// The columns that are no features, since the training rows have nothing to learn from them.
    pub left_out: Vec<LeftOut>,
    /// What the outputs mean.
    pub target: TargetSpec,
    /// The rows to learn from.
    pub train: Part,
    /// The rows to judge by.
    pub test: Part,
}

impl Prepared {
    /// Holds out rows, by classes where there are some, and learns medians, scales and categories from
    /// the others.
    ///
    /// # Errors
    /// When the target or a feature cannot be used, or there are too few rows to part.
    pub fn new(table: &Table, plan: &Plan, rng: &mut Rng) -> Result<Prepared> {
        let whole = TargetSpec::fit(table, plan.target, plan.task)?;
        check_room(table)?;
        let parts = match whole.encode(table)? {
            Target::Classes(labels) => split::stratified(&labels, plan.test, rng),
            Target::Values(values) => split::train_test(values.len(), plan.test, rng),
        };
        let parts = parts.map_err(|e| e.at(table.source()))?;
        let train = table.take(&parts.train);
        // A stratified split keeps a row of every class, so the classes are those of the whole table.
        let target = match whole.task() {
            Task::Classification => whole,
            Task::Regression => TargetSpec::fit(&train, plan.target, Some(Task::Regression))?,
        };
        let inputs = train.without(&[plan.target])?;
        if inputs.columns().is_empty() {
            let message = "there is no column beside the target";
            return Err(Error::value(message).at(table.source()));
        }
        let features = Features::fit(&inputs, plan.scaling)?;
        let part = |table: &Table, rows: Vec<usize>| -> Result<Part> {
            let (x, y) = (features.encode(table)?, target.encode(table)?);
            Ok(Part { rows, x, y })
        };
        Ok(Prepared {
            left_out: idle::left_out(&inputs),
            train: part(&train, parts.train)?,
            test: part(&table.take(&parts.test), parts.test)?,
            features,
            target,
        })
    }
}

/// An error where the copies below would end the process: a table is copied by rows, then without its
/// target, then into matrices of several owners.
fn check_room(table: &Table) -> Result<()> {
    const BYTES: usize = 32; // a value, over all of its copies
    let values = table.rows().saturating_mul(table.columns().len());
    let mut probe: Vec<u8> = Vec::new();
    let room = probe.try_reserve_exact(values.saturating_mul(BYTES));
    room.map_err(|_| {
        let message =
            "the table is read, but memory does not suffice to learn from it; give it fewer rows";
        Error::value(message).at(table.source())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoding, ReadOptions};

    fn read(text: &str) -> Table {
        Table::read(text.as_bytes(), "f.csv", &ReadOptions::default()).unwrap()
    }

    const PLAN: Plan = Plan {
        target: "y",
        task: None,
        scaling: Method::Standard,
        test: 0.25,
    };

    #[test]
    fn held_out_rows_teach_nothing() {
        let rows: String = (0..40).map(|i| format!("{i},{}.5\n", i * i)).collect();
        let table = read(&format!("x,y\n{rows}"));
        let p = Prepared::new(&table, &PLAN, &mut Rng::new(3)).unwrap();
        let mean = p.train.rows.iter().sum::<usize>() as f64 / 30.0;
        let Encoding::Number { scale, .. } = p.features.columns()[0].encoding else {
            panic!("a number")
        };
        assert!((scale.shift - mean).abs() < 1e-12 && (mean - 19.5).abs() > 1e-3);
        let y = p
            .train
            .rows
            .iter()
            .map(|&i| (i * i) as f64 + 0.5)
            .sum::<f64>()
            / 30.0;
        assert!((p.target.scale().unwrap().shift - y).abs() < 1e-9);
    }

    #[test]
    fn a_class_of_one_row_is_learnt() {
        let rows: String = (0..39).map(|i| format!("{i},{}\n", i % 2)).collect();
        let table = read(&format!("x,y\n{rows}7,2\n"));
        for seed in 0..20 {
            let p = Prepared::new(&table, &PLAN, &mut Rng::new(seed)).unwrap();
            assert_eq!(p.target.classes().unwrap(), ["0", "1", "2"]);
            assert_eq!(p.test.rows.len(), 10);
        }
    }

    #[test]
    fn a_table_without_features_is_refused() {
        let e = Prepared::new(&read("y\n1\n0\n1\n0\n"), &PLAN, &mut Rng::new(0));
        assert_eq!(
            e.unwrap_err().to_string(),
            "f.csv: there is no column beside the target"
        );
    }
}
