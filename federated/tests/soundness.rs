//! No accountant ever says less than the truth, whatever the numbers: a small epsilon where there
//! is no privacy would be the worst fault of all.

use std::f64::consts::SQRT_2;

use lepton_federated::accountant::{
    Accountant, Mechanism, PldAccountant, RdpAccountant, noise_multiplier, noise_multiplier_after,
};
use lepton_tensor::special::{erfc, erfcx, lgamma};
use proptest::prelude::*;

fn pld(steps: &[(Mechanism, u64)], delta: f64) -> f64 {
    cost(PldAccountant::new(), steps, delta)
}

fn rdp(steps: &[(Mechanism, u64)], delta: f64) -> f64 {
    cost(RdpAccountant::new(), steps, delta)
}

fn cost<A: Accountant>(mut accountant: A, steps: &[(Mechanism, u64)], delta: f64) -> f64 {
    for &(mechanism, n) in steps {
        accountant.add(mechanism, n).unwrap();
    }
    let epsilon = accountant.epsilon(delta).unwrap();
    assert!(epsilon >= 0.0, "{steps:?} at {delta}: {epsilon}");
    epsilon
}

fn gaussian(q: f64, sigma: f64) -> Mechanism {
    Mechanism::SampledGaussian { q, sigma }
}

/// The logarithm of the divergence, at `epsilon`, of Gaussians `mu` deviations apart (Balle, Wang
/// 2018), written apart from the accountants.
fn ln_gaussian_delta(mu: f64, epsilon: f64) -> f64 {
    let (a, b) = (epsilon / mu - 0.5 * mu, epsilon / mu + 0.5 * mu);
    // Both terms share the factor e^{-a^2 / 2} / 2.
    let scaled = erfcx((a / SQRT_2).max(-26.0)) - erfcx(b / SQRT_2);
    scaled.ln() - 0.5 * a * a - 2f64.ln()
}

/// Epsilons that one release cannot lie below, by the mechanism's own definition.
fn least(mechanism: &Mechanism, delta: f64) -> f64 {
    let sampled = |q: f64, own: &dyn Fn(f64) -> f64| {
        if delta >= q {
            return 0.0;
        }
        let own = own(delta / q);
        if own > 500.0 {
            own + q.ln()
        } else {
            (q * own.exp_m1()).ln_1p()
        }
    };
    let normal = |sigma: f64, delta: f64| {
        let (mut low, mut high) = (0.0, 0.5 / sigma / sigma + 40.0 / sigma);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            let above = ln_gaussian_delta(1.0 / sigma, middle) > delta.ln();
            *(if above { &mut low } else { &mut high }) = middle;
        }
        low
    };
    let laplace = |top: f64, delta: f64| (top + 2.0 * (-delta).ln_1p()).max(0.0);
    match *mechanism {
        Mechanism::SampledGaussian { q, sigma } => sampled(q, &|delta| normal(sigma, delta)),
        Mechanism::Laplace { scale, sensitivity } => laplace(sensitivity / scale, delta),
        Mechanism::SampledLaplace {
            q,
            scale,
            sensitivity,
        } => sampled(q, &|delta| laplace(sensitivity / scale, delta)),
        // All outcomes from the shift on have the largest loss; they make out at least half.
        Mechanism::DiscreteLaplace { scale, sensitivity } => {
            (f64::from(sensitivity) / scale + (1.0 - 2.0 * delta).max(0.0).ln()).max(0.0)
        }
        Mechanism::SampledDiscreteLaplace {
            q,
            scale,
            sensitivity,
        } => sampled(q, &|delta| {
            (f64::from(sensitivity) / scale + (1.0 - 2.0 * delta).max(0.0).ln()).max(0.0)
        }),
        _ => 0.0,
    }
}

fn sizes() -> impl Strategy<Value = f64> {
    (-3.0..4.0f64).prop_map(|e| 10f64.powf(e))
}

