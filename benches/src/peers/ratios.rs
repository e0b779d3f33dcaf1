//! The table of ratios: lepton against the best of all peers, and two threads against one.

use super::{Best, Target, targets};
use crate::show::{Table, times};

/// On two threads a case counts as no slower down to this ratio: twice the spread that repeated runs
/// of one program show.
const NO_SLOWER: f64 = 0.95;
/// From this time on one thread upwards, arithmetic is spread over two.
const LONG: f64 = 1e6;

/// The text of all tables that `best` has rows for.
pub fn ratios(best: &Best) -> String {
    let mut out = one_thread(best);
    if !best.cases(2).is_empty() {
        out += &two_threads(best);
    }
    out
}

/// How a wish turned out.
#[derive(Clone, Copy, PartialEq)]
enum Met {
    Stretch,
    Yes,
    No,
    Unknown,
}

impl Met {
    /// A figure that is to reach `want`, and `far` as a further aim.
    fn reaches(got: Option<f64>, want: f64, far: Option<f64>) -> Met {
        match got {
            None => Met::Unknown,
            Some(x) if far.is_some_and(|far| x >= far) => Met::Stretch,
            Some(x) if x >= want => Met::Yes,
            Some(_) => Met::No,
        }
    }

    /// Both wishes of one case; a stretch counts where every wish that has one reaches it.
    fn and(self, other: Met) -> Met {
        match (self, other) {
            (Met::No, _) | (_, Met::No) => Met::No,
            (Met::Unknown, _) | (_, Met::Unknown) => Met::Unknown,
            (Met::Stretch, Met::Stretch) => Met::Stretch,
            _ => Met::Yes,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Met::Stretch => "stretch",
            Met::Yes => "met",
            Met::No => "missed",
            Met::Unknown => "unknown",
        }
    }
}

fn one_thread(best: &Best) -> String {
    let head = [
        "case",
        "lepton",
        "best peer",
        "",
        "ratio",
        "target",
        "stretch",
        "verdict",
        "besides",
    ];
    let mut table = Table::new(&head);
    let wanted = targets();
    let mut verdicts = Vec::new();
    for t in &wanted {
        if best.ours(&t.case, 1).is_some() {
            let (row, verdict) = line(best, t);
            table.row(row);
            verdicts.push(verdict);
        }
    }
    let others = best.cases(1).into_iter();
    for case in others.filter(|c| *c != "fma_peak" && !wanted.iter().any(|t| t.case == *c)) {
        table.row(untargeted(best, case));
    }
    let peak = best
        .peak(1)
        .map_or(String::new(), |p| format!(", FMA peak {p:.1} GFLOP/s"));
    format!("one thread{peak}\n\n{table}\n{}\n", share(&verdicts))
}

/// The ratio, the share of the peak and the absolute bound of one case.
fn line(best: &Best, t: &Target) -> (Vec<String>, Met) {
    let mut row = untargeted(best, &t.case);
    let ours = best.ours(&t.case, 1).expect("a row of lepton's");
    let ratio = best.theirs(&t.case, 1).map(|p| p.ns_best / ours.ns_best);
    let mut wishes = Vec::new();
    let mut besides = Vec::new();
    if let Some(want) = t.ratio {
        wishes.push(Met::reaches(ratio, want, t.stretch));
    }
    if let Some(want) = t.peak {
        let peak = best
            .peak(1)
            .map(|p| if t.case.contains("f64") { p / 2.0 } else { p });
        let share = peak.zip(ours.gflops_best).map(|(peak, x)| x / peak);
        wishes.push(Met::reaches(share, want, t.peak_stretch));
        let got = share.map_or("?".into(), |s| format!("{:.0} %", 100.0 * s));
        besides.push(format!("{got} of peak (>= {:.0} %)", 100.0 * want));
    }
    if let Some(most) = t.most_ns {
        wishes.push(Met::reaches(Some(-ours.ns_best), -most, None));
        besides.push(format!("<= {}", times(most)));
    }
    let verdict = wishes.into_iter().reduce(Met::and).unwrap_or(Met::Unknown);
    let cell = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.2}"));
    row.extend([
        cell(t.ratio),
        cell(t.stretch),
        verdict.word().into(),
        besides.join(", "),
    ]);
    (row, verdict)
}

/// Times and ratio.
fn untargeted(best: &Best, case: &str) -> Vec<String> {
    let ours = best.ours(case, 1).expect("a row of lepton's").ns_best;
    let mut row = vec![case.to_owned(), times(ours)];
    match best.theirs(case, 1) {
        Some(p) => row.extend([
            p.peer.clone(),
            times(p.ns_best),
            format!("{:.2}", p.ns_best / ours),
        ]),
        None => row.extend(["-".into(), String::new(), String::new()]),
    }
    row
}

fn two_threads(best: &Best) -> String {
    let head = [
        "case",
        "one",
        "two",
        "speed-up",
        "target",
        "verdict",
        "best peer",
        "ratio",
    ];
    let mut table = Table::new(&head);
    let (wanted, mut verdicts) = (targets(), Vec::new());
    for case in best.cases(2).into_iter().filter(|c| *c != "fma_peak") {
        let (Some(one), Some(two)) = (best.ours(case, 1), best.ours(case, 2)) else {
            continue;
        };
        let gain = one.ns_best / two.ns_best;
        let units = if case == "train_smallop" { 1000.0 } else { 1.0 };
        let long = one.ns_best * units > LONG;
        let want = wanted.iter().find(|t| t.case == case).and_then(|t| t.two);
        let want = want.filter(|_| long).unwrap_or(NO_SLOWER);
        let far = (want > 1.0).then_some(1.7);
        let verdict = Met::reaches(Some(gain), want, far);
        verdicts.push(verdict);
        let peer = best.theirs(case, 2);
        let cell = |f: &dyn Fn(&super::Timed) -> String| peer.map_or("-".into(), f);
        table.row(vec![
            case.to_owned(),
            times(one.ns_best),
            times(two.ns_best),
            format!("{gain:.2}"),
            format!("{want:.2}"),
            verdict.word().into(),
            cell(&|p| p.peer.clone()),
            cell(&|p| format!("{:.2}", p.ns_best / two.ns_best)),
        ]);
    }
    format!(
        "\ntwo threads (wall clock)\n\n{table}\n{}\n",
        share(&verdicts)
    )
}

fn share(verdicts: &[Met]) -> String {
    let count = |m: Met| verdicts.iter().filter(|v| **v == m).count();
    let met = count(Met::Yes) + count(Met::Stretch);
    let judged = met + count(Met::No);
    let percent = 100.0 * met as f64 / judged.max(1) as f64;
    format!(
        "met: {met} of {judged} rows ({percent:.0} %), {} of them by the stretch; unknown: {}",
        count(Met::Stretch),
        count(Met::Unknown)
    )
}

#[cfg(test)]
mod tests;
