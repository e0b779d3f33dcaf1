//! Whether B is slower than A, from interleaved rounds.

use std::fmt;

use crate::stats::{bootstrap_medians, far, median, quantile, signs};

/// A change below this is not reported, however certain.
const LEAST: f64 = 0.01;
/// A change of this size must be excluded before a case counts as unchanged.
const UNSEEN: f64 = 0.05;
/// Standard scores beyond which a change is no chance: one in a thousand.
const SCORE: f64 = 3.29;
/// Medians drawn for an interval.
const DRAWS: usize = 1000;

/// Times of one round: A and B twice each, in the order A B B A or B A A B.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Both times of A.
    pub a: [f64; 2],
    /// Both times of B.
    pub b: [f64; 2],
}

/// What the rounds say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// B takes less time.
    Faster,
    /// B takes more time.
    Slower,
    /// A change of 5 % would have been seen, and none was.
    WithinNoise,
    /// The noise could hide a change of 5 %.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::WithinNoise => "within noise",
            Verdict::Unknown => "unknown",
        })
    }
}

/// The verdict, and what it rests on.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// What the rounds say.
    pub verdict: Verdict,
    /// How much longer B takes, as a share of A; negative where it is faster.
    pub change: f64,
    /// Where the change lies with 95 % confidence.
    pub interval: [f64; 2],
    /// The noise floor: what A against A, and B against B, showed in the same rounds.
    pub floor: f64,
}

/// Judges `rounds`.
///
/// A round gives one difference, of the logarithms of A's and B's shorter times: what the machine did
/// meanwhile, it did to both. A change is reported when three things hold: the median of the
/// differences exceeds the noise floor; so many of them have its sign that it is no chance;
/// and the bootstrap's interval excludes zero. The floor is what the same statistic shows where
/// nothing changed: A's second time against its first, and B's, as many times as went into a shorter one.
///
/// # Panics
/// When there is no round.
pub fn judge(rounds: &[Round]) -> Judged {
    let each = |f: fn(&Round) -> f64| rounds.iter().map(f).collect::<Vec<f64>>();
    let differences = each(|r| (shorter(r.b) / shorter(r.a)).ln());
    let mut nothing = each(|r| (r.a[1] / r.a[0]).ln());
    nothing.extend(each(|r| (r.b[1] / r.b[0]).ln()));
    // In an order that does not depend on which revision is called A.
    nothing.sort_by(f64::total_cmp);
    let floor = noise(&nothing).max(LEAST);
    let effect = median(&differences);
    let medians = bootstrap_medians(&differences, DRAWS, 1);
    let [low, high] = [0.025, 0.975].map(|q| quantile(&medians, q));
    let certain = signs(&differences).abs() > SCORE && low.signum() == high.signum();
    let seen = low > -UNSEEN && high < UNSEEN;
    let verdict = match effect {
        _ if certain && effect > floor => Verdict::Slower,
        _ if certain && effect < -floor => Verdict::Faster,
        _ if seen => Verdict::WithinNoise,
        _ => Verdict::Unknown,
    };
    Judged {
        verdict,
        change: effect.exp_m1(),
        interval: [low.exp_m1(), high.exp_m1()],
        floor,
    }
}

fn shorter(x: [f64; 2]) -> f64 {
    x[0].min(x[1])
}

/// How far from zero the median of differences may lie where nothing changed.
fn noise(differences: &[f64]) -> f64 {
    let medians = bootstrap_medians(differences, DRAWS, 2);
    // A shift between the positions of a round cancels in the comparison; the spread does not.
    let middle = median(&medians);
    let off: Vec<f64> = medians.iter().map(|m| (m - middle).abs()).collect();
    far(&off)
}