fn counts() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(1u64),
        Just(u64::MAX),
        (0.0..18.0f64).prop_map(|e| 10f64.powf(e) as u64)
    ]
}

fn rates() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), (-9.0..0.0f64).prop_map(|e| 10f64.powf(e))]
}

fn deltas() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (-8.0..-2.0f64).prop_map(|e| 10f64.powf(e)),
        1 => (-300.0..-8.0f64).prop_map(|e| 10f64.powf(e)),
        1 => 0.01..0.999f64,
    ]
}

/// Mechanisms with noise.
fn noisy() -> impl Strategy<Value = Mechanism> {
    prop_oneof![
        2 => (rates(), sizes()).prop_map(|(q, sigma)| gaussian(q, sigma)),
        1 => sizes().prop_map(|sigma| gaussian(1.0, sigma)),
        1 => sizes().prop_map(|scale| Mechanism::Laplace { scale, sensitivity: 1.0 }),
        1 => (rates(), sizes())
            .prop_map(|(q, scale)| Mechanism::SampledLaplace { q, scale, sensitivity: 1.0 }),
        1 => (1e-3..300.0f64, 1u32..4)
            .prop_map(|(scale, sensitivity)| Mechanism::DiscreteLaplace { scale, sensitivity }),
        1 => (rates(), 1e-3..300.0f64, 1u32..4).prop_map(|(q, scale, sensitivity)| {
            Mechanism::SampledDiscreteLaplace { q, scale, sensitivity }
        }),
    ]
}

/// The chances that one outcome lies at or above a line: with the row, and without it.
fn beyond(mechanism: &Mechanism, line: f64) -> [f64; 2] {
    let mixed = |q: f64, with: f64, without: f64| [q * with + (1.0 - q) * without, without];
    match *mechanism {
        Mechanism::SampledGaussian { q, sigma } => {
            let above = |shift: f64| 0.5 * erfc((line - shift) / (SQRT_2 * sigma));
            mixed(q, above(1.0), above(0.0))
        }
        // From the shift on, every outcome has the largest loss.
        Mechanism::SampledLaplace {
            q,
            scale,
            sensitivity,
        } => mixed(q, 0.5, 0.5 * (-sensitivity / scale).exp()),
        Mechanism::SampledDiscreteLaplace {
            q,
            scale,
            sensitivity,
        } => {
            let half = 1.0 / (1.0 + (-1.0 / scale).exp());
            mixed(q, half, half * (-f64::from(sensitivity) / scale).exp())
        }
        _ => panic!("no line is known for {mechanism:?}"),
    }
}

