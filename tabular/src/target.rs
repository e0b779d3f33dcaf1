//! The column to predict: classes or a value, and how a model's outputs become answers again.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use lepton_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::labels::{self, label};
use crate::number;
use crate::scale::Scale;
use crate::table::{Cells, Column, Table, name_list};

/// Integers with more different values than this are a quantity, not classes.
const MAX_INTEGER_CLASSES: usize = 20;
/// More classes than this are an identifier.
const MAX_CLASSES: usize = 1000;

/// What is predicted: one of some classes, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of some classes.
    Classification,
    /// A number.
    Regression,
}

impl Task {
    /// The task that a column suggests: classification for text, truth values, and whole numbers with at
    /// most 20 different values; otherwise regression, also where most of three or more values differ.
    pub fn of(cells: &Cells) -> Task {
        suggest(cells).0
    }

    /// The task that column `column` suggests, and why, as a sentence with the way to choose the other.
    ///
    /// # Errors
    /// When there is no such column.
    ///
    /// ```
    /// use lepton_tabular::{ReadOptions, Table, Task};
    /// let t = Table::read("y\n1\n0\n1\n1\n".as_bytes(), "t.csv", &ReadOptions::default())?;
    /// assert_eq!(
    ///     Task::suggested(&t, "y")?.1,
    ///     "classification, since `y` has 2 different whole numbers in 4 rows; `--task regression` predicts a \
    ///      quantity instead"
    /// );
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    pub fn suggested(table: &Table, column: &str) -> Result<(Task, String)> {
        let (task, why) = suggest(&table.column(column)?.cells);
        let other = match (task, &table.column(column)?.cells) {
            (Task::Regression, _) => {
                "; `--task classification` predicts one of these values instead"
            }
            (Task::Classification, Cells::Text(_)) => "",
            _ => "; `--task regression` predicts a quantity instead",
        };
        Ok((
            task,
            format!("{}, since `{column}` {why}{other}", task.name()),
        ))
    }

    /// `classification` or `regression`.
    pub fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::Regression => "regression",
        }
    }
}

/// The task that a column suggests, and what it is that suggests it.
fn suggest(cells: &Cells) -> (Task, String) {
    let values = match cells {
        Cells::Number(values) => values,
        Cells::Bool { .. } => return (Task::Classification, "holds truth values".into()),
        Cells::Text(_) => return (Task::Classification, "is text".into()),
    };
    let known = || values.iter().filter(|x| !x.is_nan());
    // An infinity's fraction is NaN.
    if !known().all(|x| x.fract() == 0.0) {
        return (Task::Regression, "holds numbers with fractions".into());
    }
    let different = known()
        .map(|x| (x + 0.0).to_bits())
        .collect::<HashSet<_>>()
        .len(); // -0 is 0
    let rows = known().count();
    let found = format!("has {different} different whole numbers in {rows} rows");
    match different {
        0..=2 => (Task::Classification, found),
        n if n <= MAX_INTEGER_CLASSES && 2 * n <= rows => (Task::Classification, found),
        _ => (Task::Regression, found),
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(name: &str) -> Result<Task> {
        match name {
            "classification" => Ok(Task::Classification),
            "regression" => Ok(Task::Regression),
            _ => Err(Error::value(format!(
                "the task must be `classification` or `regression`, got `{name}`"
            ))),
        }
    }
}

/// The values of a target column as a model learns them.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// For each row the index of its class.
    Classes(Vec<usize>),
    /// For each row its scaled value.
    Values(Vec<f32>),
}

/// What a model's outputs mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Outcome {
    /// One output for each class.
    Classification {
        /// The classes: numbers by value, text by bytes.
        classes: Vec<String>,
    },
    /// One output, the scaled value.
    Regression {
        /// The scaling of the training rows' values to mean 0 and deviation 1.
        scale: Scale,
    },
}

