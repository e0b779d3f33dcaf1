//! Scaling a column: `(x - shift) / width`, from the training rows or from published ranges.

use lepton_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

/// Where the numbers of a [`Scale`] come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Values stay as they are.
    None,
    /// Mean 0 and standard deviation 1 (of the rows themselves, divisor n).
    #[default]
    Standard,
    /// Smallest value 0 and largest 1.
    MinMax,
}

/// The scaling of one column: `(x - shift) / width`.
///
/// ```
/// use lepton_tabular::Scale;
/// let s = Scale::standard(&[1.0, f64::NAN, 3.0]); // missing values do not count
/// assert_eq!(s, Scale { shift: 2.0, width: 1.0 });
/// assert_eq!(s.invert(s.apply(7.0)), 7.0);
/// assert_eq!(Scale::min_max(&[5.0, 5.0]).apply(5.0), 0.0); // a constant column keeps its width
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// What is taken away first, in the column's own unit.
    pub shift: f64,
    /// What is divided by then, in the column's own unit; never 0.
    pub width: f64,
}

impl Scale {
    /// The scaling that changes nothing.
    pub const IDENTITY: Scale = Scale {
        shift: 0.0,
        width: 1.0,
    };

    /// The scaling of `values` by `method`; `NaN` values do not count.
    pub fn fit(method: Method, values: &[f64]) -> Scale {
        match method {
            Method::None => Scale::IDENTITY,
            Method::Standard => Scale::standard(values),
            Method::MinMax => Scale::min_max(values),
        }
    }

    /// Mean 0 and standard deviation 1 for `values`, `NaN` aside. A constant column only shifts.
    pub fn standard(values: &[f64]) -> Scale {
        let known = || values.iter().filter(|x| !x.is_nan());
        let n = known().count().max(1) as f64;
        let mean = known().sum::<f64>() / n;
        let variance = known().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        // The mean of equal values may be off by a rounding, and their deviation then is noise.
        let constant = variance.sqrt() <= 1e-12 * mean.abs();
        Scale::new(mean, if constant { 0.0 } else { variance.sqrt() })
    }

    /// Smallest value to 0 and largest to 1, `NaN` aside. A constant column only shifts.
    pub fn min_max(values: &[f64]) -> Scale {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Scale::new(low, high - low)
    }

    /// The range `low..=high`, known beforehand, to `-1..=1`. Values outside go beyond.
    ///
    /// # Errors
    /// When a bound is not finite or `low` is not below `high`.
    pub fn from_range(low: f64, high: f64) -> Result<Scale> {
        if !(low.is_finite() && high.is_finite() && low < high) {
            let message = format!("a range must rise between finite numbers, got {low} to {high}");
            return Err(Error::value(message));
        }
        Ok(Scale::new(low / 2.0 + high / 2.0, high / 2.0 - low / 2.0))
    }

    /// Keeps a scaling usable whatever the values were: no width of 0, nothing that is not finite.
    fn new(shift: f64, width: f64) -> Scale {
        Scale {
            shift: if shift.is_finite() { shift } else { 0.0 },
            width: if width.is_finite() && width > 0.0 {
                width
            } else {
                1.0
            },
        }
    }

    /// `x` as the model sees it.
    pub fn apply(&self, x: f64) -> f64 {
        (x - self.shift) / self.width
    }

    /// The value that [`Scale::apply`] made `y` from.
    pub fn invert(&self, y: f64) -> f64 {
        y * self.width + self.shift
    }

    /// A scaling from a file must be one that the constructors could have made.
    pub(crate) fn check(&self) -> Result<()> {
        match self.shift.is_finite() && self.width.is_finite() && self.width > 0.0 {
            true => Ok(()),
            false => Err(Error::format(format!(
                "a scaling must have a finite shift and a width above 0, got {} and {}",
                self.shift, self.width
            ))),
        }
    }
}

/// The scaling of each column of a matrix.
///
/// ```
/// use lepton_tabular::Scaling;
/// // A private model's scaling must not come from the private rows.
/// let scaling = Scaling::from_ranges(&[(0.0, 120.0), (30.0, 42.0)])?;
/// let mut rows = [60.0, 42.0, 0.0, 36.0];
/// scaling.apply(&mut rows);
/// assert_eq!(rows, [0.0, 1.0, -1.0, 0.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling(pub Vec<Scale>);

