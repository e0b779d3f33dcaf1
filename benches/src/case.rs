//! A named piece of work: the one description that `compare`, the suites and `lepton-bench` draw from.

use std::fmt;

use lepton_autograd::Var;
use lepton_tensor::simd::Level;

/// How much one iteration does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Floating-point operations; 0 where counting them says nothing.
    pub flops: f64,
    /// Bytes that a fused kernel must at least move; 0 where counting them says nothing.
    pub bytes: f64,
    /// What a rate is given in.
    pub unit: Unit,
}

/// What a rate is given in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// Floating-point operations a second.
    Flops,
    /// Bytes a second.
    Bytes,
    /// Only time counts; an iteration holds this many units (1 where it is one step).
    Each(f64),
}

impl Work {
    /// Work that arithmetic limits.
    pub fn flops(flops: f64, bytes: f64) -> Work {
        let unit = Unit::Flops;
        Work { flops, bytes, unit }
    }

    /// Work that memory limits.
    pub fn bytes(bytes: f64, flops: f64) -> Work {
        let unit = Unit::Bytes;
        Work { flops, bytes, unit }
    }

    /// A step of which only the time counts.
    pub fn step(flops: f64, bytes: f64) -> Work {
        Work::units(1.0, flops, bytes)
    }

    /// An iteration of `n` units, of which only the time counts.
    pub fn units(n: f64, flops: f64, bytes: f64) -> Work {
        let unit = Unit::Each(n);
        Work { flops, bytes, unit }
    }

    /// Units in an iteration.
    pub fn count(&self) -> f64 {
        if let Unit::Each(n) = self.unit {
            n
        } else {
            1.0
        }
    }
}

/// The part of an identifier that does not depend on the machine: `op/dtype/shape/layout`.
///
/// ```
/// use lepton_benches::Id;
/// use lepton_tensor::simd::Level;
/// let id = Id::new("gemm", "f32", &[4, 5, 6], "nt");
/// assert_eq!(id.to_string(), "gemm/f32/4x5x6/nt");
/// assert_eq!(id.at(Level::Portable, 2), "gemm/f32/4x5x6/nt/portable/t2");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// The identifier of `op` on `dtype` over `shape`, stored as `layout` says.
    pub fn new(op: &str, dtype: &str, shape: &[usize], layout: &str) -> Id {
        let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
        Id(format!("{op}/{dtype}/{}/{layout}", sizes.join("x")))
    }

    /// The whole identifier: `op/dtype/shape/layout/simd/threads`.
    pub fn at(&self, level: Level, threads: usize) -> String {
        format!("{self}/{}/t{threads}", level.name())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One iteration; returns its result.
pub type Iteration = Box<dyn FnMut() -> Var>;
/// Says what is wrong with the result of the first iteration.
pub type Check = Box<dyn FnOnce(&Var) -> Result<(), String>>;

/// A case: its name and identifier, its work, how its inputs are made, and how its result is checked.
pub struct Case {
    name: String,
    id: Id,
    work: Work,
    start: Box<dyn Fn() -> (Iteration, Check)>,
}

impl Case {
    /// A case; `start` makes the inputs, and returns the iteration over them with the check of its
    /// first result: a plain, slow, independent computation, or what must hold of a right result.
    pub fn new<F, C>(
        name: impl Into<String>,
        id: Id,
        work: Work,
        start: impl Fn() -> (F, C) + 'static,
    ) -> Case
    where
        F: FnMut() -> Var + 'static,
        C: FnOnce(&Var) -> Result<(), String> + 'static,
    {
        let start = move || {
            let (iteration, check) = start();
            let mut iteration = iteration;
            // What large elementwise ops put off belongs to the iteration.
            let settled = move || {
                let y = iteration();
                y.tensor().realize();
                y
            };
            (Box::new(settled) as Iteration, Box::new(check) as Check)
        };
        Case {
            name: name.into(),
            id,
            work,
            start: Box::new(start),
        }
    }

    /// The name that the comparison and the command line know.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What histories know it by.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The work of one iteration.
    pub fn work(&self) -> Work {
        self.work
    }

    /// The inputs made, ready to iterate.
    pub fn start(&self) -> Iteration {
        (self.start)().0
    }

    /// The inputs made, and the check that the first result is to pass.
    pub fn start_with_check(&self) -> (Iteration, Check) {
        (self.start)()
    }

    /// As [`Case::start`], after one iteration whose result was checked.
    ///
    /// # Errors
    /// When the result is wrong.
    pub fn checked(&self) -> Result<Iteration, String> {
        let (mut iteration, check) = (self.start)();
        check(&iteration()).map_err(|what| format!("case '{}': {what}", self.name))?;
        Ok(iteration)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({}, {}, {:?})", self.name, self.id, self.work)
    }
}