/// The column to predict and what a model's outputs mean for it. It serialises.
///
/// ```
/// use lepton_tabular::{ReadOptions, Table, Target, TargetSpec};
/// let t = Table::read("size,pet\n3,dog\n1,cat\n4,dog\n".as_bytes(), "pets.csv", &ReadOptions::default())?;
/// let spec = TargetSpec::fit(&t, "pet", None)?;
/// assert_eq!(spec.classes().unwrap(), ["cat", "dog"]);
/// assert_eq!(spec.encode(&t)?, Target::Classes(vec![1, 0, 1]));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct TargetSpec {
    column: String,
    outcome: Outcome,
}

impl TargetSpec {
    /// Learns from `table` what column `column` holds; `task` overrides what the column suggests.
    ///
    /// # Errors
    /// When there is no such column or row, a value is missing or infinite, text should be a number,
    /// there is only one class, or there are more than 1,000.
    pub fn fit(table: &Table, column: &str, task: Option<Task>) -> Result<TargetSpec> {
        let place = table.position(column)?;
        let cells = &table.columns()[place].cells;
        let here = |e: Error| e.at(format!("{}, column `{column}`", table.source()));
        if table.rows() == 0 {
            return Err(here(Error::value("there is no row to learn from")));
        }
        check_there(table, place)?;
        let outcome = match task.unwrap_or_else(|| Task::of(cells)) {
            Task::Classification => Outcome::Classification {
                classes: classes(table, place).map_err(here)?,
            },
            Task::Regression => Outcome::Regression {
                scale: Scale::standard(&numbers(table, place)?),
            },
        };
        Ok(TargetSpec {
            column: column.to_string(),
            outcome,
        })
    }

    /// The column's name.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// What a model's outputs mean.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The task.
    pub fn task(&self) -> Task {
        match self.outcome {
            Outcome::Classification { .. } => Task::Classification,
            Outcome::Regression { .. } => Task::Regression,
        }
    }

    /// The classes, for classification.
    pub fn classes(&self) -> Option<&[String]> {
        match &self.outcome {
            Outcome::Classification { classes } => Some(classes),
            Outcome::Regression { .. } => None,
        }
    }

    /// The scaling of the value, for regression.
    pub fn scale(&self) -> Option<Scale> {
        match self.outcome {
            Outcome::Classification { .. } => None,
            Outcome::Regression { scale } => Some(scale),
        }
    }

    /// How many outputs a model needs: one for each class, or one.
    pub fn outputs(&self) -> usize {
        self.classes().map_or(1, <[String]>::len)
    }

    /// The column of `table` as a model learns it.
    ///
    /// # Errors
    /// When there is no such column, or a value is missing, not a finite number, or of an unknown class.
    pub fn encode(&self, table: &Table) -> Result<Target> {
        let place = table.position(&self.column)?;
        check_there(table, place)?;
        match &self.outcome {
            Outcome::Regression { scale } => {
                let scaled = |(i, x): (usize, f64)| match scale.apply(x) as f32 {
                    y if y.is_finite() => Ok(y),
                    _ => Err(Error::value(number::too_large(x)).at(table.place(i, &self.column))),
                };
                let values = numbers(table, place)?.into_iter().enumerate();
                Ok(Target::Values(values.map(scaled).collect::<Result<_>>()?))
            }
            Outcome::Classification { classes } => {
                let places = classes.iter().map(String::as_str).zip(0..).collect();
                let index = |row| class_of(table, place, classes, &places, row);
                let labels: Result<Vec<usize>> = (0..table.rows()).map(index).collect();
                Ok(Target::Classes(labels?))
            }
        }
    }
}

/// What a file may say of a target, before it is checked.
#[derive(Serialize, Deserialize)]
struct Unchecked {
    column: String,
    #[serde(flatten)]
    outcome: Outcome,
}

impl From<TargetSpec> for Unchecked {
    fn from(TargetSpec { column, outcome }: TargetSpec) -> Unchecked {
        Unchecked { column, outcome }
    }
}

impl TryFrom<Unchecked> for TargetSpec {
    type Error = Error;

