//! Measuring cases for a history.

use lepton_tensor::simd;
use lepton_tensor::threads;

use crate::alloc::allocations;
use crate::count::Counter;
use crate::machine::{Fingerprint, Roof};
use crate::measure::{Effort, samples};
use crate::row::{Row, now, revision};
use crate::stats::Summary;
use crate::{Case, Clock};

/// Samples of a case in a history.
const SAMPLES: usize = 11;
/// Iterations whose allocations are counted.
const ITERATIONS: u64 = 4;

/// Instructions of iterations up to this many nanoseconds are counted: valgrind takes some hundred
/// times longer, and more where there is much arithmetic.
const COUNTED: f64 = 3e5;

/// Measures cases; what is the same for all of a run is measured once.
#[derive(Debug)]
pub struct Recorder {
    machine: Fingerprint,
    roof: Roof,
    revision: (Option<String>, bool),
    counter: Option<Counter>,
}

impl Recorder {
    /// Measures the machine's limits; `counter` counts the instructions of short iterations, where there
    /// is one.
    ///
    /// # Errors
    /// When the machine computes something wrong.
    pub fn new(counter: Option<Counter>) -> Result<Recorder, String> {
        Ok(Recorder {
            machine: Fingerprint::here(),
            roof: Roof::measure()?,
            revision: revision(),
            counter,
        })
    }

    /// The measured limits.
    pub fn roof(&self) -> &Roof {
        &self.roof
    }

    /// Checks and measures `case`.
    ///
    /// # Errors
    /// When its result is wrong, or its instructions cannot be counted.
    pub fn record(&self, case: &Case) -> Result<Row, String> {
        let (level, threads) = (simd::level(), threads::count());
        let clock = Clock::of(threads);
        let mut iteration = case.checked()?;
        drop(iteration());
        let allocated = allocations(|| (0..ITERATIONS).for_each(|_| drop(iteration())));
        let each = |n: u64| n as f64 / ITERATIONS as f64;
        let effort = Effort {
            samples: SAMPLES,
            ..Effort::default()
        };
        let time = Summary::of(&samples(clock, iteration, effort));
        let counter = self.counter.as_ref().filter(|_| time.min <= COUNTED);
        let instructions = counter.map(|c| c.count(case.name()));
        let work = case.work();
        let double = case.id().to_string().contains("/f64/");
        let least = self.roof.least_ns(work, double);
        let (commit, dirty) = self.revision.clone();
        Ok(Row {
            id: case.id().at(level, threads),
            case: case.name().to_owned(),
            ns_min: time.min,
            ns_median: time.median,
            ns_mad: time.mad,
            samples: time.samples,
            clock: if clock == Clock::Cpu { "cpu" } else { "wall" }.into(),
            units: work.count(),
            instructions: instructions.transpose()?,
            instructions_simd: counter.map(|_| Counter::LEVEL.to_owned()),
            flops: work.flops,
            bytes: work.bytes,
            roof: self.roof,
            share: least.map(|least| least / time.min),
            allocations: allocated.map(|a| each(a.calls)),
            allocated_bytes: allocated.map(|a| each(a.bytes)),
            machine: self.machine.clone(),
            simd: level.name().to_owned(),
            threads,
            commit,
            dirty,
            time: now(),
        })
    }
}
