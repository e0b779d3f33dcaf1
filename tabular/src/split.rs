//! Parting rows into those to learn from and those to judge by.
//!
//! Everything here gives indices, in rising order, and depends on nothing but the counts and the `Rng`.
//!
//! ```
//! use lepton_tabular::split;
//! use lepton_tensor::random::Rng;
//! let labels = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1];
//! let parts = split::stratified(&labels, 0.2, &mut Rng::new(7))?;
//! assert_eq!((parts.train.len(), parts.test.len()), (8, 2));
//! assert_ne!(labels[parts.test[0]], labels[parts.test[1]]); // one of each class
//! # Ok::<(), lepton_tensor::Error>(())
//! ```

use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Result};

/// The rows to learn from and the rows to judge by: every row is in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The rows to learn from.
    pub train: Vec<usize>,
    /// The rows to judge by.
    pub test: Vec<usize>,
}

impl Split {
    fn new(mut train: Vec<usize>, mut test: Vec<usize>) -> Split {
        train.sort_unstable();
        test.sort_unstable();
        Split { train, test }
    }
}

/// Holds out the share `test` of the rows, rounded, but at least one, and keeps at least one.
///
/// # Errors
/// When there are fewer than two rows, or the share is not between 0 and 1.
pub fn train_test(rows: usize, test: f64, rng: &mut Rng) -> Result<Split> {
    check(rows, test)?;
    let n = (rows as f64 * test).round() as usize;
    let n = n.clamp(1, rows - 1);
    let mut order = rng.permutation(rows);
    let train = order.split_off(n);
    Ok(Split::new(train, order))
}

/// Holds out about the share `test` of every class; the rounding of one class is made up for by the
/// next, and no class is held out whole. `labels[i]` is the class of row `i`.
///
/// # Errors
/// As [`train_test`], and when no class has two rows.
pub fn stratified(labels: &[usize], test: f64, rng: &mut Rng) -> Result<Split> {
    check(labels.len(), test)?;
    let mut order = rng.permutation(labels.len());
    order.sort_by_key(|&i| labels[i]); // stable, so each class stays in random order
    let (mut train, mut held, mut wanted) = (Vec::new(), Vec::new(), 0.0);
    for class in order.chunk_by(|&a, &b| labels[a] == labels[b]) {
        wanted += class.len() as f64 * test;
        let n = (wanted.round() as usize).saturating_sub(held.len());
        let n = n.min(class.len() - 1);
        held.extend_from_slice(&class[..n]);
        train.extend_from_slice(&class[n..]);
    }
    if held.is_empty() {
        let largest = order.chunk_by(|&a, &b| labels[a] == labels[b]);
        match largest.max_by_key(|c| c.len()) {
            Some(class) if class.len() > 1 => {
                train.retain(|&i| i != class[0]);
                held.push(class[0]);
            }
            _ => {
                let message = "a stratified split needs a class with at least two rows; is the target an identifier?";
                return Err(Error::value(message));
            }
        }
    }
    Ok(Split::new(train, held))
}

/// Parts the rows into `k` sets of equal size, give or take one; each is the test part of one split.
///
/// # Errors
/// When `k` is below 2 or above the number of rows.
pub fn k_fold(rows: usize, k: usize, rng: &mut Rng) -> Result<Vec<Split>> {
    if k < 2 || k > rows {
        let message = format!("k-fold needs k from 2 to the number of rows ({rows}), got {k}");
        return Err(Error::value(message));
    }
    let order = rng.permutation(rows);
    let fold = |f: usize| {
        let (start, end) = (f * rows / k, (f + 1) * rows / k);
        let train = [&order[..start], &order[end..]].concat();
        Split::new(train, order[start..end].to_vec())
    };
    Ok((0..k).map(fold).collect())
}

fn check(rows: usize, test: f64) -> Result<()> {
    if rows < 2 {
        let message = format!("a split needs at least two rows, got {rows}");
        return Err(Error::value(message));
    }
    if !(test > 0.0 && test < 1.0) {
        let message = format!("the share held out must be between 0 and 1, got {test}");
        return Err(Error::value(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn is_parting(split: &Split, rows: usize) -> bool {
        let mut all = [&split.train[..], &split.test].concat();
        all.sort_unstable();
        all.iter().copied().eq(0..rows) && split.train.is_sorted() && split.test.is_sorted()
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_part(rows in 2usize..60, share in 0.01f64..0.99, seed in 0u64..99) {
            let split = train_test(rows, share, &mut Rng::new(seed)).unwrap();
            prop_assert!(is_parting(&split, rows));
            prop_assert!(!split.train.is_empty() && !split.test.is_empty());
            prop_assert!((split.test.len() as f64 - share * rows as f64).abs() <= 1.0);
            prop_assert_eq!(train_test(rows, share, &mut Rng::new(seed)).unwrap(), split);
        }

        #[test]
        fn every_class_is_learnt(
            labels in proptest::collection::vec(0usize..4, 8..60), share in 0.05f64..0.5, seed in 0u64..99
        ) {
            let split = stratified(&labels, share, &mut Rng::new(seed)).unwrap();
            prop_assert!(is_parting(&split, labels.len()));
            prop_assert!(!split.test.is_empty());
            for class in &labels {
                let count = |rows: &[usize]| rows.iter().filter(|&&i| labels[i] == *class).count();
                prop_assert!(count(&split.train) >= 1);
                let all = count(&split.train) + count(&split.test);
                if all >= 8 {
                    prop_assert!((count(&split.test) as f64 - share * all as f64).abs() <= 4.0);
                }
            }
        }

        #[test]
        fn folds_test_every_row_once(rows in 2usize..40, k in 2usize..10, seed in 0u64..99) {
            let Ok(folds) = k_fold(rows, k, &mut Rng::new(seed)) else {
                prop_assert!(k > rows);
                return Ok(());
            };
            prop_assert!(folds.iter().all(|f| is_parting(f, rows)));
            let mut tested: Vec<usize> = folds.iter().flat_map(|f| f.test.clone()).collect();
            tested.sort_unstable();
            prop_assert!(tested.into_iter().eq(0..rows));
            let sizes: Vec<usize> = folds.iter().map(|f| f.test.len()).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn seeds_differ() {
        let part = |seed| train_test(100, 0.2, &mut Rng::new(seed)).unwrap();
        assert_ne!(part(1), part(2));
    }

    #[test]
    fn impossible_splits_are_errors() {
        let rng = &mut Rng::new(0);
        for share in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(train_test(10, share, rng).is_err());
        }
        assert!(train_test(1, 0.5, rng).is_err());
        assert!(stratified(&[0, 1, 2], 0.5, rng).is_err());
        assert!(stratified(&[0, 1, 1], 0.01, rng).unwrap().test.len() == 1);
        assert!(k_fold(10, 1, rng).is_err() && k_fold(3, 4, rng).is_err());
    }
}
