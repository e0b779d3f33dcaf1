//! `lepton-bench`: performance kept track of. `lepton-bench help` lists what it does.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lepton_benches::jsonl;
use lepton_benches::machine::Fingerprint;
use lepton_benches::peers::{Best, ratios};

/// Keeps track of how fast lepton is.
#[derive(Parser)]
#[command(name = "lepton-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The fingerprint of this machine.
    Machine {
        /// Only its eight digits.
        #[arg(long)]
        id: bool,
    },
    /// The table of lepton against its peers, from JSON lines of `compare` and the peers' programs.
    Ratios {
        /// Files of JSON lines.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Machine { id } => {
            let here = Fingerprint::here();
            if id {
                println!("{}", here.id);
            } else {
                println!("{} ({here})", here.id);
            }
        }
        Command::Ratios { files } => {
            let mut rows = Vec::new();
            for file in &files {
                rows.extend(jsonl::read(file)?);
            }
            print!("{}", ratios(&Best::of(rows)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The first paragraph of clap's complaint.
fn one_line(text: &str) -> String {
    let lines = text.lines().take_while(|l| !l.is_empty());
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(e) if !e.use_stderr() => {
            print!("{e}");
            return ExitCode::SUCCESS;
        }
        Err(e) => {
            eprintln!("lepton-bench: {}", one_line(&e.to_string()));
            return ExitCode::from(2);
        }
    };
    run(arguments.command).unwrap_or_else(|message| {
        eprintln!("lepton-bench: {message}");
        ExitCode::from(2)
    })
}
