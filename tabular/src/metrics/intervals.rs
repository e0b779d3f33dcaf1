//! How far measures of few rows can be trusted: confidence intervals.

use lepton_tensor::{Error, Result};

use super::classes::{Confusion, auc};
use super::{check_finite, check_pairs};

/// Standard deviations on both sides of a mean that hold 95 % of a normal distribution.
pub const Z95: f64 = 1.959_963_984_540_054;

/// The values that a measure may have in the population, seen from the rows at hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Some of counted rows.
///
/// ```
/// use lepton_tabular::metrics::{Share, Z95};
/// let found = Share { part: 41, whole: 42 };
/// let interval = found.wilson(Z95)?;
/// assert!((interval.low - 0.877).abs() < 1e-3 && (interval.high - 0.996).abs() < 1e-3);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How many of them.
    pub part: usize,
    /// Of how many.
    pub whole: usize,
}

impl Share {
    /// The part over the whole; `NaN` of no rows.
    pub fn value(&self) -> f64 {
        self.part as f64 / self.whole as f64
    }

    /// The interval of Wilson (1927), `z` standard deviations to each side ([`Z95`] for 95 %). It has
    /// a width at 0 and 1, too.
    ///
    /// # Errors
    /// When there is no row, the part is more than the whole, or `z` is not a number above 0.
    pub fn wilson(&self, z: f64) -> Result<Interval> {
        check_z("wilson", z)?;
        if self.whole == 0 || self.part > self.whole {
            let (part, whole) = (self.part, self.whole);
            let message = format!("wilson: {part} of {whole} rows is no share; count at least one");
            return Err(Error::value(message));
        }
        let (n, p, z2) = (self.whole as f64, self.value(), z * z);
        let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        // At the ends the two terms are equal but for rounding.
        Ok(Interval {
            low: if self.part == 0 { 0.0 } else { middle - half },
            high: if self.part == self.whole {
                1.0
            } else {
                middle + half
            },
        })
    }
}

impl Confusion {
    /// Of the rows that are `class`, those called so: the sensitivity for that class.
    ///
    /// # Panics
    /// When there is no such class.
    #[track_caller]
    pub fn sensitivity(&self, class: usize) -> Share {
        Share {
            part: self.count(class, class),
            whole: (0..self.classes()).map(|p| self.count(class, p)).sum(),
        }
    }

    /// Of the rows that are not `class`, those not called so: the specificity for that class.
    ///
    /// # Panics
    /// When there is no such class.
    #[track_caller]
    pub fn specificity(&self, class: usize) -> Share {
        let others = || (0..self.classes()).filter(move |&t| t != class);
        let called = |p: usize| others().map(|t| self.count(t, p)).sum::<usize>();
        let whole: usize = (0..self.classes()).map(called).sum();
        Share {
            part: whole - called(class),
            whole,
        }
    }
}

/// The interval of the area under the ROC curve by DeLong, DeLong and Clarke-Pearson (1988), `z`
/// standard deviations to each side, cut to 0 and 1. Where the rows vary too little for it (every
/// positive above every negative, say) it is the score interval of Newcombe (2006, method 5).
///
/// # Errors
/// As [`auc`]; when a class has only one row, or `z` is not a number above 0.
///
/// ```
/// use lepton_tabular::metrics::{Z95, auc_interval};
/// let apart = auc_interval(&[0.1, 0.2, 0.8, 0.9], &[false, false, true, true], Z95)?;
/// assert!(apart.high == 1.0 && apart.low < 0.6); // four rows prove little
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn auc_interval(scores: &[f64], positive: &[bool], z: f64) -> Result<Interval> {
    check_pairs("auc interval", scores.len(), positive.len())?;
    check_finite("auc interval", scores)?;
    check_z("auc interval", z)?;
    let area = auc(scores, positive)?;
    let of = |class: bool| -> Vec<f64> {
        let rows = scores.iter().zip(positive).filter(|r| *r.1 == class);
        rows.map(|r| *r.0).collect()
    };
    let (above, below) = (of(true), of(false));
    if above.len() < 2 || below.len() < 2 {
        return Err(Error::value(format!(
            "auc interval: it needs two rows of each class, got {} positive and {} negative",
            above.len(),
            below.len()
        )));
    }
    let part = |from: &[f64], to: &[f64]| variance(&placements(from, to)) / from.len() as f64;
    let variance = part(&above, &below) + part(&below, &above);
    if variance == 0.0 {
        return Ok(newcombe(area, above.len() as f64, below.len() as f64, z));
    }
    let half = z * variance.sqrt();
    Ok(Interval {
        low: (area - half).max(0.0),
        high: (area + half).min(1.0),
    })
}

/// For each score the share of `others` below it, ties counting half.
fn placements(scores: &[f64], others: &[f64]) -> Vec<f64> {
    let mut sorted = others.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let twice = |x: f64| sorted.partition_point(|&y| y < x) + sorted.partition_point(|&y| y <= x);
    let share = |&x: &f64| twice(x) as f64 / (2 * sorted.len()) as f64;
    scores.iter().map(share).collect()
}

/// The variance of a sample.
fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

