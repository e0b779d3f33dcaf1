//! The comparison's own test, on work that is really timed.

use std::hint::black_box;

use crate::stats::median;
use crate::{Clock, Iteration, find};

use super::{Judged, Round, Verdict, judge};

/// Rounds of a comparison, and comparisons of each kind.
const ROUNDS: usize = 120;
const RUNS: usize = 20;
/// Nanoseconds of a sample.
const SAMPLE: f64 = 1e6;

/// Compares a product of matrices with itself, and with itself made 5 % slower, 20 times each, and
/// says what came out; true when the slowdown was caught every time and there was at most one alarm.
///
/// # Errors
/// When the product is wrong.
pub fn self_test(say: &dyn Fn(&str)) -> Result<bool, String> {
    let mut work = find("gemm:48x48x48")?.checked()?;
    let clock = Clock::Cpu;
    let once = calibrate(clock, &mut work);
    let calls = (SAMPLE / once).ceil().max(20.0) as usize;
    let slowed = calls + (calls as f64 * 0.05).round() as usize;
    let mut caught = 0;
    let mut alarms = 0;
    for run in 0..RUNS {
        let slow = judge(&rounds(clock, &mut work, [calls, slowed]));
        let same = judge(&rounds(clock, &mut work, [calls, calls]));
        caught += usize::from(slow.verdict == Verdict::Slower);
        alarms += usize::from(matches!(same.verdict, Verdict::Slower | Verdict::Faster));
        let show = |j: &Judged| {
            let [change, floor] = [j.change, j.floor].map(|x| 100.0 * x);
            format!("{change:+.2} % (floor {floor:.2} %) {}", j.verdict)
        };
        say(&format!(
            "run {:2}: planted {}; A/A {}",
            run + 1,
            show(&slow),
            show(&same)
        ));
    }
    let planted = 100.0 * (slowed as f64 / calls as f64 - 1.0);
    say(&format!(
        "a planted slowdown of {planted:.1} % was caught in {caught} of {RUNS} runs"
    ));
    say(&format!("{RUNS} A/A runs raised {alarms} alarm(s)"));
    Ok(caught == RUNS && alarms <= 1)
}

/// Nanoseconds of a call, the median of short runs.
fn calibrate(clock: Clock, work: &mut Iteration) -> f64 {
    let runs: Vec<f64> = (0..20).map(|_| sample(clock, work, 50) / 50.0).collect();
    median(&runs)
}

fn sample(clock: Clock, work: &mut Iteration, calls: usize) -> f64 {
    let start = clock.now();
    for _ in 0..calls {
        black_box(work());
    }
    (clock.now() - start).as_secs_f64() * 1e9
}

/// Rounds of A and B, which differ in their calls.
fn rounds(clock: Clock, work: &mut Iteration, [a, b]: [usize; 2]) -> Vec<Round> {
    let mut time = |calls| sample(clock, work, calls);
    let mut round = |i: usize| {
        let order = if i.is_multiple_of(2) {
            [a, b, b, a]
        } else {
            [b, a, a, b]
        };
        let [first, second, third, fourth] = order.map(&mut time);
        let (outer, inner) = ([first, fourth], [second, third]);
        if i.is_multiple_of(2) {
            Round { a: outer, b: inner }
        } else {
            Round { a: inner, b: outer }
        }
    };
    (0..ROUNDS).map(&mut round).collect()
}
