//! Files of JSON, one value a line: read with file and line in every complaint, and only appended to.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Every line of `path`; blank ones are passed over.
///
/// # Errors
/// When the file cannot be read; when a line is no JSON of the wanted form. The sentence names file
/// and line.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    parse(&text, &path.display().to_string())
}

/// As [`read`], over text that is at hand.
///
/// ```
/// let rows = lepton_benches::jsonl::parse::<Vec<u8>>("[1]\n[2,3]\n", "x.jsonl");
/// assert_eq!(rows, Ok(vec![vec![1], vec![2, 3]]));
/// let cut = lepton_benches::jsonl::parse::<Vec<u8>>("[1]\n[2,", "x.jsonl");
/// assert!(cut.unwrap_err().starts_with("x.jsonl:2: "));
/// ```
///
/// # Errors
/// As [`read`].
pub fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<Vec<T>, String> {
    let line = |(i, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| {
            let what = e.to_string();
            let what = what.split(" at line").next().unwrap_or_default();
            format!("{file}:{}: not a row of measurements: {what}", i + 1)
        })
    };
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, l)| !l.trim().is_empty())
        .map(line)
        .collect()
}

/// Adds `row` as the last line of `path`, which is made where it is missing.
///
/// # Errors
/// When the file cannot be opened or written.
pub fn append<T: Serialize>(path: &Path, row: &T) -> Result<(), String> {
    let line = serde_json::to_string(row).map_err(|e| format!("{}: {e}", path.display()))?;
    let file = OpenOptions::new().create(true).append(true).open(path);
    // One write: lines of two programs that append at once do not mix.
    file.and_then(|mut f| f.write_all(format!("{line}\n").as_bytes()))
        .map_err(|e| format!("{}: {e}", path.display()))
}
