//! How good predictions are, on plain slices.
//!
//! Every measure is a `Result`: predictions come from models that may have learnt nothing, so an empty
//! set, a `NaN` or a test part of one class is no bug of the caller.
//!
//! ```
//! use lepton_tabular::metrics;
//! assert_eq!(metrics::accuracy(&[0, 1, 1], &[0, 1, 0])?, 2.0 / 3.0);
//! // Of the four pairs of a positive and a negative, three are in order and one is tied.
//! assert_eq!(metrics::auc(&[0.1, 0.5, 0.5, 0.9], &[false, false, true, true])?, 3.5 / 4.0);
//! assert!(metrics::auc(&[0.1, 0.5], &[true, true]).is_err());
//! # Ok::<(), lepton_tensor::Error>(())
//! ```

mod classes;
mod intervals;
mod values;

pub use classes::{Confusion, accuracy, auc, log_loss};
pub use intervals::{Interval, Share, Z95, auc_interval};
pub use values::{mae, mse, r2};

use lepton_tensor::{Error, Result};

fn check_pairs(name: &str, predicted: usize, truth: usize) -> Result<()> {
    if predicted != truth {
        let message = format!("{name}: {predicted} predictions for {truth} true values");
        return Err(Error::shape(message));
    }
    if truth == 0 {
        return Err(Error::value(format!("{name}: there is no row to judge")));
    }
    Ok(())
}

fn check_finite(name: &str, values: &[f64]) -> Result<()> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(i) => {
            let message = format!("{name}: value {i} is {}, not a finite number", values[i]);
            Err(Error::value(message))
        }
    }
}
