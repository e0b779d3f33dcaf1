//! Who holds which rows: splits of one data set over clients, to simulate those who never pool
//! theirs.
//!
//! ```
//! use lepton_federated::partition;
//! let labels = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
//! let parts = partition::dirichlet(&labels, 3, 0.5, 2, 7)?;
//! assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), labels.len());
//! assert!(parts.iter().all(|rows| rows.len() >= 2));
//! # Ok::<(), lepton_tensor::Error>(())
//! ```

use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Result};

/// Draws made before [`dirichlet`] gives up on its minimum size.
const TRIES: u64 = 1000;

/// Shares `rows` rows out at random, in parts of equal size (or one row apart): each client sees
/// the same distribution. Row numbers ascend within a part.
///
/// # Errors
/// If there is no client, or not a row for each.
pub fn iid(rows: usize, clients: usize, seed: u64) -> Result<Vec<Vec<usize>>> {
    check_size("partition::iid", rows, clients, 1)?;
    let order = Rng::new(seed).permutation(rows);
    Ok((0..clients)
        .map(|i| sorted(&order[i * rows / clients..(i + 1) * rows / clients]))
        .collect())
}

/// Shares each class out by proportions drawn from a symmetric Dirichlet distribution with
/// parameter `alpha` (Hsu, Qi, Brown 2019): `labels[i]` is the class of row `i`. A large `alpha` is
/// close to [`iid`]; near 0 each class falls to one client. Draws again until each client has
/// `min_rows` rows. Row numbers ascend within a part.
///
/// # Errors
/// If `alpha` is not a finite number above 0, the rows cannot give each client its minimum, or a
/// thousand draws did not.
pub fn dirichlet(
    labels: &[usize],
    clients: usize,
    alpha: f64,
    min_rows: usize,
    seed: u64,
) -> Result<Vec<Vec<usize>>> {
    check_size("partition::dirichlet", labels.len(), clients, min_rows)?;
    if !(alpha > 0.0 && alpha.is_finite()) {
        return Err(Error::value(format!(
            "partition::dirichlet: alpha is {alpha}, must be a finite number above 0"
        )));
    }
    let classes = rows_by_class(labels);
    for draw in 0..TRIES {
        let parts = draw_parts(&classes, clients, alpha, &mut Rng::new(seed).fork(draw));
        if parts.iter().all(|rows| rows.len() >= min_rows) {
            return Ok(parts.iter().map(|rows| sorted(rows)).collect());
        }
    }
    Err(Error::value(format!(
        "partition::dirichlet: none of {TRIES} draws with alpha {alpha} gave each of {clients} clients {min_rows} of {} rows; \
         use a larger alpha, fewer clients or a smaller minimum",
        labels.len()
    )))
}

fn draw_parts(
    classes: &[Vec<usize>],
    clients: usize,
    alpha: f64,
    rng: &mut Rng,
) -> Vec<Vec<usize>> {
    let mut parts = vec![Vec::new(); clients];
    for class in classes {
        let mut rows = class.clone();
        rng.shuffle(&mut rows);
        let shares = rng.dirichlet(alpha, clients);
        // Cutting at the rounded running sum keeps each share within a row of its due, and loses
        // none.
        let (mut sum, mut from) = (0.0, 0);
        for (part, share) in parts.iter_mut().zip(&shares) {
            sum += share;
            let to = ((sum * rows.len() as f64).round() as usize).clamp(from, rows.len());
            part.extend(&rows[from..to]);
            from = to;
        }
        // The sum of the shares may fall a rounding short of 1.
        parts[clients - 1].extend(&rows[from..]);
    }
    parts
}

/// The rows of each class that occurs, classes ascending: labels need not be dense.
fn rows_by_class(labels: &[usize]) -> Vec<Vec<usize>> {
    let mut classes = std::collections::BTreeMap::<usize, Vec<usize>>::new();
    for (row, &label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(row);
    }
    classes.into_values().collect()
}

