//! Correlations, partial correlations and the test for a vanishing one.

use crate::Table;
use lepton_tensor::special::normal_two_sided;
use lepton_tensor::{Error, Result};

/// A pivot below this is no longer told from rounding: what is left of a column of unit variance
/// after the columns before it are taken out.
const SINGULAR: f64 = 1e-10;

/// The correlations of the columns of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlation {
    names: Vec<String>,
    matrix: Vec<f64>,
    rows: usize,
}

impl Correlation {
    /// Pearson's correlation of each pair of columns.
    ///
    /// `ridge` is added to every variance of the standardised columns: 0 is the plain correlation;
    /// a small one (1e-6 to 1e-2) makes columns that repeat each other testable at the price of
    /// slightly weaker correlations.
    ///
    /// ```
    /// use lepton_explain::{Table, causal::correlation::Correlation};
    /// let names = ["a".to_string(), "b".to_string()];
    /// let table = Table::new(&names, &[1.0, 2.0, 2.0, 1.0, 3.0, 4.0, 4.0, 3.0])?;
    /// assert!((Correlation::of(&table, 0.0)?.at(0, 1) - 0.6).abs() < 1e-15);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there are fewer than two rows, a column is constant, or `ridge` is negative.
    pub fn of(table: &Table<'_>, ridge: f64) -> Result<Correlation> {
        let (n, p) = (table.rows(), table.columns());
        if n < 2 {
            return Err(Error::shape(format!(
                "correlation: {n} rows; at least two are needed"
            )));
        }
        if !ridge.is_finite() || ridge < 0.0 {
            return Err(Error::value(format!(
                "correlation: a ridge of {ridge}; give 0 or more"
            )));
        }
        let columns = (0..p)
            .map(|j| standardised(table, j))
            .collect::<Result<Vec<_>>>()?;
        let mut matrix = vec![1.0; p * p];
        for i in 0..p {
            for j in 0..i {
                let r = dot(&columns[i], &columns[j]).clamp(-1.0, 1.0) / (1.0 + ridge);
                (matrix[i * p + j], matrix[j * p + i]) = (r, r);
            }
        }
        Ok(Correlation {
            names: table.names().to_vec(),
            matrix,
            rows: n,
        })
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of rows behind the correlations.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The correlation of columns `i` and `j`.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn at(&self, i: usize, j: usize) -> f64 {
        assert!(
            i.max(j) < self.names.len(),
            "correlation: no column {}",
            i.max(j)
        );
        self.matrix[i * self.names.len() + j]
    }

    /// The correlation of `x` and `y` when the columns `given` are held fixed.
    ///
    /// With `L L' = R` the Cholesky factor of the correlations in the order (given, x, y), the last
    /// row of `L` holds `l_yx` and `l_yy`, and `l_yx / sqrt(l_yx^2 + l_yy^2)` is the answer: no
    /// inverse is needed.
    ///
    /// # Errors
    /// If a column is a linear combination of those held fixed, with the columns' names, or there is
    /// no such column.
    pub fn partial(&self, x: usize, y: usize, given: &[usize]) -> Result<f64> {
        let order: Vec<usize> = given.iter().copied().chain([x, y]).collect();
        if let Some(j) = order.iter().find(|&&j| j >= self.names.len()) {
            return Err(Error::index(format!(
                "correlation: no column {j}; there are {}",
                self.names.len()
            )));
        }
        let m = order.len();
        let mut l = vec![0.0; m * m];
        for i in 0..m {
            for j in 0..=i {
                let below = dot(&l[i * m..i * m + j], &l[j * m..j * m + j]);
                let rest = self.at(order[i], order[j]) - below;
                if i > j {
                    l[i * m + j] = rest / l[j * m + j];
                } else if i == m - 1 {
                    // x may explain the rest of y wholly; that is a correlation of one, no error.
                    l[i * m + i] = rest.max(0.0).sqrt();
                } else if rest > SINGULAR {
                    l[i * m + i] = rest.sqrt();
                } else {
                    return Err(self.singular(order[i], &order[..i]));
                }
            }
        }
        let (shared, own) = (l[m * m - 2], l[m * m - 1]);
        let left = shared * shared + own * own;
        if left <= SINGULAR {
            return Err(self.singular(y, given));
        }
        Ok((shared / left.sqrt()).clamp(-1.0, 1.0))
    }

    /// The p-value of "x and y are independent when `given` is held fixed", by Fisher's z: the
    /// two-sided normal tail at `sqrt(n - |given| - 3) * atanh r` (Fisher, 1924).
    ///
    /// # Errors
    /// As [`Correlation::partial`], or if there are not more than `|given| + 3` rows.
    pub fn p_value(&self, x: usize, y: usize, given: &[usize]) -> Result<f64> {
        let degrees = self.rows.saturating_sub(given.len() + 3);
        if degrees == 0 {
            return Err(Error::shape(format!(
                "Fisher z: {} rows cannot test a pair with {} columns held fixed; {} are needed",
                self.rows,
                given.len(),
                given.len() + 4
            )));
        }
        let r = self.partial(x, y, given)?;
        Ok(normal_two_sided((degrees as f64).sqrt() * r.atanh()))
    }

    /// Checks that no column is a linear combination of others, to ten digits of its variance.
    ///
    /// It is a Cholesky factorisation that takes the column with the largest rest first: what is
    /// left when all rests are rounding repeats the columns taken.
    ///
    /// # Errors
    /// If one is, with its name and those of the others.
    pub fn check_rank(&self) -> Result<()> {
        let p = self.names.len();
        // Column j in coordinates along the columns taken, and the rest of its variance.
        let mut along: Vec<Vec<f64>> = vec![Vec::new(); p];
        let mut left = vec![1.0_f64; p];
        let mut taken: Vec<usize> = Vec::new();
        while taken.len() < p {
            let open = (0..p).filter(|j| !taken.contains(j));
            let most = |&i: &usize, &j: &usize| left[i].total_cmp(&left[j]).then(j.cmp(&i));
            let next = open.max_by(most).expect("a column is left to take");
            if left[next] <= SINGULAR {
                return Err(self.singular(next, &combined(next, &taken, &along)));
            }
            let pivot = along[next].clone();
            for j in 0..p {
                let rest = self.at(next, j) - dot(&pivot, &along[j]);
                let coordinate = rest / left[next].sqrt();
                if !taken.contains(&j) {
                    along[j].push(coordinate);
                    left[j] -= if j == next {
                        0.0
                    } else {
                        coordinate * coordinate
                    };
                }
            }
            taken.push(next);
        }
        Ok(())
    }

    fn singular(&self, column: usize, others: &[usize]) -> Error {
        let others: Vec<String> = others
            .iter()
            .map(|&j| format!("`{}`", self.names[j]))
            .collect();
        Error::value(format!(
            "correlation: column `{}` is a linear combination of {}; leave one of them out, or set \
             a ridge above 0",
            self.names[column],
            others.join(", ")
        ))
    }
}

/// Those of the columns `taken` that column `j`, which adds nothing to them, is made of.
fn combined(j: usize, taken: &[usize], along: &[Vec<f64>]) -> Vec<usize> {
    let mut rest = along[j].clone();
    let mut parts = Vec::new();
    // Column k of those taken has coordinates 0 to k: the last one first, each share is known.
    for (k, &column) in taken.iter().enumerate().rev() {
        let share = rest[k] / along[column][k];
        rest.iter_mut()
            .zip(&along[column])
            .for_each(|(r, a)| *r -= share * a);
        if share.abs() > 1e-6 {
            parts.push(column);
        }
    }
    parts.sort_unstable();
    parts
}

/// Column `j` with mean 0 and Euclidean length 1.
pub(super) fn standardised(table: &Table<'_>, j: usize) -> Result<Vec<f64>> {
    let column: Vec<f64> = table.column(j).collect();
    // Scaled first: squares of numbers near 1e200 would overflow.
    let largest = column.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let n = column.len() as f64;
    let mean = column.iter().map(|v| v / largest).sum::<f64>() / n;
    let mut centred: Vec<f64> = column.iter().map(|v| v / largest - mean).collect();
    let length = dot(&centred, &centred).sqrt();
    // A constant column leaves only the rounding of its mean (NaN if it is all zero).
    if length.is_nan() || length <= n * f64::EPSILON {
        return Err(Error::value(format!(
            "correlation: column `{}` is constant, so nothing correlates with it; leave it out",
            table.names()[j]
        )));
    }
    centred.iter_mut().for_each(|v| *v /= length);
    Ok(centred)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