    fn try_from(Unchecked { column, outcome }: Unchecked) -> Result<TargetSpec> {
        match &outcome {
            Outcome::Regression { scale } => scale.check()?,
            Outcome::Classification { classes } => {
                let all: HashSet<&String> = classes.iter().collect();
                if all.len() < classes.len() || classes.len() < 2 {
                    let message = "a classifier needs at least two classes, each named once";
                    return Err(Error::format(message));
                }
            }
        }
        Ok(TargetSpec { column, outcome })
    }
}

fn check_there(table: &Table, column: usize) -> Result<()> {
    let Column { name, cells } = &table.columns()[column];
    let Some(row) = (0..table.rows()).find(|&row| cells.is_missing(row)) else {
        return Ok(());
    };
    let message = match &table.origin(column).missing {
        Some((line, word)) if *line == table.line(row) => format!(
            "the target is missing, since `{word}` counts as no value; fill it in, remove the row, or say \
             `--missing ''` if `{word}` is a value"
        ),
        _ => "the target is missing; fill it in, or remove the row".to_string(),
    };
    Err(Error::value(message).at(table.place(row, name)))
}

fn classes(table: &Table, column: usize) -> Result<Vec<String>> {
    let classes = labels::classes(table, column);
    match classes.len() {
        1 => Err(Error::value(format!(
            "every row has the value `{}`; a classifier needs at least two classes",
            classes[0]
        ))),
        n if n > MAX_CLASSES => Err(Error::value(format!(
            "it has {n} different values, more than the {MAX_CLASSES} that can be classes; choose another \
             target, or regression for numbers"
        ))),
        _ => Ok(classes),
    }
}

fn class_of(
    table: &Table,
    column: usize,
    classes: &[String],
    places: &HashMap<&str, usize>,
    row: usize,
) -> Result<usize> {
    let text = label(table, column, row).unwrap_or_default();
    // Another file may spell truth values in another case.
    let truth = matches!(table.columns()[column].cells, Cells::Bool { .. });
    let same =
        |class: &String| labels::same(class, &text) || (truth && class.eq_ignore_ascii_case(&text));
    let exact = places.get(&*text).copied();
    exact
        .or_else(|| classes.iter().position(same))
        .ok_or_else(|| {
            let names: Vec<&str> = classes.iter().map(String::as_str).collect();
            let known = name_list(&names);
            let message = format!("`{}` is none of the classes {known}", text.escape_debug());
            Error::value(message).at(table.place(row, &table.columns()[column].name))
        })
}

