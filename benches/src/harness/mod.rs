//! A program of a user's own kernels, with the commands that lepton's own are watched by.

mod commands;
mod counts;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use lepton_autograd::Var;

use crate::registry::Registry;
use crate::{Case, Id, Work};
pub use commands::Command;
pub(crate) use commands::pool;

/// Cases, and the command line over them: `list`, `record`, `report`, `count`.
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_benches::{Harness, Id, Work, check};
/// let n = 1000;
/// let harness = Harness::new().case(
///     "cube",
///     Id::new("cube", "f32", &[n], "contiguous"),
///     Work::bytes(8.0 * n as f64, 2.0 * n as f64),
///     move || {
///         let x = lepton_benches::inputs::tensor(&[n], 1);
///         let want: Vec<f64> = x.tensor().to_f64().iter().map(|x| x * x * x).collect();
///         (move || x.square() * &x, move |y: &Var| check::close(y, want, 1e-6))
///     },
/// );
/// assert!(harness.try_run(["own", "list"]).is_ok());
/// assert!(harness.try_run(["own", "record", "--case", "sphere"]).unwrap_err().contains("cube"));
/// ```
#[derive(Debug, Default)]
pub struct Harness {
    registry: Registry,
}

#[derive(Parser)]
#[command(version, about = "Measures kernels, and keeps their history.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

impl Harness {
    /// No case yet.
    pub fn new() -> Harness {
        Harness::default()
    }

    /// With a case; the arguments are those of [`Case::new`].
    #[must_use]
    pub fn case<F, C>(
        mut self,
        name: &str,
        id: Id,
        work: Work,
        start: impl Fn() -> (F, C) + 'static,
    ) -> Harness
    where
        F: FnMut() -> Var + 'static,
        C: FnOnce(&Var) -> Result<(), String> + 'static,
    {
        self.registry.add(Case::new(name, id, work, start));
        self
    }

    /// Reads the command line and does what it asks for. An error is one line on standard error and
    /// the exit code 2.
    pub fn run(&self) -> ExitCode {
        finish("bench", self.try_run(std::env::args()))
    }

    /// As [`Harness::run`], with arguments given, the first of them the program's name.
    ///
    /// # Errors
    /// When the arguments are misspelt, a result is wrong, or a file cannot be read or written.
    pub fn try_run(
        &self,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<ExitCode, String> {
        let arguments = arguments.into_iter().map(Into::into);
        match parse::<Arguments>(arguments.collect())? {
            Some(arguments) => arguments.command.run(&self.registry),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Reads arguments; `None` after help or version were printed.
///
/// # Errors
/// When they are misspelt, in one line.
pub fn parse<P: CommandFactory + FromArgMatches>(
    arguments: Vec<String>,
) -> Result<Option<P>, String> {
    let read = P::command().try_get_matches_from(arguments);
    match read.and_then(|m| P::from_arg_matches(&m)) {
        Ok(read) => Ok(Some(read)),
        Err(e) if !e.use_stderr() => {
            print!("{e}");
            Ok(None)
        }
        Err(e) => {
            let text = e.to_string();
            let lines = text.lines().take_while(|l| !l.is_empty());
            let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
            Err(words.join(" ").trim_start_matches("error: ").to_owned())
        }
    }
}

/// The exit code of `outcome`; an error goes to standard error first.
pub fn finish(program: &str, outcome: Result<ExitCode, String>) -> ExitCode {
    outcome.unwrap_or_else(|message| {
        eprintln!("{program}: {message}");
        ExitCode::from(2)
    })
}
