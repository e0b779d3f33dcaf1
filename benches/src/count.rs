//! Instructions, counted by callgrind: the same number twice, also on a busy machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::machine::Fingerprint;

/// A program that runs one case so many times, under valgrind.
#[derive(Clone, Debug)]
pub struct Counter {
    program: PathBuf,
}

impl Counter {
    /// The level that is counted: valgrind has no AVX-512.
    pub const LEVEL: &'static str = "avx2";

    /// Counts what `program iterate CASE N` executes; `None` where valgrind is missing.
    pub fn new(program: PathBuf) -> Option<Counter> {
        let found = Command::new("valgrind").arg("--version").output();
        let found = found.is_ok_and(|o| o.status.success());
        found.then_some(Counter { program })
    }

    /// Instructions of one iteration of `case`, on one thread.
    ///
    /// The difference of two runs that differ in their iterations: what starts up, and makes the
    /// inputs, cancels.
    ///
    /// # Errors
    /// When the case is unknown, or valgrind fails.
    pub fn count(&self, case: &str) -> Result<f64, String> {
        let (few, more) = (self.run(case, 3)?, self.run(case, 5)?);
        let rough = more.saturating_sub(few) as f64 / 2.0;
        if rough > 1e7 {
            return Ok(rough);
        }
        // A short iteration: many of them, so that what start-up differs by is small beside them.
        let more = 5 + (2e6 / rough.max(100.0)).ceil() as u64;
        let difference = self.run(case, more)?.saturating_sub(few);
        Ok(difference as f64 / (more - 3) as f64)
    }

    fn run(&self, case: &str, iterations: u64) -> Result<u64, String> {
        let out = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(&self.program)
            .args(["iterate", case, &iterations.to_string()])
            .env("LEPTON_SIMD", Self::LEVEL)
            .env("RAYON_NUM_THREADS", "1")
            .output()
            .map_err(|e| format!("valgrind: {e}"))?;
        let text = String::from_utf8_lossy(&out.stderr);
        let line = text.lines().find_map(|l| l.split_once("Collected : "));
        let count = line.and_then(|(_, n)| n.trim().parse().ok());
        match count {
            Some(n) if out.status.success() => Ok(n),
            _ => {
                let own = text.lines().find(|l| !l.starts_with("=="));
                let own = own.unwrap_or("no count printed");
                Err(format!("case '{case}' under valgrind: {own}"))
            }
        }
    }
}

/// A stored set of counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The compiler they were taken with.
    pub rustc: String,
    /// The level they were taken at.
    pub simd: String,
    /// How far a count may move, as a share.
    pub band: f64,
    /// Instructions of an iteration, by case.
    pub cases: BTreeMap<String, f64>,
}

/// One count beside the stored one.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// The case's name.
    pub case: String,
    /// Stored.
    pub was: f64,
    /// Counted.
    pub is: f64,
}

impl Counted {
    /// The change, as a share.
    pub fn change(&self) -> f64 {
        self.is / self.was - 1.0
    }
}

impl Baseline {
    /// The one in `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Baseline, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let baseline = serde_json::from_str(&text);
        baseline.map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Writes it to `path`.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        fs::write(path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))
    }

    /// The compiler in use.
    pub fn rustc() -> String {
        Fingerprint::here().rustc
    }

    /// Counts every stored case again; `say` is told of each.
    ///
    /// # Errors
    /// When one cannot be counted.
    pub fn count(&self, counter: &Counter, say: &dyn Fn(&Counted)) -> Result<Vec<Counted>, String> {
        let one = |(case, was): (&String, &f64)| {
            let counted = Counted {
                case: case.clone(),
                was: *was,
                is: counter.count(case)?,
            };
            say(&counted);
            Ok(counted)
        };
        self.cases.iter().map(one).collect()
    }
}
