//! `lepton-bench`: performance kept track of. `lepton-bench help` lists what it does.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use lepton_benches::ab::{self, KEY_CASES, Plan};
use lepton_benches::alloc::Counting;
use lepton_benches::harness::{Command, finish, parse};
use lepton_benches::jsonl;
use lepton_benches::peers::{Best, memory, neighbours, ratios};
use lepton_benches::registry::Registry;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Keeps track of how fast lepton is.
#[derive(Parser)]
#[command(name = "lepton-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Own,
}

#[derive(Subcommand)]
enum Own {
    #[command(flatten)]
    Common(Command),
    /// Compares two revisions in interleaved rounds; exit code 1 where the second is slower.
    Ab(Ab),
    /// Whether the comparison catches a planted slowdown of 5 % and stays silent otherwise.
    SelfTest,
    /// The table of lepton against its peers, from JSON lines of `compare` and the peers' programs.
    Ratios {
        /// Files of JSON lines.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// The efficiency of shapes beside the known ones; exit code 1 where one is over 15 % behind.
    Neighbours {
        /// A part of the known case's name; may be given several times.
        #[arg(long)]
        case: Vec<String>,
    },
    /// The most bytes of tensors in a step of training, and what many steps add.
    Memory {
        /// Steps of the longer run.
        #[arg(long, default_value_t = 10_000)]
        steps: usize,
    },
}

#[derive(Args)]
struct Ab {
    /// The revision compared against.
    before: String,
    /// The revision under suspicion.
    after: String,
    /// A case that `compare` knows; may be given several times. A dozen key cases where there is none.
    #[arg(long)]
    case: Vec<String>,
    /// Rounds of four measurements.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(4..))]
    rounds: u16,
    /// Threads of the program under measurement.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
}

impl Ab {
    fn plan(self) -> Plan {
        let key = || KEY_CASES.map(str::to_owned).to_vec();
        Plan {
            revisions: [self.before, self.after],
            cases: if self.case.is_empty() {
                key()
            } else {
                self.case
            },
            rounds: usize::from(self.rounds),
            threads: usize::from(self.threads),
        }
    }
}

/// Progress goes to standard error, results to standard output.
fn say(line: &str) {
    eprintln!("{line}");
}

fn code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(command: Own) -> Result<ExitCode, String> {
    match command {
        Own::Common(command) => command.run(&Registry::lepton()),
        Own::Ab(what) => Ok(code(!ab::ab(&what.plan(), &say)?)),
        Own::SelfTest => Ok(code(ab::self_test(&|line| println!("{line}"))?)),
        Own::Ratios { files } => {
            let mut rows = Vec::new();
            for file in &files {
                rows.extend(jsonl::read(file)?);
            }
            print!("{}", ratios(&Best::of(rows)));
            Ok(ExitCode::SUCCESS)
        }
        Own::Neighbours { case } => {
            let (table, good) = neighbours(&case, &say)?;
            print!("{table}");
            Ok(code(good))
        }
        Own::Memory { steps } => {
            print!("{}", memory(steps)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn main() -> ExitCode {
    let outcome = match parse::<Arguments>(std::env::args().collect()) {
        Ok(Some(arguments)) => run(arguments.command),
        Ok(None) => Ok(ExitCode::SUCCESS),
        Err(message) => Err(message),
    };
    finish("lepton-bench", outcome)
}