fn sorted(rows: &[usize]) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows
}

fn check_size(what: &str, rows: usize, clients: usize, least: usize) -> Result<()> {
    let wanted = clients.checked_mul(least);
    if clients > 0 && wanted.is_some_and(|wanted| wanted <= rows) {
        return Ok(());
    }
    Err(Error::value(format!(
        "{what}: {rows} rows do not go round {clients} clients with at least {least} each; \
         there must be at least one client and enough rows"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check_is_partition(parts: &[Vec<usize>], rows: usize) {
        let mut all: Vec<usize> = parts.concat();
        all.sort_unstable();
        assert_eq!(
            all,
            (0..rows).collect::<Vec<_>>(),
            "each row belongs to one client"
        );
        assert!(parts.iter().all(|p| p.is_sorted()));
    }

    proptest! {
        #[test]
        fn every_row_goes_to_one_client(
            labels in prop::collection::vec(0usize..6, 40..200), clients in 1usize..8, alpha in 0.3..50.0f64, seed: u64
        ) {
            let parts = dirichlet(&labels, clients, alpha, 1, seed).unwrap();
            check_is_partition(&parts, labels.len());
            prop_assert!(parts.len() == clients && parts.iter().all(|p| !p.is_empty()));
            prop_assert_eq!(&parts, &dirichlet(&labels, clients, alpha, 1, seed).unwrap(), "one seed, one split");
            let even = iid(labels.len(), clients, seed).unwrap();
            check_is_partition(&even, labels.len());
            let sizes = || even.iter().map(Vec::len);
            prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1);
        }

        #[test]
        fn a_large_alpha_splits_each_class_evenly(seed: u64) {
            let labels: Vec<usize> = (0..3000).map(|i| i % 3).collect();
            for part in dirichlet(&labels, 5, 1e5, 1, seed).unwrap() {
                for class in 0..3 {
                    let held = part.iter().filter(|&&r| labels[r] == class).count();
                    prop_assert!((190..=210).contains(&held), "{held} of 1000 rows");
                }
            }
        }

        #[test]
        fn a_small_alpha_gives_each_class_to_few(seed: u64) {
            let labels: Vec<usize> = (0..3000).map(|i| i % 30).collect();
            // A class is shared noticeably with probability of about 4 alpha times a small logarithm;
            // four of 30 that each lose half their rows to others come once in a billion seeds.
            let parts = dirichlet(&labels, 5, 1e-4, 0, seed).unwrap();
            let most: usize = (0..30)
                .map(|class| parts.iter().map(|p| p.iter().filter(|&&r| labels[r] == class).count()).max().unwrap())
                .sum();
            prop_assert!(most > 2850, "{most} of 3000 rows with their class's largest holder");
        }
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(iid(100, 4, 1).unwrap(), iid(100, 4, 2).unwrap());
        let labels = [0; 100];
        assert_ne!(
            dirichlet(&labels, 4, 1.0, 1, 1).unwrap(),
            dirichlet(&labels, 4, 1.0, 1, 2).unwrap()
        );
    }

    #[test]
    fn what_cannot_be_shared_out_is_one_sentence() {
        let labels = [0, 1, 0, 1];
        for (error, word) in [
            (iid(3, 0, 0), "0 clients"),
            (iid(3, 4, 0), "3 rows do not go round 4"),
            (dirichlet(&labels, 2, 0.0, 1, 0), "alpha is 0"),
            (dirichlet(&labels, 2, f64::NAN, 1, 0), "alpha is NaN"),
            (dirichlet(&labels, 2, 1.0, 3, 0), "at least 3 each"),
            (dirichlet(&labels, usize::MAX, 1.0, 3, 0), "do not go round"),
            (dirichlet(&[0; 12], 12, 0.01, 1, 0), "larger alpha"),
        ] {
            let error = error.unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{error}");
        }
    }
}