/// The areas whose own standard error reaches `area`.
fn newcombe(area: f64, m: f64, n: f64, z: f64) -> Interval {
    let error = |t: f64| {
        let more = (m + n) / 2.0 - 1.0;
        let terms = 1.0 + more * ((1.0 - t) / (2.0 - t) + t / (1.0 + t));
        (t * (1.0 - t) * terms / (m * n)).sqrt()
    };
    let inside = |t: f64| (t - area).abs() <= z * error(t);
    // The inner end is inside, the outer one is not or is the end of all areas.
    let edge = |outer: f64| {
        let (mut inner, mut outer) = (area, outer);
        if inside(outer) {
            return outer;
        }
        for _ in 0..60 {
            let middle = (inner + outer) / 2.0;
            *(if inside(middle) {
                &mut inner
            } else {
                &mut outer
            }) = middle;
        }
        inner
    };
    Interval {
        low: edge(0.0),
        high: edge(1.0),
    }
}

fn check_z(name: &str, z: f64) -> Result<()> {
    match z > 0.0 && z.is_finite() {
        true => Ok(()),
        false => Err(Error::value(format!(
            "{name}: z is {z}; give standard deviations, such as 1.96 for 95 %"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The ends of the interval are the shares from which the seen one is `z` deviations away.
    #[test]
    fn wilson_solves_its_equation() {
        for (part, whole) in [(0, 5), (1, 5), (106, 114), (114, 114), (1, 1)] {
            let share = Share { part, whole };
            let found = share.wilson(Z95).unwrap();
            for end in [found.low, found.high]
                .into_iter()
                .filter(|e| e % 1.0 != 0.0)
            {
                let deviation = (end * (1.0 - end) / whole as f64).sqrt();
                let away = (share.value() - end).abs() / deviation;
                assert!((away - Z95).abs() < 1e-9, "{part} of {whole}: {away}");
            }
        }
        assert!(Share { part: 0, whole: 0 }.wilson(Z95).is_err());
        assert!(Share { part: 2, whole: 1 }.wilson(Z95).is_err());
        assert!(Share { part: 1, whole: 2 }.wilson(f64::NAN).is_err());
    }

    #[test]
    fn a_class_is_found_and_the_others_are_left() {
        let truth = [0, 0, 0, 1, 1, 2];
        let c = Confusion::new(&[0, 0, 1, 1, 0, 2], &truth, 3).unwrap();
        assert_eq!(c.sensitivity(0), Share { part: 2, whole: 3 });
        assert_eq!(c.specificity(0), Share { part: 2, whole: 3 });
        assert_eq!(c.specificity(2), Share { part: 5, whole: 5 });
    }

    #[test]
    fn delong_is_that_of_its_formula() {
        // Placements of the positives 1, 3/4, 1/8, of the negatives 1/3, 2/3, 2/3, 5/6.
        let scores = [0.9, 0.6, 0.2, 0.7, 0.4, 0.3, 0.2];
        let positive = [true, true, true, false, false, false, false];
        let found = auc_interval(&scores, &positive, 1.0).unwrap();
        let area = auc(&scores, &positive).unwrap();
        assert!((area - 0.625).abs() < 1e-15);
        let positives = (0.375_f64.powi(2) + 0.125_f64.powi(2) + 0.5_f64.powi(2)) / 2.0 / 3.0;
        let spread = [7.0, -1.0, -1.0, -5.0].map(|d: f64| (d / 24.0).powi(2));
        let negatives = spread.iter().sum::<f64>() / 3.0 / 4.0;
        let half = (positives + negatives).sqrt();
        assert!((area - half - found.low).abs() < 1e-12, "{found:?}");
        assert!(
            (found.high - (area + half).min(1.0)).abs() < 1e-12,
            "{found:?}"
        );
    }

    #[test]
    fn few_rows_never_look_certain() {
        let scores = [1.0, 2.0, 3.0, 4.0];
        for positive in [[false, false, true, true], [true, true, false, false]] {
            let found = auc_interval(&scores, &positive, Z95).unwrap();
            assert!(found.high - found.low > 0.3, "{found:?}");
        }
        let tied = auc_interval(&[1.0; 4], &[true, false, true, false], Z95).unwrap();
        assert!(tied.low < 0.3 && tied.high > 0.7, "{tied:?}");
        assert!(auc_interval(&[1.0, 2.0, 3.0], &[true, false, false], Z95).is_err());
        assert!(auc_interval(&[f64::NAN; 4], &[true, true, false, false], Z95).is_err());
    }

    proptest! {
        #[test]
        fn the_area_lies_in_its_interval(
            rows in proptest::collection::vec((0i32..6, any::<bool>()), 4..40)
        ) {
            let scores: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
            let positive: Vec<bool> = rows.iter().map(|r| r.1).collect();
            if let Ok(found) = auc_interval(&scores, &positive, Z95) {
                let area = auc(&scores, &positive).unwrap();
                prop_assert!(0.0 <= found.low && found.low <= area);
                prop_assert!(area <= found.high && found.high <= 1.0 && found.low < found.high);
            }
        }
    }
}
