//! One area of reference cases: its tables, its rows, and the line that sums them up.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What became of a case.
pub(crate) enum Outcome {
    /// All that the row stores holds.
    Passed,
    /// A number is wrong: what, where, by how much.
    Failed(String),
    /// Something is missing here that the row needs.
    Unsupported(String),
}

/// A row by the names of its columns.
pub(crate) struct Row(HashMap<String, String>);

impl Row {
    /// Whether the table has this column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.0.contains_key(column)
    }

    /// The cell, empty when the table has no such column.
    pub(crate) fn text(&self, column: &str) -> &str {
        self.0.get(column).map_or("", |s| s.trim())
    }

    /// The cell as a number; an empty cell is `None`.
    pub(crate) fn get(&self, column: &str) -> Result<Option<f64>, String> {
        match self.text(column) {
            "" => Ok(None),
            cell => cell
                .parse()
                .map(Some)
                .map_err(|_| format!("column {column}: {cell:?} is not a number")),
        }
    }

    /// The cell as a number that must be there.
    pub(crate) fn number(&self, column: &str) -> Result<f64, String> {
        self.get(column)?
            .ok_or_else(|| format!("column {column} is empty or missing"))
    }
}

/// Runs all tables of `area`, prints its summary and fails when a case fails.
pub(crate) fn run(area: &str, check: fn(&Row) -> Result<Outcome, String>) {
    let folder = folder(area);
    let (mut passed, mut failed, mut unsupported) = (0, 0, 0);
    for table in tables(&folder) {
        let name = table.file_name().unwrap().to_string_lossy().into_owned();
        let mut reader =
            csv::Reader::from_path(&table).unwrap_or_else(|e| panic!("{}: {e}", table.display()));
        for (i, row) in reader.deserialize().enumerate() {
            let place = format!("{name}:{}", i + 2);
            let outcome = match row {
                Ok(row) => check(&Row(row)).unwrap_or_else(Outcome::Failed),
                Err(e) => Outcome::Failed(e.to_string()),
            };
            match outcome {
                Outcome::Passed => passed += 1,
                Outcome::Failed(why) => {
                    failed += 1;
                    println!("failed {place}: {why}");
                }
                Outcome::Unsupported(why) => {
                    unsupported += 1;
                    println!("unsupported {place}: {why}");
                }
            }
        }
    }
    let total = passed + failed + unsupported;
    println!(
        "reference {area}: {passed} passed, {failed} failed, {unsupported} unsupported of {total}"
    );
    assert!(total > 0, "no cases below {}", folder.display());
    assert_eq!(failed, 0, "{failed} cases of {area} failed");
}

fn folder(area: &str) -> PathBuf {
    let root = match std::env::var_os("LEPTON_REFERENCE") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference"),
    };
    root.join(area)
}

/// The tables of a folder, by name, so that the lines come in one order.
fn tables(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut tables: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    tables.retain(|p| p.extension().is_some_and(|e| e == "csv"));
    tables.sort();
    tables
}
