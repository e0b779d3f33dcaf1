//! The `lepton` command: one subcommand for each capability.
//!
//! Results go to stdout, and only through [`console::Console`], which knows a closed pipe from a full
//! disk. Progress and notes go to stderr ([`progress::Progress`]). What fails is one line on stderr that starts with `lepton: `, with exit code 2.

#![forbid(unsafe_code)]

mod args;
mod console;
mod demo;
mod inspect;
mod learn;
mod predict;
mod progress;
mod train;

use std::io::Write;
use std::process::ExitCode;

use args::Command;
use console::{Console, one_line};
use lepton::Result;

fn main() -> ExitCode {
    let console = Console::new();
    match run(&console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // Nobody is left to tell when stderr is gone, too.
            let _ = writeln!(std::io::stderr(), "lepton: {}", one_line(&e.to_string()));
            ExitCode::from(2)
        }
    }
}

fn run(console: &Console) -> Result<()> {
    let Some(command) = args::parse(console)? else {
        return Ok(());
    };
    match command {
        Command::Demo(args) => demo::run(&args, console),
        Command::Train(args) => train::run(&args, console),
        Command::Predict(args) => predict::run(&args, console),
        Command::Inspect(args) => inspect::run(&args, console),
    }
}
