//! How long work shows that it goes on: a bar on a terminal, a line for each tenth elsewhere.
//!
//! It goes to stderr, so that results on stdout can be piped.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use lepton::federated::{self, Round};
use lepton::nn::{self, Epoch};

/// What is shown of progress, and the notes beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A bar that moves.
    Bar,
    /// A line for each tenth.
    Lines,
    /// Nothing.
    Quiet,
}

impl Progress {
    /// What suits this stderr, or nothing at all.
    pub(crate) fn new(quiet: bool) -> Progress {
        match (quiet, io::stderr().is_terminal()) {
            (true, _) => Progress::Quiet,
            (false, true) => Progress::Bar,
            (false, false) => Progress::Lines,
        }
    }

    /// Shows one line that a user should know.
    pub(crate) fn note(self, text: &str) {
        if self != Progress::Quiet {
            show(text);
        }
    }

    /// Shows what a user should know, as many lines of it as anyone reads.
    pub(crate) fn notes(self, notes: &[String]) {
        const MOST: usize = 20;
        notes.iter().take(MOST).for_each(|note| self.note(note));
        if notes.len() > MOST {
            self.note(&format!("and {} more such notes", notes.len() - MOST));
        }
    }

    /// Begins work of `total` steps, called `what`; the bar goes away when the value is dropped.
    pub(crate) fn start(self, what: &str, total: usize) -> Steps {
        let bar = (self == Progress::Bar).then(|| {
            let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}");
            ProgressBar::new(total as u64)
                .with_style(style.expect("the template is sound"))
                .with_prefix(what.to_string())
        });
        Steps {
            what: what.to_string(),
            total,
            tenths: 0,
            lines: self == Progress::Lines,
            bar,
        }
    }
}

/// What cannot be shown is no reason to stop.
fn show(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Work of a known number of steps; also an observer of training and of federated rounds.
pub(crate) struct Steps {
    what: String,
    total: usize,
    /// Tenths of the work that have their line.
    tenths: usize,
    lines: bool,
    bar: Option<ProgressBar>,
}

impl Steps {
    /// Tells that `done` steps are done, with what there is to say about the last one.
    pub(crate) fn at(&mut self, done: usize, detail: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.set_message(detail());
        } else if self.lines && self.next_tenth(done) {
            show(&format!(
                "{} {done}/{}: {}",
                self.what,
                self.total,
                detail()
            ));
        }
    }

    /// Whether another tenth is done since the last that was.
    fn next_tenth(&mut self, done: usize) -> bool {
        let tenths = done * 10 / self.total.max(1);
        let more = tenths > self.tenths;
        self.tenths = tenths.max(self.tenths);
        more
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl nn::Observer for Steps {
    fn epoch(&mut self, e: &Epoch) {
        self.at(e.epoch, || match e.validation {
            Some(held_out) => format!("loss {:.4}, held out {held_out:.4}", e.loss),
            None => format!("loss {:.4}", e.loss),
        });
    }
}

impl federated::Observer for Steps {
    fn round(&mut self, round: &Round, _: &federated::State) {
        let clients = round.used.len();
        self.at(round.round as usize + 1, || {
            format!("{clients} clients, {} rows", round.examples)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_at_most() {
        for (total, lines) in [(1, 1), (3, 3), (10, 10), (99, 10), (1000, 10)] {
            let mut steps = Progress::Quiet.start("t", total);
            let shown: Vec<usize> = (1..=total).filter(|&n| steps.next_tenth(n)).collect();
            assert_eq!(shown.len(), lines, "{total}");
            assert_eq!(shown.last(), Some(&total));
        }
    }

    #[test]
    fn quiet_work_asks_for_no_detail() {
        let mut steps = Progress::Quiet.start("t", 2);
        steps.at(1, || unreachable!("nobody reads it"));
    }
}
