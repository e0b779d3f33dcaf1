//! A named piece of work.

use std::fmt;

use lepton_autograd::Var;

/// How the work of one iteration is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Work {
    /// Floating-point operations.
    Flops(f64),
    /// Bytes that a fused kernel must at least move.
    Bytes(f64),
    /// Only time counts; an iteration holds this many units (1 where it is one step).
    Units(f64),
}

/// One iteration; returns its result.
pub type Iteration = Box<dyn FnMut() -> Var>;

/// A case: its name, its work, and how its inputs are made.
pub struct Case {
    name: String,
    work: Work,
    start: Box<dyn Fn() -> Iteration>,
}

impl Case {
    /// A case; `start` makes the inputs and returns the iteration over them.
    pub fn new<F>(name: impl Into<String>, work: Work, start: impl Fn() -> F + 'static) -> Case
    where
        F: FnMut() -> Var + 'static,
    {
        Case {
            name: name.into(),
            work,
            start: Box::new(move || {
                let mut run = start();
                // What large elementwise ops put off belongs to the iteration.
                Box::new(move || {
                    let y = run();
                    y.tensor().settle();
                    y
                })
            }),
        }
    }

    /// The name that reports carry.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The work of one iteration.
    pub fn work(&self) -> Work {
        self.work
    }

    /// The inputs made, ready to iterate.
    pub fn start(&self) -> Iteration {
        (self.start)()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({}, {:?})", self.name, self.work)
    }
}