/// The column as finite numbers.
fn numbers(table: &Table, column: usize) -> Result<Vec<f64>> {
    let Column { name, cells } = &table.columns()[column];
    let number = |row: usize| -> Result<f64> {
        let x = match cells {
            Cells::Number(values) => values[row],
            Cells::Bool { values, .. } => values[row].map_or(f64::NAN, |b| f64::from(u8::from(b))),
            Cells::Text(_) => f64::NAN,
        };
        if x.abs() <= f64::from(f32::MAX) {
            return Ok(x);
        }
        let message = match cells.text(row).unwrap_or_default() {
            _ if x.is_finite() => number::too_large(x),
            text if text.parse::<f64>().is_ok_and(f64::is_finite) => format!(
                "`{text}` is read as text, but regression needs numbers; leave `--categorical {name}` out, or \
                 correct the cells that are no numbers"
            ),
            text => format!(
                "`{}` is not a finite number, which regression needs; choose classification, or correct the cell",
                text.escape_debug()
            ),
        };
        Err(Error::value(message).at(table.place(row, name)))
    };
    (0..table.rows()).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadOptions;

    fn read(text: &str) -> Table {
        Table::read(text.as_bytes(), "f.csv", &ReadOptions::default()).unwrap()
    }

    fn column(values: impl Iterator<Item = String>) -> Table {
        read(&values.fold("y\n".to_string(), |file, v| file + &v + "\n"))
    }

    #[test]
    fn the_task_follows_the_values() {
        let task = |t: Table| TargetSpec::fit(&t, "y", None).unwrap().task();
        let integers = |n: usize| column((0..60).map(move |i| (i % n).to_string()));
        assert_eq!(task(integers(20)), Task::Classification);
        assert_eq!(task(integers(21)), Task::Regression);
        assert_eq!(task(read("y\n1\n2.5\n")), Task::Regression);
        assert_eq!(task(read("y\ntrue\nfalse\n")), Task::Classification);
        assert_eq!(task(read("y\nb\na\n")), Task::Classification);
    }

    #[test]
    fn classes_are_sorted_by_value_or_bytes() {
        let classes = |text| {
            let spec = TargetSpec::fit(&read(text), "y", Some(Task::Classification)).unwrap();
            spec.classes().unwrap().to_vec()
        };
        assert_eq!(classes("y\n10\n9\n-1.0\n0\n-0\n"), ["-1", "0", "9", "10"]);
        assert_eq!(classes("y\nb\nB\n10\n9\n"), ["10", "9", "B", "b"]);
        assert_eq!(classes("y\nTRUE\nFALSE\n"), ["FALSE", "TRUE"]);
        assert_eq!(classes("y\n0.5\n1.5\n"), ["0.5", "1.5"]);
    }

    #[test]
    fn values_are_encoded_and_come_back() {
        let t = read("y\n1\n2.5\n5.5\n");
        let spec = TargetSpec::fit(&t, "y", None).unwrap();
        let Target::Values(y) = spec.encode(&t).unwrap() else {
            panic!("a regression")
        };
        let scale = spec.scale().unwrap();
        for (y, x) in y.iter().zip([1.0, 2.5, 5.5]) {
            assert!((scale.invert(f64::from(*y)) - x).abs() < 1e-6);
        }
        let truth = read("y\nTRUE\nFALSE\n");
        let spec = TargetSpec::fit(&truth, "y", None).unwrap();
        let other = read("y\ntrue\n");
        assert_eq!(spec.encode(&other).unwrap(), Target::Classes(vec![1]));
    }

    #[test]
    fn bad_targets_have_their_sentences() {
        let error = |text: &str, task| {
            let e = TargetSpec::fit(&read(text), "y", task).unwrap_err();
            e.to_string()
        };
        assert!(error("x\n1\n", None).contains("there is no column `y`"));
        assert_eq!(
            error("x,y\n1,2\n1,\n", None),
            "f.csv, line 3, column `y`: the target is missing; fill it in, or remove the row"
        );
        assert!(error("y\n3\n3\n", None).contains("every row has the value `3`"));
        assert!(error("y\n1.5\ninf\n", None).contains("line 3, column `y`: `inf` is not a finite"));
        assert!(error("y\na\nb\n", Some(Task::Regression)).contains("`a` is not a finite number"));
        let many = column((0..1001).map(|i| format!("id{i}")));
        assert!(TargetSpec::fit(&many, "y", None).is_err());
        let spec = TargetSpec::fit(&read("y\na\nb\n"), "y", None).unwrap();
        let e = spec.encode(&read("y\na\nc\n")).unwrap_err().to_string();
        assert_eq!(
            e,
            "f.csv, line 3, column `y`: `c` is none of the classes a, b"
        );
    }

    #[test]
    fn json_comes_back_and_is_checked() {
        for text in ["y\na\nb\n", "y\n1\n2.5\n"] {
            let spec = TargetSpec::fit(&read(text), "y", None).unwrap();
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<TargetSpec>(&json).unwrap(), spec);
        }
        for json in [
            r#"{"column":"y","task":"classification","classes":["a","a"]}"#,
            r#"{"column":"y","task":"classification","classes":[]}"#,
            r#"{"column":"y","task":"regression","scale":{"shift":0.0,"width":-1.0}}"#,
        ] {
            assert!(serde_json::from_str::<TargetSpec>(json).is_err(), "{json}");
        }
    }
}