/// The divergences, both ways, of how many of `n` outcomes lie at or above a line. To count is to
/// look at less than the outcomes say, so no epsilon may promise less than this.
fn counted(n: u64, [with, without]: [f64; 2], epsilon: f64) -> f64 {
    let ln_chance = |k: f64, p: f64| k * p.ln() + (n as f64 - k) * (-p).ln_1p();
    let (mut there, mut back) = (0.0, 0.0);
    for k in 0..=n {
        let k = k as f64;
        let ways = lgamma(n as f64 + 1.0) - lgamma(k + 1.0) - lgamma(n as f64 - k + 1.0);
        let (p, q) = (ways + ln_chance(k, with), ways + ln_chance(k, without));
        // Less what the logarithms of factorials may have rounded.
        let more = |a: f64, b: f64| (a.exp() * (1.0 - 1e-9) - (b + epsilon).exp()).max(0.0);
        there += more(p, q);
        back += more(q, p);
    }
    f64::max(there, back)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn counting_outcomes_never_tells_more_than_epsilon_says(
        q in rates(), size in sizes(), line in -1.0..3.0f64, steps in (0.0..4.5f64), delta in deltas(), kind in 0..3
    ) {
        let steps = 10f64.powf(steps) as u64;
        let mechanism = match kind {
            0 => gaussian(q, size),
            1 => Mechanism::SampledLaplace { q, scale: size, sensitivity: 1.0 },
            _ => Mechanism::SampledDiscreteLaplace { q, scale: size.min(300.0), sensitivity: 2 },
        };
        let chances = beyond(&mechanism, 0.5 + line * size.min(10.0));
        // With all their digits.
        prop_assume!(chances.iter().all(|&p| p > 1e-290 && p < 1.0));
        for epsilon in [pld(&[(mechanism, steps)], delta), rdp(&[(mechanism, steps)], delta)] {
            let told = counted(steps, chances, epsilon);
            prop_assert!(told <= delta * (1.0 + 1e-6), "{mechanism:?}, {steps} times: {told} at {epsilon}, not {delta}");
        }
    }

    #[test]
    fn plain_gaussians_never_cost_less_than_the_closed_form(
        sigma in sizes(), steps in counts(), delta in deltas()
    ) {
        let mu = (steps as f64).sqrt() / sigma;
        let steps = [(gaussian(1.0, sigma), steps)];
        for epsilon in [pld(&steps, delta), rdp(&steps, delta)] {
            // With few digits left of a, the closed form says little to compare with: deltas below
            // 0.999 lie less than four deviations below the middle.
            let blurred = mu > 1e6;
            if blurred {
                prop_assert!(epsilon >= mu * (0.5 * mu - 4.0) * (1.0 - 1e-12), "{epsilon}");
            } else if epsilon > 0.0 {
                prop_assert!(ln_gaussian_delta(mu, epsilon * (1.0 + 1e-9)) <= delta.ln() + 1e-6, "{epsilon}");
            } else {
                prop_assert!(ln_gaussian_delta(mu, 1e-12 * mu) <= delta.ln() + 1e-6);
            }
        }
    }

    #[test]
    fn a_run_never_costs_less_than_one_of_its_releases(
        mechanisms in prop::collection::vec((noisy(), counts()), 1..4), delta in deltas()
    ) {
        let floor = |m: &Mechanism| least(m, delta) * (1.0 - 1e-9) - 1e-12;
        // Gaussians, and others: they protect different neighbours.
        let (normal, other): (Vec<_>, Vec<_>) = mechanisms
            .into_iter()
            .partition(|m| matches!(m.0, Mechanism::SampledGaussian { .. }));
        for steps in [normal, other] {
            let (fine, coarse) = (pld(&steps, delta), rdp(&steps, delta));
            for (m, _) in &steps {
                prop_assert!(fine >= floor(m), "{m:?} at {delta}: {fine} below {}", floor(m));
                prop_assert!(coarse >= floor(m), "{m:?} at {delta}: {coarse} below {}", floor(m));
            }
        }
    }

    // Where a fine grid carries the answer. Beyond it, and by Renyi's divergences, an epsilon is a
    // bound, which may be looser for less; that it is one, the tests above say.
    #[test]
    fn more_of_anything_never_costs_less(
        q in (-3.0..0.0f64).prop_map(|e| 10f64.powf(e)),
        sigma in (-0.5..2.0f64).prop_map(|e| 10f64.powf(e)),
        steps in (0.0..5.0f64).prop_map(|e| 10f64.powf(e) as u64),
        delta in (-8.0..-2.0f64).prop_map(|e| 10f64.powf(e)),
        kind in 0..3,
    ) {
        let of = |q: f64, size: f64| match kind {
            0 => gaussian(q, size),
            1 => Mechanism::SampledLaplace { q, scale: size, sensitivity: 1.0 },
            _ => Mechanism::SampledDiscreteLaplace { q, scale: size.min(300.0), sensitivity: 2 },
        };
        let epsilon = |m: Mechanism, n: u64, delta: f64| pld(&[(m, n)], delta);
        let here = epsilon(of(q, sigma), steps, delta);
        // The grid moves with its arguments.
        let (more, less) = (here * (1.0 - 2e-3) - 1e-9, here * (1.0 + 2e-3) + 1e-9);
        prop_assert!(epsilon(of(q, sigma), steps + steps / 3 + 1, delta) >= more, "steps");
        prop_assert!(epsilon(of((1.3 * q).min(1.0), sigma), steps, delta) >= more, "rate");
        prop_assert!(epsilon(of(q, 1.3 * sigma), steps, delta) <= less, "noise");
        prop_assert!(epsilon(of(q, sigma), steps, 1.3 * delta) <= less, "delta");
        let both = [(of(q, sigma), steps), (of(q, 2.0 * sigma), 1)];
        prop_assert!(pld(&both, delta) >= more, "a further release");
        prop_assert!(rdp(&both, delta) >= more, "Renyi's bound on both");
    }
}

