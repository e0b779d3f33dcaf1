//! Samples: how long an iteration takes.

use std::hint::black_box;
use std::time::Duration;

use crate::{Clock, Iteration, Unit, Work};

/// Warm-up before the samples, after two iterations at least.
const WARM_UP: Duration = Duration::from_millis(10);

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Samples taken.
    pub samples: usize,
    /// The least length of a sample.
    pub length: Duration,
}

impl Default for Effort {
    /// Five samples of 20 ms, as the comparison takes them.
    fn default() -> Effort {
        Effort {
            samples: 5,
            length: Duration::from_millis(20),
        }
    }
}

/// Nanoseconds of one iteration (of one unit of it, see [`Unit::Each`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The median of the samples.
    pub median: f64,
    /// The shortest sample.
    pub best: f64,
}

impl Measured {
    /// Work a nanosecond, so GFLOP/s or GB/s, as median and best; `None` where only time counts.
    pub fn rates(self, work: Work) -> Option<(f64, f64)> {
        let work = match work.unit {
            Unit::Flops => work.flops,
            Unit::Bytes => work.bytes,
            Unit::Each(_) => return None,
        };
        Some((work / self.median, work / self.best))
    }
}

/// Times `iteration`: a warm-up, then five samples of 20 ms at least.
pub fn measure(clock: Clock, work: Work, iteration: Iteration) -> Measured {
    let mut samples = samples(clock, iteration, Effort::default());
    samples.sort_by(f64::total_cmp);
    Measured {
        median: samples[samples.len() / 2] / work.count(),
        best: samples[0] / work.count(),
    }
}

/// Nanoseconds of one call of `iteration`, after a warm-up, in as many samples as the effort says.
pub fn samples(clock: Clock, mut iteration: Iteration, effort: Effort) -> Vec<f64> {
    let calls = warm_up(clock, &mut iteration, effort.length);
    let one = |_| sample(clock, &mut iteration, calls, effort.length);
    (0..effort.samples).map(one).collect()
}

/// Runs until the warm-up is over; returns how many calls a sample wants.
fn warm_up(clock: Clock, iteration: &mut Iteration, length: Duration) -> usize {
    let (start, mut calls) = (clock.now(), 0);
    let mut spent = Duration::ZERO;
    while calls < 2 || spent < WARM_UP {
        black_box(iteration());
        calls += 1;
        spent = clock.now() - start;
    }
    let once = spent.as_secs_f64() / calls as f64;
    (length.as_secs_f64() / once).ceil().max(1.0) as usize
}

/// Nanoseconds of one call, over `calls` and more until the sample is long enough.
fn sample(clock: Clock, iteration: &mut Iteration, calls: usize, length: Duration) -> f64 {
    let (start, mut done) = (clock.now(), 0);
    loop {
        for _ in 0..calls {
            black_box(iteration());
        }
        done += calls;
        let spent = clock.now() - start;
        if spent >= length {
            return spent.as_secs_f64() * 1e9 / done as f64;
        }
    }
}
