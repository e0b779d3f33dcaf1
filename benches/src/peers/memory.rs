//! Memory of a step of training.

use lepton_tensor::{memory_usage, reset_peak_memory};

use crate::find;
use crate::show::{Table, count};

/// The steps that are watched.
const CASES: [&str; 3] = ["train_lenet_mnist", "train_transformer", "train_mlp_boston"];
/// Steps before the count, after which the pool has its blocks.
const WARM_UP: usize = 3;
/// Steps of the larger models are slow: these run for fewer.
const LARGE: usize = 10;

/// The most bytes held by tensors within a step, and how many more are held after `steps` steps.
/// Counted in whole blocks of the pool; free blocks that it keeps are not held by tensors.
///
/// # Errors
/// When a case is unknown.
pub fn memory(steps: usize) -> Result<String, String> {
    let mut table = Table::new(&["step", "at rest", "peak", "steps", "growth"]);
    for name in CASES {
        let steps = if name == "train_transformer" {
            steps / LARGE
        } else {
            steps
        };
        let mut step = find(name)?.start();
        (0..WARM_UP).for_each(|_| drop(step()));
        let (rest, _) = memory_usage();
        reset_peak_memory();
        (0..WARM_UP).for_each(|_| drop(step()));
        let (_, peak) = memory_usage();
        (2 * WARM_UP..steps).for_each(|_| drop(step()));
        let (after, _) = memory_usage();
        let bytes = |n: usize| format!("{}B", count(n as f64));
        table.row(vec![
            name.to_owned(),
            bytes(rest),
            bytes(peak),
            steps.to_string(),
            format!("{} B", after as i64 - rest as i64),
        ]);
    }
    Ok(table.to_string())
}
