//! A model's outputs as answers in the words of the target column, and how good they are.

use std::borrow::Cow;

use lepton_tensor::{Error, Result};

use crate::metrics;
use crate::target::{Outcome, Target, TargetSpec};

/// What a model answers, for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// A class.
    Classes {
        /// The index of the likeliest class, the first of equals.
        labels: Vec<usize>,
        /// The probability of each class, row after row.
        probabilities: Vec<f64>,
    },
    /// A value, in the unit of the target column.
    Values(Vec<f64>),
}

impl TargetSpec {
    /// The answers that a model's `outputs` mean: [`TargetSpec::outputs`] numbers a row, logits of the
    /// classes or a scaled value.
    ///
    /// # Errors
    /// When there are not whole rows, or an output is not finite.
    ///
    /// ```
    /// use lepton_tabular::{Answers, ReadOptions, Table, TargetSpec};
    /// let t = Table::read("pet\ndog\ncat\n".as_bytes(), "pets.csv", &ReadOptions::default())?;
    /// let spec = TargetSpec::fit(&t, "pet", None)?; // classes cat, dog
    /// let answers = spec.answers(&[2.0, 2.0])?; // logits, here undecided
    /// let csv = String::from_utf8(answers.to_csv(&spec)?).unwrap();
    /// assert_eq!(csv, "prediction,p_cat,p_dog\ncat,0.5,0.5\n");
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    pub fn answers(&self, outputs: &[f32]) -> Result<Answers> {
        let width = self.outputs();
        if !outputs.len().is_multiple_of(width) {
            let n = outputs.len();
            let message = format!("{n} outputs are not whole rows of {width}");
            return Err(Error::shape(message));
        }
        if let Some(i) = outputs.iter().position(|y| !y.is_finite()) {
            let (row, y) = (i / width + 1, outputs[i]);
            let message = format!("the model's output for row {row} is {y}, not a finite number");
            return Err(Error::value(message));
        }
        Ok(match self.outcome() {
            Outcome::Regression { scale } => {
                let value = |&y: &f32| scale.invert(f64::from(y));
                Answers::Values(outputs.iter().map(value).collect())
            }
            Outcome::Classification { .. } => {
                let rows = || outputs.chunks_exact(width);
                Answers::Classes {
                    labels: rows().map(largest).collect(),
                    probabilities: rows().flat_map(softmax).collect(),
                }
            }
        })
    }
}

fn largest(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best })
}

/// In f64 and from the largest logit down, so no exponential overflows.
fn softmax(row: &[f32]) -> Vec<f64> {
    let top = f64::from(row[largest(row)]);
    let weights: Vec<f64> = row.iter().map(|&y| (f64::from(y) - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / total).collect()
}

impl Answers {
    /// How many rows are answered.
    pub fn len(&self) -> usize {
        match self {
            Answers::Classes { labels, .. } => labels.len(),
            Answers::Values(values) => values.len(),
        }
    }

    /// Whether no row is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How good the answers are, as pairs of a name and a number. Classes: `accuracy`, `auc`,
    /// `macro_f1` and `log_loss`, where `auc` is that of the second of two classes, the mean of one
    /// class against the rest for more, and left out where a class has no row or all. Values: `mse`,
    /// `mae` and `r2` in the target's own unit, where `r2` is left out for equal true values.
    ///
    /// # Errors
    /// When there is no row, the rows differ in number, or classes meet values.
    pub fn judge(&self, spec: &TargetSpec, truth: &Target) -> Result<Vec<(&'static str, f64)>> {
        match (self, truth, spec.outcome()) {
            (
                Answers::Classes {
                    labels,
                    probabilities,
                },
                Target::Classes(truth),
                Outcome::Classification { classes },
            ) => judge_classes(labels, probabilities, truth, classes.len()),
            (Answers::Values(values), Target::Values(truth), Outcome::Regression { scale }) => {
                let truth: Vec<f64> = truth.iter().map(|&y| scale.invert(f64::from(y))).collect();
                judge_values(values, &truth)
            }
            _ => Err(Error::value(
                "classes cannot be judged as values, nor values as classes",
            )),
        }
    }

    /// The answers as CSV: the column `prediction`, and `p_CLASS` for each class.
    ///
    /// # Errors
    /// When `spec` has other classes than the answers.
    pub fn to_csv(&self, spec: &TargetSpec) -> Result<Vec<u8>> {
        let classes = spec.classes().unwrap_or_default();
        let mut csv = String::from("prediction");
        for class in classes {
            csv += &format!(",{}", quoted(&format!("p_{class}")));
        }
        csv.push('\n');
        match self {
            Answers::Values(values) => values.iter().for_each(|v| csv += &format!("{v}\n")),
            Answers::Classes {
                labels,
                probabilities,
            } => {
                if probabilities.len() != labels.len() * classes.len() {
                    return Err(Error::shape("the answers are of another number of classes"));
                }
                let names: Vec<_> = classes.iter().map(|class| quoted(class)).collect();
                let rows = probabilities.chunks(classes.len().max(1));
                for (&label, row) in labels.iter().zip(rows) {
                    csv += &names[label];
                    row.iter().for_each(|p| csv += &format!(",{p}"));
                    csv.push('\n');
                }
            }
        }
        Ok(csv.into_bytes())
    }
}

/// A cell with quotes around it where it needs them.
fn quoted(cell: &str) -> Cow<'_, str> {
    let special = |c: char| matches!(c, ',' | '"' | '\n' | '\r');
    let blank = cell.starts_with(' ') || cell.ends_with(' ') || cell.is_empty();
    match blank || cell.contains(special) {
        true => Cow::Owned(format!("\"{}\"", cell.replace('"', "\"\""))),
        false => Cow::Borrowed(cell),
    }
}

