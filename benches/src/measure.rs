//! Samples: how long an iteration takes.

use std::hint::black_box;
use std::time::Duration;

use crate::{Clock, Iteration, Work};

/// Warm-up before the samples, after two iterations at least.
const WARM_UP: Duration = Duration::from_millis(10);
/// The least length of a sample.
const SAMPLE: Duration = Duration::from_millis(20);
/// Samples taken; the report has their median and their best.
const SAMPLES: usize = 5;

/// Nanoseconds of one iteration (of one unit of it, see [`Work::Units`]).
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
        match work {
            Work::Flops(x) | Work::Bytes(x) => Some((x / self.median, x / self.best)),
            Work::Units(_) => None,
        }
    }
}

/// Times `iteration`: a warm-up, then five samples of 20 ms at least.
pub fn measure(clock: Clock, work: Work, mut iteration: Iteration) -> Measured {
    let calls = warm_up(clock, &mut iteration);
    let units = if let Work::Units(n) = work { n } else { 1.0 };
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| sample(clock, &mut iteration, calls) / units)
        .collect();
    samples.sort_by(f64::total_cmp);
    Measured {
        median: samples[SAMPLES / 2],
        best: samples[0],
    }
}

/// Runs until the warm-up is over; returns how many calls a sample wants.
fn warm_up(clock: Clock, iteration: &mut Iteration) -> usize {
    let (start, mut calls) = (clock.now(), 0);
    let mut spent = Duration::ZERO;
    while calls < 2 || spent < WARM_UP {
        black_box(iteration());
        calls += 1;
        spent = clock.now() - start;
    }
    let once = spent.as_secs_f64() / calls as f64;
    (SAMPLE.as_secs_f64() / once).ceil().max(1.0) as usize
}

/// Nanoseconds of one call, over `calls` and more until the sample is long enough.
fn sample(clock: Clock, iteration: &mut Iteration, calls: usize) -> f64 {
    let (start, mut done) = (clock.now(), 0);
    loop {
        for _ in 0..calls {
            black_box(iteration());
        }
        done += calls;
        let spent = clock.now() - start;
        if spent >= SAMPLE {
            return spent.as_secs_f64() * 1e9 / done as f64;
        }
    }
}
