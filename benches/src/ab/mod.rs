//! Two revisions against each other, in interleaved rounds.

mod revision;
mod selftest;
mod verdict;

use std::process::Command;

use crate::peers::Timed;
use crate::show::{Table, times};
use crate::stats::quantile;

pub(crate) use revision::git;
use revision::{Janitor, Revision, commit};
pub use selftest::self_test;
pub use verdict::{Judged, Round, Verdict, judge};

/// What is compared unless cases are named: one of each kind, over in a tenth of a second.
pub const KEY_CASES: [&str; 12] = [
    "gemm_f32_128",
    "gemm_f32_512",
    "gemm_f32_skinny",
    "ew_add_1m",
    "ew_tanh_1m",
    "softmax_4096x1024",
    "conv3x3_64",
    "conv5x5_1to32",
    "train_mlp_boston",
    "train_lenet_mnist",
    "train_smallop",
    "infer_mlp_mnist_b1",
];

/// What to compare.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The revisions, as git names them.
    pub revisions: [String; 2],
    /// Cases by the names that `compare` knows.
    pub cases: Vec<String>,
    /// Rounds of four measurements.
    pub rounds: usize,
    /// Threads of the program under measurement.
    pub threads: usize,
}

/// Builds both revisions, measures, prints one line a case as it comes, and returns whether any case
/// was slower. `say` is told what goes on.
///
/// # Errors
/// When a revision is unknown or does not build; the worktrees are gone all the same.
pub fn ab(plan: &Plan, say: &dyn Fn(&str)) -> Result<bool, String> {
    let [a, b] = [0, 1].map(|i| commit(&plan.revisions[i]));
    let commits = [a?, b?];
    let janitor = Janitor::new()?;
    let build = |i: usize| {
        say(&format!("building {}", plan.revisions[i]));
        Revision::build(&janitor, ["a", "b"][i], &plan.revisions[i], &commits[i])
    };
    let (a, b) = (build(0)?, build(1)?);
    let mut table = Table::new(&["case", "A", "B", "change", "95 %", "floor", "verdict"]);
    let mut slower = false;
    for case in &plan.cases {
        let row = match measure(&a, &b, case, plan) {
            Ok(rounds) => {
                let judged = judge(&rounds);
                slower |= judged.verdict == Verdict::Slower;
                line(case, &rounds, &judged)
            }
            Err(why) => vec![case.clone(), String::new(), String::new(), String::new()]
                .into_iter()
                .chain([String::new(), String::new(), format!("unknown: {why}")])
                .collect(),
        };
        say(&row.join("  "));
        table.row(row);
    }
    println!(
        "A = {} ({})\nB = {} ({})",
        a.name, a.commit, b.name, b.commit
    );
    println!(
        "{} rounds of A B B A and B A A B, {} thread(s)\n",
        plan.rounds, plan.threads
    );
    print!("{table}");
    Ok(slower)
}

fn line(case: &str, rounds: &[Round], judged: &Judged) -> Vec<String> {
    let low = |f: fn(&Round) -> [f64; 2]| {
        let all: Vec<f64> = rounds.iter().flat_map(f).collect();
        times(quantile(&all, 0.0))
    };
    let percent = |x: f64| format!("{:+.1} %", 100.0 * x);
    vec![
        case.to_owned(),
        low(|r| r.a),
        low(|r| r.b),
        percent(judged.change),
        judged.interval.map(percent).join(" .. "),
        format!("{:.1} %", 100.0 * judged.floor),
        judged.verdict.to_string(),
    ]
}

/// Interleaved rounds of one case.
fn measure(a: &Revision, b: &Revision, case: &str, plan: &Plan) -> Result<Vec<Round>, String> {
    let time = |r: &Revision| once(r, case, plan.threads);
    let round = |i: usize| {
        // A B B A, then B A A B: a drift within a round, or from round to round, hits both alike.
        if i.is_multiple_of(2) {
            let (a1, b1, b2, a2) = (time(a)?, time(b)?, time(b)?, time(a)?);
            Ok(Round {
                a: [a1, a2],
                b: [b1, b2],
            })
        } else {
            let (b1, a1, a2, b2) = (time(b)?, time(a)?, time(a)?, time(b)?);
            Ok(Round {
                a: [a1, a2],
                b: [b1, b2],
            })
        }
    };
    (0..plan.rounds).map(round).collect()
}

/// The best of the samples of one run of `compare`.
fn once(revision: &Revision, case: &str, threads: usize) -> Result<f64, String> {
    let out = Command::new(&revision.compare)
        .args(["--case", case, "--threads", &threads.to_string()])
        .output()
        .map_err(|e| format!("{}: {e}", revision.compare.display()))?;
    if !out.status.success() {
        let text = String::from_utf8_lossy(&out.stderr);
        let first = text.split(';').next().unwrap_or_default().trim().to_owned();
        return Err(format!("{} says '{first}'", revision.name));
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let rows: Vec<Timed> = crate::jsonl::parse(&text, "compare")?;
    rows.first()
        .map(|r| r.ns_best)
        .ok_or(format!("{} printed nothing", revision.name))
}
