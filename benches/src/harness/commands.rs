//! The commands that work on any set of cases.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::counts::{Count, counter, counts};
use crate::jsonl;
use crate::machine::Fingerprint;
use crate::record::Recorder;
use crate::registry::Registry;
use crate::report;
use crate::row::Row;
use crate::show::{Table, count, times};

/// A command over cases.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The names and identifiers of all cases.
    List,
    /// The fingerprint of this machine.
    Machine {
        /// Only its eight digits.
        #[arg(long)]
        id: bool,
    },
    /// Checks and measures cases, and appends a row for each to a history.
    Record(Record),
    /// Draws histories as one page of HTML.
    Report(Report),
    /// Counts instructions, and holds them to a stored set.
    Count(Count),
    /// Runs one case a number of times, for valgrind.
    #[command(hide = true)]
    Iterate {
        /// The case.
        case: String,
        /// How often.
        n: usize,
    },
}

/// What to measure.
#[derive(Debug, Args)]
pub struct Record {
    /// A case, by name or identifier; may be given several times. All cases where there is none.
    #[arg(long)]
    case: Vec<String>,
    /// Threads to run on.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Where rows are appended; standard output where it is not given.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Leaves the instructions uncounted; else they are counted where valgrind is installed.
    #[arg(long)]
    no_count: bool,
}

/// What to draw.
#[derive(Debug, Args)]
pub struct Report {
    /// Histories that `record` wrote.
    #[arg(required = true)]
    histories: Vec<PathBuf>,
    /// JSON lines of peers; may be given several times.
    #[arg(long)]
    peers: Vec<PathBuf>,
    /// The page.
    #[arg(long)]
    out: PathBuf,
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// In one sentence.
    pub fn run(&self, registry: &Registry) -> Result<ExitCode, String> {
        match self {
            Command::List => list(registry),
            Command::Machine { id: true } => println!("{}", Fingerprint::here().id),
            Command::Machine { id: false } => {
                let here = Fingerprint::here();
                println!("{} ({here})", here.id);
            }
            Command::Record(what) => record(registry, what)?,
            Command::Report(what) => draw(what)?,
            Command::Count(what) => return counts(what),
            Command::Iterate { case, n } => iterate(registry, case, *n)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(registry: &Registry) {
    let mut table = Table::new(&["name", "identifier"]);
    for case in registry.cases() {
        table.row(vec![case.name().to_owned(), case.id().to_string()]);
    }
    print!("{table}");
}

/// Makes the process's pool one of `threads`.
pub(crate) fn pool(threads: usize) -> Result<(), String> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|e| format!("no pool of {threads} threads: {e}"))
}

fn record(registry: &Registry, what: &Record) -> Result<(), String> {
    pool(usize::from(what.threads))?;
    let all = || registry.cases().iter().map(|c| c.name().to_owned());
    let cases: Vec<String> = if what.case.is_empty() {
        all().collect()
    } else {
        what.case.clone()
    };
    // A misspelt name is told before anything is measured.
    cases
        .iter()
        .try_for_each(|c| registry.with(c, |_| Ok(())))?;
    let counter = if what.no_count { None } else { counter()? };
    if counter.is_none() && !what.no_count {
        eprintln!("instructions stay uncounted: valgrind is not installed");
    }
    let recorder = Recorder::new(counter)?;
    let roof = recorder.roof();
    eprintln!(
        "roof: {:.1} GFLOP/s; {:.1} GB/s from L2, {:.1} from L3, {:.1} from memory",
        roof.peak, roof.l2, roof.l3, roof.dram
    );
    for case in &cases {
        let row = registry.with(case, |c| recorder.record(c))?;
        eprintln!("{}", line(&row));
        match &what.out {
            Some(path) => jsonl::append(path, &row)?,
            None => println!(
                "{}",
                serde_json::to_string(&row).map_err(|e| e.to_string())?
            ),
        }
    }
    Ok(())
}

/// A row for people.
fn line(row: &Row) -> String {
    let share = row.share.map_or(String::new(), |s| {
        format!(", {:.0} % of the roof", 100.0 * s)
    });
    let counted = row
        .instructions
        .map_or(String::new(), |n| format!(", {} instructions", count(n)));
    let spread = 100.0 * row.ns_mad / row.ns_median;
    format!(
        "{}: {} (median +{:.1} %, MAD {spread:.1} %){share}{counted}",
        row.id,
        times(row.ns_min / row.units),
        100.0 * (row.ns_median / row.ns_min - 1.0)
    )
}

fn draw(what: &Report) -> Result<(), String> {
    let (mut rows, mut peers) = (Vec::new(), Vec::new());
    for path in &what.histories {
        rows.extend(jsonl::read::<Row>(path)?);
    }
    for path in &what.peers {
        peers.extend(jsonl::read(path)?);
    }
    let page = report::page(&rows, &peers);
    std::fs::write(&what.out, page).map_err(|e| format!("{}: {e}", what.out.display()))
}

fn iterate(registry: &Registry, case: &str, n: usize) -> Result<(), String> {
    pool(1)?;
    registry.with(case, |c| {
        let mut iteration = c.start();
        (0..n).for_each(|_| drop(iteration()));
        Ok(())
    })
}