#[test]
fn large_losses_have_their_values() {
    let delta = 1e-5;
    let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-4, "{got}, not {want}");
    near(pld(&[(gaussian(1.0, 0.02), 1)], delta), 1462.285);
    // A slow run before it adds its own little, and takes nothing away.
    let mixed = pld(
        &[(gaussian(1.0, 100.0), 10), (gaussian(1.0, 0.02), 1)],
        delta,
    );
    assert!((1462.285..1463.0).contains(&mixed), "{mixed}");
    let laplace = |scale| Mechanism::Laplace {
        scale,
        sensitivity: 1.0,
    };
    near(pld(&[(laplace(0.0013), 1)], delta), 769.230_75);
    near(pld(&[(laplace(0.0013), 2)], delta), 2.0 * 769.230_75);
    let long = pld(&[(gaussian(1.0, 1.0), 10u64.pow(16))], delta);
    near(long, 0.5e16);
    // The least loss is as far from zero as the largest.
    let sampled = pld(&[(gaussian(0.5, 0.02), 3)], delta);
    assert!(sampled > 3.0 * 1000.0, "{sampled}");
}

#[test]
fn sampling_counts_for_every_noise() {
    let (q, delta) = (0.01, 1e-5);
    let laplace = Mechanism::SampledLaplace {
        q,
        scale: 0.5,
        sensitivity: 1.0,
    };
    let discrete = Mechanism::SampledDiscreteLaplace {
        q,
        scale: 0.5,
        sensitivity: 1,
    };
    let normal = Mechanism::SampledDiscreteGaussian {
        q,
        sigma: 5.0,
        sensitivity: 5,
    };
    let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 2e-3, "{got}, not {want}");
    near(pld(&[(laplace, 1)], delta), 0.0618);
    near(pld(&[(discrete, 1)], delta), 0.0619);
    // Fine integer noise is nearly the continuous one.
    near(
        pld(&[(normal, 1000)], delta),
        pld(&[(gaussian(q, 1.0), 1000)], delta),
    );
    for mechanism in [laplace, discrete, normal] {
        let (fine, coarse) = (
            pld(&[(mechanism, 1000)], delta),
            rdp(&[(mechanism, 1000)], delta),
        );
        assert!(
            fine <= coarse && coarse < 1.6 * fine,
            "{mechanism:?}: {fine} {coarse}"
        );
    }
    // At a rate of 1 nothing is sampled.
    let all = Mechanism::SampledLaplace {
        q: 1.0,
        scale: 0.7,
        sensitivity: 1.0,
    };
    let plain = Mechanism::Laplace {
        scale: 0.7,
        sensitivity: 1.0,
    };
    assert_eq!(pld(&[(all, 7)], delta), pld(&[(plain, 7)], delta));
}

