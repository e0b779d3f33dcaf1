//! The command that counts instructions.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::count::{Baseline, Counted, Counter};

/// What to count.
#[derive(Debug, Args)]
pub struct Count {
    /// A case to count; may be given several times.
    #[arg(long, conflicts_with_all = ["check", "update"])]
    case: Vec<String>,
    /// Fails where a count leaves the stored set's band.
    #[arg(long, value_name = "FILE", conflicts_with = "update")]
    check: Option<PathBuf>,
    /// Counts the stored set's cases again, and stores them.
    #[arg(long, value_name = "FILE")]
    update: Option<PathBuf>,
}

/// This program under valgrind.
pub(super) fn counter() -> Result<Option<Counter>, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program: {e}"))?;
    Ok(Counter::new(program))
}

/// Counts, and holds to the stored set or stores.
pub(super) fn counts(what: &Count) -> Result<ExitCode, String> {
    let missing = "valgrind is not installed, so no instructions can be counted; install it (apt-get install valgrind)";
    let counter = counter()?.ok_or(missing)?;
    for case in &what.case {
        println!(
            "{case}: {:.0} instructions ({})",
            counter.count(case)?,
            Counter::LEVEL
        );
    }
    let Some(path) = what.check.as_ref().or(what.update.as_ref()) else {
        return Ok(ExitCode::SUCCESS);
    };
    let mut stored = Baseline::read(path)?;
    let say = |c: &Counted| {
        println!(
            "{}: {:.0} instructions, stored {:.0} ({:+.2} %)",
            c.case,
            c.is,
            c.was,
            100.0 * c.change()
        );
    };
    let counted = stored.count(&counter, &say)?;
    if what.update.is_some() {
        stored.cases = counted
            .into_iter()
            .map(|c| (c.case, c.is.round()))
            .collect();
        stored.rustc = Baseline::rustc();
        stored.simd = Counter::LEVEL.into();
        stored.write(path)?;
        println!("stored in {} ({})", path.display(), stored.rustc);
        return Ok(ExitCode::SUCCESS);
    }
    let off: Vec<_> = counted
        .iter()
        .filter(|c| c.change().abs() > stored.band)
        .collect();
    let (now, then) = (Baseline::rustc(), &stored.rustc);
    if now != *then {
        eprintln!("the stored counts were taken with {then}; this is {now}, which may move them");
    }
    if off.is_empty() {
        println!(
            "all {} within {:.0} % of {}",
            counted.len(),
            100.0 * stored.band,
            path.display()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<String> = off
        .iter()
        .map(|c| format!("{} {:+.1} %", c.case, 100.0 * c.change()))
        .collect();
    eprintln!(
        "outside of {:.0} %: {}; where that is meant: lepton-bench count --update {}",
        100.0 * stored.band,
        names.join(", "),
        path.display()
    );
    Ok(ExitCode::FAILURE)
}
