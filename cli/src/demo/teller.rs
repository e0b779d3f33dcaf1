//! Where the story goes while it is told.

use lepton::Result;

use crate::args::DemoArgs;
use crate::console::Console;
use crate::progress::Progress;

use super::figures::{WIDTH, wrap};
use super::privacy::Noise;

/// The settings of a run, and its two voices: results on stdout, progress and notes on stderr.
pub(crate) struct Teller<'a> {
    pub(crate) seed: u64,
    pub(crate) noise: Noise,
    /// Whether times are measured.
    pub(crate) timed: bool,
    pub(crate) progress: Progress,
    silent: bool,
    console: &'a Console,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(args: &DemoArgs, console: &'a Console) -> Teller<'a> {
        let silent = args.quiet || args.json;
        Teller {
            seed: args.seed,
            noise: if args.secret_noise {
                Noise::Secret
            } else {
                Noise::Seeded
            },
            timed: !args.no_times,
            progress: Progress::new(silent),
            silent,
            console,
        }
    }

    /// Prints `text` wrapped and `by` spaces in.
    pub(crate) fn indented(&self, by: usize, text: &str) -> Result<()> {
        let lines = text.trim_end().lines().flat_map(|l| wrap(l, WIDTH - by));
        let lines: Vec<String> = lines.map(|l| format!("{:by$}{l}", "")).collect();
        let lines: Vec<&str> = lines.iter().map(|l| l.trim_end()).collect();
        self.say(&lines.join("\n"))
    }

    /// Prints lines of the story, unless only the files are wanted.
    pub(crate) fn say(&self, text: &str) -> Result<()> {
        match self.silent {
            true => Ok(()),
            false => self.console.line(text),
        }
    }
}
