//! Known answers of the counter-based generators.

use std::path::Path;

use lepton_tensor::random::{Philox, Philox64, Threefry};
use serde_json::Value;

use crate::files;
use crate::report::{Report, Stop, lacks, wrong};

/// Runs every row of every table of `kat.json`.
pub(crate) fn run(root: &Path, report: &mut Report) {
    let tables = files::json(&root.join("kat.json"));
    for (name, rows) in tables.as_object().into_iter().flatten() {
        for (i, row) in rows.as_array().into_iter().flatten().enumerate() {
            report.case(&format!("{name} {i}"), || one(name, row));
        }
    }
}

fn one(table: &str, row: &Value) -> Result<(), Stop> {
    match table {
        "philox4x32_10" => {
            let philox = Philox::new(words(row, "key")?);
            same(&philox.block(words(row, "counter")?), row, "out")
        }
        "threefry2x32_20" => {
            let threefry = Threefry::new(words(row, "key")?);
            same(&threefry.block(words(row, "counter")?), row, "out")
        }
        // NumPy counts up before each block, so the first one belongs to the start plus one.
        "philox4x64_10_numpy_counter_plus_one_first" => {
            let philox = Philox64::new(words(row, "key")?);
            let mut counter: [u64; 4] = words(row, "start_counter")?;
            let mut got = Vec::new();
            while got.len() < all(row, "first_8")?.len() {
                next(&mut counter);
                got.extend(philox.block(counter));
            }
            same(&got, row, "first_8")
        }
        other => lacks(format!("the generator {other}")),
    }
}

/// The 256-bit counter plus one.
fn next(counter: &mut [u64; 4]) {
    for word in counter {
        *word = word.wrapping_add(1);
        if *word != 0 {
            break;
        }
    }
}

/// Numbers, or numbers as text where JSON's are too narrow.
fn all(row: &Value, key: &str) -> Result<Vec<u64>, Stop> {
    let of = |v: &Value| v.as_u64().or_else(|| v.as_str()?.parse().ok());
    let list = row.get(key).and_then(Value::as_array);
    match list.map(|l| l.iter().map(of).collect::<Option<Vec<_>>>()) {
        Some(Some(words)) => Ok(words),
        _ => lacks(format!("a row without {key}")),
    }
}

fn words<T: TryFrom<u64>, const N: usize>(row: &Value, key: &str) -> Result<[T; N], Stop> {
    let narrow: Option<Vec<T>> = all(row, key)?
        .into_iter()
        .map(|w| T::try_from(w).ok())
        .collect();
    match narrow.and_then(|w| <[T; N]>::try_from(w).ok()) {
        Some(words) => Ok(words),
        None => lacks(format!("{key} is not {N} words")),
    }
}

fn same<T: Copy + Into<u64>>(got: &[T], row: &Value, key: &str) -> Result<(), Stop> {
    let (got, want): (Vec<u64>, _) = (got.iter().map(|&w| w.into()).collect(), all(row, key)?);
    if got == want {
        return Ok(());
    }
    wrong(format!("{got:?}, want {want:?}"))
}
