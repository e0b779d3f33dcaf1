//! The command line: subcommands, options and their help.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use lepton::tabular::{CellFormat, Decimal, ReadOptions, Task};
use lepton::{Error, Result};

use crate::console::Console;
use crate::console::one_line;

/// Small, readable, private AI in pure Rust.
#[derive(Parser)]
#[command(name = "lepton", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Train(TrainArgs),
    Predict(PredictArgs),
    Inspect(InspectArgs),
}

/// Tell the founding story on real data: private training, a small model, an explained decision.
#[derive(Args)]
#[command(after_help = "Example:
  lepton demo --out story --seed 7")]
pub(crate) struct DemoArgs {
    /// The folder for the report, the models and the summary
    #[arg(long, value_name = "DIR", default_value = "lepton-demo")]
    pub(crate) out: PathBuf,
    /// The seed of the split, the hospitals, the first weights, and the noise unless it is secret
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) seed: u64,
    /// Draw the noise of the private training from the operating system instead of the seed: then the
    /// privacy promise holds, and the run cannot be repeated
    #[arg(long)]
    pub(crate) secret_noise: bool,
    /// Measure no times, so that the files are the same bytes for the same seed
    #[arg(long)]
    pub(crate) no_times: bool,
    /// Print the summary as JSON instead of the story
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but errors
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Train a network on a table, and write the model with its card and its history.
#[derive(Args)]
#[command(after_help = "Example:
  lepton train --data data/wine.csv --target class --out wine
  lepton train --data data/boston.csv --target medv --hidden 32 --epochs 200 --out boston")]
pub(crate) struct TrainArgs {
    /// The table: CSV with a header line
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) data: PathBuf,
    /// The column to predict; every other column is a feature
    #[arg(long, value_name = "COL")]
    pub(crate) target: String,
    /// classification or regression; by itself, classification for text, truth values and integers
    /// with at most 20 values
    #[arg(long)]
    pub(crate) task: Option<Task>,
    /// The units of each hidden layer
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_value = "64,64", value_parser = units)]
    pub(crate) hidden: Vec<usize>,
    /// Passes over the training rows; by itself, as many of 200 as rows set aside are helped by
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) epochs: Option<usize>,
    /// Rows in one step
    #[arg(long, value_name = "N", default_value = "32", value_parser = at_least_one)]
    pub(crate) batch: usize,
    /// The learning rate of Adam
    #[arg(long, value_name = "RATE", default_value = "0.001", value_parser = rate)]
    pub(crate) rate: f64,
    /// The seed of the split, the first weights and the order of rows
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) cells: CellArgs,
    /// The folder to write, made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Print one line of JSON instead of a summary
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress and no notes
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Predict a table's rows with a trained model, as CSV: `prediction`, and `p_CLASS` for each class.
#[derive(Args)]
#[command(after_help = "Example:
  lepton predict --model wine --data data/wine.csv
  lepton predict --model wine --data data/wine.csv --out predictions.csv")]
pub(crate) struct PredictArgs {
    /// The folder that `lepton train --out` wrote
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// The table: CSV with the model's columns, in any order; others are left aside
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) cells: CellArgs,
    /// The file to write instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Show no notes
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Tell what a file holds, after checking it: names, types, shapes and sums.
#[derive(Args)]
#[command(after_help = "Example:
  lepton inspect model.safetensors
  lepton inspect wine
  lepton inspect data/wine.csv --json")]
pub(crate) struct InspectArgs {
    /// A .safetensors or .csv file, or the folder of a model
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) cells: CellArgs,
    /// Print one line of JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

// How the cells of a table are written. No doc comment: clap would take it for the help of the command.
#[derive(Args)]
pub(crate) struct CellArgs {
    /// A column to take as text even if it holds numbers (may be given more than once)
    #[arg(long, value_name = "COL")]
    categorical: Vec<String>,
    /// The words that mean "no value", with commas between them, instead of NA,NaN,nan,null; an empty
    /// cell always means it
    #[arg(
        long,
        value_name = "WORDS",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    missing: Option<Vec<String>>,
    /// The decimal sign of the numbers, `.` or `,`
    #[arg(long, value_name = "SIGN")]
    decimal: Option<Decimal>,
}

impl CellArgs {
    /// What a reader is told; `usual` is what holds where nothing is given.
    pub(crate) fn options(&self, usual: &CellFormat) -> ReadOptions {
        ReadOptions {
            categorical: self.categorical.clone(),
            cells: CellFormat {
                missing: self.missing.clone().unwrap_or(usual.missing.clone()),
                decimal: self.decimal.unwrap_or(usual.decimal),
            },
        }
    }
}

/// A count that cannot be nothing.
fn at_least_one(text: &str) -> Result<usize> {
    let count = text.parse().ok().filter(|&n| n > 0);
    count.ok_or_else(|| Error::value("it must be a whole number of at least 1"))
}

/// The units of one hidden layer.
fn units(text: &str) -> Result<usize> {
    const MOST: usize = 65_536;
    let count = text.trim().parse().ok().filter(|n| (1..=MOST).contains(n));
    count.ok_or_else(|| {
        Error::value(format!(
            "a hidden layer has from 1 to {MOST} units; give one number for each layer, such as 64,64"
        ))
    })
}

fn rate(text: &str) -> Result<f64> {
    let rate = text
        .parse()
        .ok()
        .filter(|&r: &f64| r > 0.0 && r.is_finite());
    rate.ok_or_else(|| Error::value("it must be a number above 0, such as 0.003"))
}

/// The command that was given; `None` when help or the version was asked for or nothing was, and the
/// answer is printed.
///
/// # Errors
/// When the command line is not understood, in one line.
pub(crate) fn parse(console: &Console) -> Result<Option<Command>> {
    match Cli::try_parse() {
        Ok(cli) => Ok(Some(cli.command)),
        Err(e) => match e.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                console.print(&e.render().to_string()).map(|()| None)
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
        let train = [
            "lepton", "train", "--data", "d", "--target", "t", "--out", "o",
        ];
        for (option, value) in [
            ("--hidden", "0"),
            ("--hidden", "64,"),
            ("--hidden", "1000000"),
            ("--epochs", "0"),
            ("--batch", "1.5"),
            ("--rate", "nan"),
            ("--task", "guess"),
        ] {
            let line = error(&[&train[..], &[option, value]].concat());
            assert!(line.starts_with("invalid value '"), "{line}");
            assert!(
                line.contains(option) && line.ends_with("; see --help"),
                "{line}"
            );
        }
    }
}