fn judge_classes(
    labels: &[usize],
    probabilities: &[f64],
    truth: &[usize],
    classes: usize,
) -> Result<Vec<(&'static str, f64)>> {
    let confusion = metrics::Confusion::new(labels, truth, classes)?;
    let mut scores = vec![("accuracy", metrics::accuracy(labels, truth)?)];
    let against_rest = |class: usize| {
        let score: Vec<f64> = probabilities
            .chunks(classes)
            .map(|row| row[class])
            .collect();
        let positive: Vec<bool> = truth.iter().map(|&t| t == class).collect();
        metrics::auc(&score, &positive)
    };
    let areas: Result<Vec<f64>> = match classes {
        2 => against_rest(1).map(|area| vec![area]),
        _ => (0..classes).map(against_rest).collect(),
    };
    if let Ok(areas) = areas {
        scores.push(("auc", areas.iter().sum::<f64>() / areas.len() as f64));
    }
    scores.push(("macro_f1", confusion.macro_f1()));
    scores.push((
        "log_loss",
        metrics::log_loss(probabilities, classes, truth)?,
    ));
    Ok(scores)
}

fn judge_values(values: &[f64], truth: &[f64]) -> Result<Vec<(&'static str, f64)>> {
    let mut scores = vec![
        ("mse", metrics::mse(values, truth)?),
        ("mae", metrics::mae(values, truth)?),
    ];
    if let Ok(r2) = metrics::r2(values, truth) {
        scores.push(("r2", r2));
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadOptions, Table};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn spec(text: &str) -> TargetSpec {
        let table = Table::read(text.as_bytes(), "f.csv", &ReadOptions::default()).unwrap();
        TargetSpec::fit(&table, "y", None).unwrap()
    }

    fn score(scores: &[(&'static str, f64)], name: &str) -> Option<f64> {
        scores.iter().find(|s| s.0 == name).map(|s| s.1)
    }

    #[test]
    fn two_classes_are_judged() {
        let spec = spec("y\n0\n1\n");
        let answers = spec.answers(&[1.0, 0.0, 0.0, 2.0, 0.0, 0.5]).unwrap();
        let scores = answers
            .judge(&spec, &Target::Classes(vec![0, 1, 0]))
            .unwrap();
        assert_eq!(score(&scores, "accuracy"), Some(2.0 / 3.0));
        assert_eq!(score(&scores, "auc"), Some(1.0));
        let scores = answers
            .judge(&spec, &Target::Classes(vec![0, 0, 0]))
            .unwrap();
        assert_eq!(score(&scores, "auc"), None);
        assert!(answers.judge(&spec, &Target::Classes(vec![0])).is_err());
        assert!(answers.judge(&spec, &Target::Values(vec![0.0; 3])).is_err());
    }

    #[test]
    fn values_are_judged_in_their_unit() {
        let spec = spec("y\n1.5\n3.5\n"); // mean 2.5, deviation 1
        let answers = spec.answers(&[-1.0, 0.0]).unwrap();
        assert_eq!(answers, Answers::Values(vec![1.5, 2.5]));
        let scores = answers
            .judge(&spec, &Target::Values(vec![-1.0, 1.0]))
            .unwrap();
        assert_eq!(scores, [("mse", 0.5), ("mae", 0.5), ("r2", 0.5)]);
        let csv = answers.to_csv(&spec).unwrap();
        assert_eq!(String::from_utf8(csv).unwrap(), "prediction\n1.5\n2.5\n");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let spec = spec("y\na\nb\n");
        assert!(spec.answers(&[0.0; 3]).is_err());
        let e = spec.answers(&[0.0, 1.0, 2.0, f32::NAN]).unwrap_err();
        assert_eq!(
            e.to_string(),
            "the model's output for row 2 is NaN, not a finite number"
        );
    }

    #[test]
    fn class_names_are_quoted_where_needed() {
        let spec = spec("y\n\"a,b\"\nc\n");
        let csv = spec.answers(&[1.0, 1.0]).unwrap().to_csv(&spec).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert_eq!(csv, "prediction,\"p_a,b\",p_c\n\"a,b\",0.5,0.5\n");
    }

    proptest! {
        #[test]
        fn probabilities_are_some(outputs in proptest::collection::vec(-1e4f32..1e4, 3)) {
            let spec = spec("y\na\nb\nc\n");
            let Answers::Classes { labels, probabilities } = spec.answers(&outputs).unwrap() else {
                panic!("a classifier")
            };
            prop_assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let top = probabilities.iter().copied().fold(0.0, f64::max);
            prop_assert_eq!(probabilities[labels[0]], top);
        }
    }
}