/// The composition of a few sampled Laplace releases on a grid of outcomes, with no code in common.
#[test]
fn composed_sampled_laplace_agrees_with_summing_its_losses() {
    let (q, delta) = (0.2, 1e-3);
    // Losses of discrete noise take few values: all triples of them are summed.
    let mechanism = Mechanism::SampledDiscreteLaplace {
        q,
        scale: 1.5,
        sensitivity: 2,
    };
    let weight = |k: i64| (-(k.abs() as f64) / 1.5).exp();
    let total: f64 = (-200..=200).map(weight).sum();
    let outcomes: Vec<(f64, f64)> = (-60..=62)
        .map(|k| (weight(k) / total, weight(k - 2) / total))
        .map(|(q0, p0)| ((1.0 - q) * q0 + q * p0, q0))
        .collect();
    let one_way = |epsilon: f64, swap: bool| {
        let mut sum = 0.0;
        for a in &outcomes {
            for b in &outcomes {
                let (p, q) = (a.0 * b.0, a.1 * b.1);
                let (p, q) = if swap { (q, p) } else { (p, q) };
                sum += (p - epsilon.exp() * q).max(0.0);
            }
        }
        sum
    };
    let epsilon = pld(&[(mechanism, 2)], delta);
    let spent = |epsilon: f64| one_way(epsilon, false).max(one_way(epsilon, true));
    assert!(
        spent(epsilon) <= delta * (1.0 + 1e-9),
        "{epsilon} is a bound"
    );
    assert!(spent(epsilon * 0.995) > delta, "{epsilon} is tight");
}

#[test]
fn counts_do_not_run_over() {
    for accountant in [
        &mut PldAccountant::new() as &mut dyn Accountant,
        &mut RdpAccountant::new(),
    ] {
        accountant.step(0.1, 1.0, u64::MAX).unwrap();
        let error = accountant.step(0.1, 1.0, 1).unwrap_err().to_string();
        assert!(error.contains("beyond counting"), "{error}");
    }
}

/// What this thread has computed, in seconds: other work on the machine does not count.
fn cpu_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Every argument gets its answer or its sentence before anyone loses patience.
#[test]
fn every_question_is_answered_in_time() {
    let patience = 2.0; // a second where it is fully optimised
    let timed = |what: String, f: &mut dyn FnMut()| {
        let start = cpu_time();
        f();
        let took = cpu_time() - start;
        assert!(took < patience, "{what} took {took} s");
    };
    for q in [1e-9, 0.01, 0.1, 0.5, 1.0] {
        for sigma in [1e-4, 0.003, 1.0, 300.0, 1e7, 1e8, 1e9] {
            for steps in [1, 1000, u64::MAX] {
                for delta in [1e-300, 1e-5, 0.999] {
                    timed(
                        format!("q {q}, sigma {sigma}, {steps} steps, delta {delta}"),
                        &mut || {
                            let run = [(gaussian(q, sigma), steps)];
                            assert!(pld(&run, delta) <= 1.001 * rdp(&run, delta) + 1e-12);
                        },
                    );
                }
            }
        }
        for (target, delta, steps) in [
            (1e-4, 1e-5, 1000),
            (3.0, 1e-5, 100),
            (1000.0, 1e-5, 1),
            (1e9, 1e-300, 1),
            (1e-9, 0.999, u64::MAX),
            (0.5, 1e-6, 1_000_000),
            (2.0, 1e-8, u64::MAX),
        ] {
            timed(
                format!("epsilon {target}, delta {delta}, q {q}, {steps} steps"),
                &mut || {
                    let fresh = (RdpAccountant::new(), PldAccountant::new());
                    let coarse = noise_multiplier(target, delta, q, steps);
                    let fine = noise_multiplier_after(&fresh.1, target, delta, q, steps, 1e-3);
                    if let (Ok(coarse), Ok(fine)) = (coarse, fine) {
                        assert!(fine <= 1.002 * coarse + 1e-3, "{fine} {coarse}");
                        let run = [(gaussian(q, fine), steps)];
                        assert!(pld(&run, delta) <= target * (1.0 + 1e-9));
                    }
                },
            );
        }
    }
    let one = noise_multiplier_after(&PldAccountant::new(), 1000.0, 1e-5, 1.0, 1, 1e-5).unwrap();
    assert!((one - 0.0247).abs() < 3e-4, "{one}");
}