impl Scaling {
    /// The scaling by `method` of each column of `rows`, a row-major matrix with `cols` columns.
    ///
    /// # Panics
    /// When `rows` is not whole rows of `cols` values.
    #[track_caller]
    pub fn fit(method: Method, rows: &[f64], cols: usize) -> Scaling {
        assert_whole(rows.len(), cols);
        let column = |j| -> Vec<f64> { rows.iter().skip(j).step_by(cols).copied().collect() };
        Scaling((0..cols).map(|j| Scale::fit(method, &column(j))).collect())
    }

    /// The scaling of published ranges to `-1..=1`, one `(low, high)` for each column.
    ///
    /// # Errors
    /// When a range does not rise.
    pub fn from_ranges(ranges: &[(f64, f64)]) -> Result<Scaling> {
        let scale = |(j, &(low, high)): (usize, &(f64, f64))| {
            Scale::from_range(low, high).map_err(|e| e.at(format!("column {}", j + 1)))
        };
        let scales: Result<Vec<Scale>> = ranges.iter().enumerate().map(scale).collect();
        Ok(Scaling(scales?))
    }

    /// Scales a row-major matrix in place.
    ///
    /// # Panics
    /// When `rows` is not whole rows.
    #[track_caller]
    pub fn apply(&self, rows: &mut [f64]) {
        assert_whole(rows.len(), self.0.len());
        for row in rows.chunks_exact_mut(self.0.len().max(1)) {
            for (x, scale) in row.iter_mut().zip(&self.0) {
                *x = scale.apply(*x);
            }
        }
    }

    /// Takes the scaling of a row-major matrix back, in place.
    ///
    /// # Panics
    /// When `rows` is not whole rows.
    #[track_caller]
    pub fn invert(&self, rows: &mut [f64]) {
        assert_whole(rows.len(), self.0.len());
        for row in rows.chunks_exact_mut(self.0.len().max(1)) {
            for (y, scale) in row.iter_mut().zip(&self.0) {
                *y = scale.invert(*y);
            }
        }
    }
}

#[track_caller]
fn assert_whole(len: usize, cols: usize) {
    let whole = len.is_multiple_of(cols); // of 0: only an empty matrix
    assert!(whole, "{len} values are not whole rows of {cols} columns");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn degenerate_columns_stay_finite() {
        for values in [
            &[][..],
            &[f64::NAN],
            &[7.0],
            &[0.1; 3],
            &[f64::INFINITY, 1.0],
        ] {
            for method in [Method::None, Method::Standard, Method::MinMax] {
                let s = Scale::fit(method, values);
                assert!(s.check().is_ok(), "{values:?} {method:?} {s:?}");
            }
        }
        assert_eq!(Scale::standard(&[0.1; 3]).width, 1.0);
    }

    #[test]
    fn ranges_must_rise() {
        for (low, high) in [
            (1.0, 1.0),
            (2.0, 1.0),
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
        ] {
            assert!(Scale::from_range(low, high).is_err());
        }
        let e = Scaling::from_ranges(&[(0.0, 1.0), (3.0, 3.0)]).unwrap_err();
        assert!(e.to_string().starts_with("column 2: "));
    }

    proptest! {
        #[test]
        fn the_training_rows_become_standard(
            rows in proptest::collection::vec(-1e6f64..1e6, 4..40)
        ) {
            let rows = &rows[..rows.len() / 2 * 2];
            let scaling = Scaling::fit(Method::Standard, rows, 2);
            let mut y = rows.to_vec();
            scaling.apply(&mut y);
            let n = (y.len() / 2) as f64;
            for j in 0..2 {
                let column = || y.iter().skip(j).step_by(2);
                prop_assert!((column().sum::<f64>() / n).abs() < 1e-9);
                prop_assert!((column().map(|v| v * v).sum::<f64>() / n - 1.0).abs() < 1e-9);
            }
            scaling.invert(&mut y);
            for (a, b) in y.iter().zip(rows) {
                prop_assert!((a - b).abs() <= 1e-9 * 1e6);
            }
        }

        #[test]
        fn min_max_fills_zero_to_one(values in proptest::collection::vec(-1e6f64..1e6, 2..40)) {
            let s = Scale::min_max(&values);
            let y: Vec<f64> = values.iter().map(|&x| s.apply(x)).collect();
            prop_assert!(y.iter().all(|v| (0.0..=1.0).contains(v)));
            prop_assert!(y.contains(&0.0));
        }
    }
}
