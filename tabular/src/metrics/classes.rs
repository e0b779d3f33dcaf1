//! Measures of predicted classes and probabilities.

use lepton_tensor::{Error, Result};

use super::{check_finite, check_pairs};

/// The share of rows whose class is right.
///
/// # Errors
/// When lengths differ or there is no row.
pub fn accuracy(predicted: &[usize], truth: &[usize]) -> Result<f64> {
    check_pairs("accuracy", predicted.len(), truth.len())?;
    let right = predicted.iter().zip(truth).filter(|(p, t)| p == t).count();
    Ok(right as f64 / truth.len() as f64)
}

/// The area under the ROC curve: the chance that a positive row scores above a negative one, ties
/// counting half (Mann and Whitney 1947, by midranks).
///
/// # Errors
/// When lengths differ, a score is not finite, or there is no positive or no negative row.
pub fn auc(scores: &[f64], positive: &[bool]) -> Result<f64> {
    check_pairs("auc", scores.len(), positive.len())?;
    check_finite("auc", scores)?;
    let n = positive.iter().filter(|p| **p).count();
    let m = positive.len() - n;
    if n == 0 || m == 0 {
        let message =
            format!("auc: it needs both classes, but {n} rows are positive and {m} negative");
        return Err(Error::value(message));
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    // Twice the rank sum of the positives, so midranks stay whole numbers.
    let (mut twice, mut start) = (0u128, 0);
    for tie in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let positives = tie.iter().filter(|&&i| positive[i]).count();
        let twice_midrank = 2 * start + 1 + tie.len();
        twice += (positives * twice_midrank) as u128;
        start += tie.len();
    }
    let pairs = twice - (n * (n + 1)) as u128;
    Ok(pairs as f64 / (2 * n * m) as f64)
}

/// The mean of `-ln p` of the true class, in nats. `probabilities` is row-major, one row of `classes`
/// values for each of `truth`; a row need not sum to 1 exactly. Probabilities below 1e-15 count as 1e-15.
///
/// # Errors
/// When sizes do not fit, there is no row, a probability is not in `0..=1`, or a label is not a class.
pub fn log_loss(probabilities: &[f64], classes: usize, truth: &[usize]) -> Result<f64> {
    if probabilities.len() != truth.len().saturating_mul(classes) {
        let (n, rows) = (probabilities.len(), truth.len());
        let message = format!("log loss: {n} probabilities for {rows} rows of {classes} classes");
        return Err(Error::shape(message));
    }
    check_pairs("log loss", truth.len(), truth.len())?;
    check_labels("log loss", classes, truth)?;
    if let Some(p) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::value(format!("log loss: {p} is not a probability")));
    }
    let loss = |(i, &t): (usize, &usize)| -probabilities[i * classes + t].max(1e-15).ln();
    let sum: f64 = truth.iter().enumerate().map(loss).sum();
    Ok(sum / truth.len() as f64)
}

fn check_labels(name: &str, classes: usize, labels: &[usize]) -> Result<()> {
    match labels.iter().find(|&&l| l >= classes) {
        None => Ok(()),
        Some(l) => Err(Error::index(format!(
            "{name}: label {l} is none of the {classes} classes"
        ))),
    }
}

/// How many rows of each true class were given each class.
///
/// ```
/// use lepton_tabular::metrics::Confusion;
/// let c = Confusion::new(&[0, 1, 1, 0], &[0, 1, 0, 0], 2)?;
/// assert_eq!(c.count(0, 1), 1); // one row of class 0 was called 1
/// assert_eq!((c.precision(1), c.recall(1)), (0.5, 1.0));
/// assert_eq!(c.f1(1), 2.0 / 3.0);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<usize>,
}

