//! Counting cases, and the lines that say what became of them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lepton_autograd::{Error, ErrorKind};

/// Why a case did not pass.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something the library lacks.
    Unsupported(String),
    /// A wrong answer.
    Failed(String),
}

impl From<Error> for Stop {
    fn from(e: Error) -> Stop {
        match e.kind() {
            ErrorKind::Unsupported => Stop::Unsupported(e.to_string()),
            _ => Stop::Failed(e.to_string()),
        }
    }
}

/// The stop that names what is lacking.
pub(crate) fn lacks<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Unsupported(what.into()))
}

/// The stop that says what is wrong.
pub(crate) fn wrong<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(what.into()))
}

/// The counts of one area.
pub(crate) struct Report {
    area: &'static str,
    passed: usize,
    failed: usize,
    unsupported: usize,
    lines: Vec<String>,
}

impl Report {
    pub(crate) fn new(area: &'static str) -> Report {
        Report {
            area,
            passed: 0,
            failed: 0,
            unsupported: 0,
            lines: Vec::new(),
        }
    }

    /// Runs one case; a panic inside is a failure with its message.
    pub(crate) fn case(&mut self, name: &str, run: impl FnOnce() -> Result<(), Stop>) {
        let outcome = quietly(|| catch_unwind(AssertUnwindSafe(run)))
            .unwrap_or_else(|panic| wrong(format!("panic: {}", message(&*panic))));
        let (word, why) = match outcome {
            Ok(()) => {
                self.passed += 1;
                return;
            }
            Err(Stop::Unsupported(why)) => {
                self.unsupported += 1;
                ("unsupported", why)
            }
            Err(Stop::Failed(why)) => {
                self.failed += 1;
                ("failed", why)
            }
        };
        let why = why.replace('\n', " ");
        self.lines.push(format!("{word}: {name}: {why}"));
    }

    /// Prints the lines and the counts.
    ///
    /// # Panics
    /// When a case failed.
    pub(crate) fn finish(self) {
        let total = self.passed + self.failed + self.unsupported;
        let (p, f, u) = (self.passed, self.failed, self.unsupported);
        let mut text = self.lines.join("\n");
        text.push_str(&format!(
            "\nreference {}: {p} passed, {f} failed, {u} unsupported of {total}",
            self.area
        ));
        println!("{}", text.trim_start());
        assert!(
            f == 0,
            "reference {}: {f} of {total} cases failed",
            self.area
        );
    }
}

/// Runs `f` without the reports of panics, which the cases' lines repeat.
fn quietly<T>(f: impl FnOnce() -> T) -> T {
    // One hook for the whole process: areas run side by side must not restore each other's.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let y = f();
    std::panic::set_hook(hook);
    y
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .unwrap_or_else(|| "no message".to_owned())
}
