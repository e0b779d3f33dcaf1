//! The command line: subcommands, options and their help.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use lepton::{Error, Result};

use crate::console::Console;
use crate::one_line;

/// Small, readable, private AI in pure Rust.
#[derive(Parser)]
#[command(name = "lepton", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    Inspect(InspectArgs),
}

/// Tell what a file holds, after checking it: names, types, shapes and sums.
#[derive(Args)]
#[command(after_help = "Example:
  lepton inspect model.safetensors
  lepton inspect data/wine.csv --json")]
pub(crate) struct InspectArgs {
    /// A .safetensors or .csv file
    pub(crate) file: PathBuf,
    /// A column to take as text even if it holds numbers (may be given more than once)
    #[arg(long, value_name = "COL")]
    pub(crate) categorical: Vec<String>,
    /// Print one line of JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// The command that was given; `None` when help or the version was asked for, and is printed.
///
/// # Errors
/// When the command line is not understood, in one line.
pub(crate) fn parse(console: &Console) -> Result<Option<Command>> {
    match Cli::try_parse() {
        Ok(cli) => Ok(Some(cli.command)),
        Err(e) => match e.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                console.print(&e.render().to_string()).map(|()| None)
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Err(Error::value("no subcommand is given; try `lepton --help`"))
            }
            _ => Err(Error::value(sentence(&e.render().to_string()))),
        },
    }
}

/// Clap's paragraphs as one line, without the usage, which `--help` has.
fn sentence(rendered: &str) -> String {
    let paragraphs = rendered.split("\n\n").map(one_line);
    let kept: Vec<String> = paragraphs
        .filter(|p| !p.is_empty() && !p.starts_with("Usage:") && !p.starts_with("For more"))
        .map(|p| p.trim_start_matches("error: ").to_string())
        .collect();
    format!("{}; see --help", kept.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_shows_an_example() {
        for sub in Cli::command().get_subcommands_mut() {
            let help = sub.render_help().to_string();
            let name = sub.get_name();
            assert!(
                help.contains(&format!("Example:\n  lepton {name} ")),
                "{help}"
            );
        }
    }

    #[test]
    fn mistakes_become_one_line() {
        let error = |args: &[&str]| {
            let e = Cli::try_parse_from(args).err().expect("a mistake");
            sentence(&e.render().to_string())
        };
        assert_eq!(
            error(&["lepton", "inspect"]),
            "the following required arguments were not provided: <FILE>; see --help"
        );
        assert_eq!(
            error(&["lepton", "inspect", "x", "--jsn"]),
            "unexpected argument '--jsn' found; tip: a similar argument exists: '--json'; see --help"
        );
    }
}