impl Confusion {
    /// Counts `predicted` against `truth`, both below `classes`.
    ///
    /// # Errors
    /// When lengths differ, there is no row, or a label is not below `classes`.
    pub fn new(predicted: &[usize], truth: &[usize], classes: usize) -> Result<Confusion> {
        check_pairs("confusion", predicted.len(), truth.len())?;
        check_labels("confusion", classes, predicted)?;
        check_labels("confusion", classes, truth)?;
        let mut counts = vec![0; classes * classes];
        for (p, t) in predicted.iter().zip(truth) {
            counts[t * classes + p] += 1;
        }
        Ok(Confusion { classes, counts })
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many rows of class `truth` were given class `predicted`.
    ///
    /// # Panics
    /// When a class is out of range.
    #[track_caller]
    pub fn count(&self, truth: usize, predicted: usize) -> usize {
        assert!(truth < self.classes && predicted < self.classes);
        self.counts[truth * self.classes + predicted]
    }

    /// Of the rows called `class`, the share that are; 0 when none was.
    pub fn precision(&self, class: usize) -> f64 {
        let called = (0..self.classes).map(|t| self.count(t, class)).sum();
        share(self.count(class, class), called)
    }

    /// Of the rows that are `class`, the share that were called so; 0 when there is none.
    pub fn recall(&self, class: usize) -> f64 {
        let are = (0..self.classes).map(|p| self.count(class, p)).sum();
        share(self.count(class, class), are)
    }

    /// The harmonic mean of precision and recall of `class`; 0 when both are.
    pub fn f1(&self, class: usize) -> f64 {
        let both = 2 * self.count(class, class);
        let all: usize = (0..self.classes)
            .map(|k| self.count(class, k) + self.count(k, class))
            .sum();
        share(both, all)
    }

    /// The mean of [`Confusion::f1`] over the classes, each counting the same.
    pub fn macro_f1(&self) -> f64 {
        (0..self.classes).map(|c| self.f1(c)).sum::<f64>() / self.classes.max(1) as f64
    }
}

fn share(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 0.0,
        _ => part as f64 / whole as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn probabilities_of_the_truth_count() {
        let p = [0.9, 0.1, 0.2, 0.8];
        let expected = -(0.9f64.ln() + 0.8f64.ln()) / 2.0;
        assert_eq!(log_loss(&p, 2, &[0, 1]).unwrap(), expected);
        assert!((log_loss(&[0.0, 1.0], 2, &[0]).unwrap() - 34.538_776).abs() < 1e-6);
        assert!(log_loss(&p, 2, &[0, 2]).is_err());
        assert!(log_loss(&p, 2, &[0]).is_err());
        assert!(log_loss(&[1.5, 0.0], 2, &[0]).is_err());
        assert!(log_loss(&[], 2, &[]).is_err());
    }

    #[test]
    fn a_class_nobody_predicts_has_no_precision() {
        let c = Confusion::new(&[0, 0, 0], &[0, 1, 2], 3).unwrap();
        assert_eq!((c.precision(1), c.recall(1), c.f1(1)), (0.0, 0.0, 0.0));
        assert_eq!(
            (c.precision(0), c.recall(0), c.f1(0)),
            (1.0 / 3.0, 1.0, 0.5)
        );
        assert_eq!(c.macro_f1(), 0.5 / 3.0);
        assert!(Confusion::new(&[3], &[0], 3).is_err());
        assert!(accuracy(&[], &[]).is_err());
        assert!(accuracy(&[1], &[]).is_err());
    }

    #[test]
    fn scores_that_say_nothing_are_at_half() {
        assert_eq!(
            auc(&[0.3; 5], &[true, false, true, false, false]).unwrap(),
            0.5
        );
        assert!(auc(&[f64::NAN, 0.0], &[true, false]).is_err());
    }

    proptest! {
        /// The midrank formula against its definition, pair by pair.
        #[test]
        fn auc_is_the_share_of_ordered_pairs(
            rows in proptest::collection::vec((0i32..6, any::<bool>()), 2..40)
        ) {
            let scores: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
            let positive: Vec<bool> = rows.iter().map(|r| r.1).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (a, _) in rows.iter().filter(|r| r.1) {
                for (b, _) in rows.iter().filter(|r| !r.1) {
                    won += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                    pairs += 1.0;
                }
            }
            match auc(&scores, &positive) {
                Ok(area) => prop_assert!((area - won / pairs).abs() < 1e-12),
                Err(_) => prop_assert_eq!(pairs, 0.0),
            }
        }
    }
}
