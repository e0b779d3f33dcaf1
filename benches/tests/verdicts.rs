//! The statistical core on noise that is made up: bursts, drifts and outliers of a shared machine,
//! from a seed, so that nothing here depends on a clock.

use lepton_benches::ab::{Round, Verdict, judge};
use lepton_benches::inputs::values;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// How the machine behaves.
#[derive(Clone, Copy, Debug)]
struct Noise {
    /// Every sample is up to this much longer.
    jitter: f64,
    /// One sample in ten is up to this much longer.
    burst: f64,
    /// How much slower the machine becomes from the first round to the last.
    drift: f64,
    seed: u64,
}

/// `count` rounds of work of 1000 ns, of which B takes `slowdown` more.
fn rounds(noise: Noise, slowdown: f64, count: usize) -> Vec<Round> {
    // Three numbers in [0, 1) for each of four samples a round.
    let uniform: Vec<f64> = values(12 * count, noise.seed)
        .into_iter()
        .map(|x| 0.5 + 0.5 * f64::from(x))
        .collect();
    let round = |i: usize| {
        let sample = |position: usize, factor: f64| {
            let [jitter, burst, whether] = [0, 1, 2].map(|j| uniform[12 * i + 3 * position + j]);
            let burst = if whether < 0.1 {
                burst * noise.burst
            } else {
                0.0
            };
            let at = (i as f64 + position as f64 / 4.0) / count as f64;
            1000.0 * factor * (1.0 + noise.jitter * jitter + burst) * (1.0 + noise.drift * at)
        };
        let (outer, inner) = ([0, 3], [1, 2]);
        let b = 1.0 + slowdown;
        if i.is_multiple_of(2) {
            Round {
                a: outer.map(|p| sample(p, 1.0)),
                b: inner.map(|p| sample(p, b)),
            }
        } else {
            Round {
                a: inner.map(|p| sample(p, 1.0)),
                b: outer.map(|p| sample(p, b)),
            }
        }
    };
    (0..count).map(round).collect()
}

fn noise() -> impl Strategy<Value = Noise> {
    (0.0..0.05, 0.0..1.0, -0.2..0.2, 1u64..1 << 40).prop_map(|(jitter, burst, drift, seed)| Noise {
        jitter,
        burst,
        drift,
        seed,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_slowdown_of_5_percent_is_caught(noise in noise()) {
        prop_assert_eq!(judge(&rounds(noise, 0.05, 30)).verdict, Verdict::Slower);
    }

    #[test]
    fn a_speedup_of_5_percent_is_seen(noise in noise()) {
        prop_assert_eq!(judge(&rounds(noise, -0.05, 30)).verdict, Verdict::Faster);
    }

    #[test]
    fn both_ways_round_tell_the_same(noise in noise(), slowdown in -0.2..0.2f64) {
        let forth = rounds(noise, slowdown, 20);
        let back: Vec<Round> = forth.iter().map(|r| Round { a: r.b, b: r.a }).collect();
        let opposite = match judge(&forth).verdict {
            Verdict::Slower => Verdict::Faster,
            Verdict::Faster => Verdict::Slower,
            same => same,
        };
        // The bootstrap draws the same rounds both ways; only its interval's ends may round apart.
        prop_assert_eq!(judge(&back).verdict, opposite);
    }
}

#[test]
fn where_nothing_changed_alarms_are_rare() {
    let mut alarms = 0;
    for seed in 1..=1000 {
        let noise = Noise {
            jitter: 0.04,
            burst: 0.5,
            drift: 0.1,
            seed,
        };
        let verdict = judge(&rounds(noise, 0.0, 30)).verdict;
        alarms += usize::from(matches!(verdict, Verdict::Slower | Verdict::Faster));
    }
    assert!(
        alarms <= 5,
        "{alarms} alarms in 1000 comparisons of the same with itself"
    );
}

#[test]
fn on_a_wild_machine_the_answer_is_unknown() {
    let noise = Noise {
        jitter: 1.5,
        burst: 5.0,
        drift: 0.0,
        seed: 3,
    };
    assert_eq!(judge(&rounds(noise, 0.0, 8)).verdict, Verdict::Unknown);
}

#[test]
fn on_a_calm_machine_nothing_is_within_noise() {
    let noise = Noise {
        jitter: 0.01,
        burst: 0.1,
        drift: 0.0,
        seed: 3,
    };
    assert_eq!(judge(&rounds(noise, 0.0, 20)).verdict, Verdict::WithinNoise);
    assert_eq!(
        judge(&rounds(noise, 0.004, 20)).verdict,
        Verdict::WithinNoise
    );
}
