//! What must hold of any accountant, whatever the numbers.

use lepton_federated::accountant::{Accountant, Mechanism, PldAccountant, RdpAccountant};
use proptest::prelude::*;

fn cost<A: Accountant>(mut accountant: A, q: f64, sigma: f64, steps: u64, delta: f64) -> f64 {
    accountant.step(q, sigma, steps).unwrap();
    accountant.epsilon(delta).unwrap()
}

fn rdp(q: f64, sigma: f64, steps: u64, delta: f64) -> f64 {
    cost(RdpAccountant::new(), q, sigma, steps, delta)
}

fn pld(q: f64, sigma: f64, steps: u64, delta: f64) -> f64 {
    cost(PldAccountant::new(), q, sigma, steps, delta)
}

/// Both accountants grow with steps and rate, and fall with noise and delta.
fn check_monotone(
    epsilon: fn(f64, f64, u64, f64) -> f64,
    (q, sigma, steps, ln_delta): (f64, f64, u64, f64),
    room: f64,
) {
    let delta = ln_delta.exp();
    let here = epsilon(q, sigma, steps, delta);
    assert!(here >= 0.0 && here.is_finite(), "{here}");
    let more = here * (1.0 - room) - 1e-9;
    let less = here * (1.0 + room) + 1e-9;
    assert!(
        epsilon(q, sigma, steps + steps / 4 + 1, delta) >= more,
        "steps"
    );
    assert!(
        epsilon((1.2 * q).min(1.0), sigma, steps, delta) >= more,
        "sampling rate"
    );
    assert!(epsilon(q, 1.2 * sigma, steps, delta) <= less, "noise");
    assert!(
        epsilon(q, sigma, steps, (2.0 * delta).min(0.5)) <= less,
        "delta"
    );
}

/// Rate, noise, steps and the logarithm of delta.
fn runs() -> impl Strategy<Value = (f64, f64, u64, f64)> {
    (1e-4..1.0f64, 0.5..8.0f64, 1u64..2000, -25.0..-3.0f64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn renyi_is_monotone(run in runs()) {
        check_monotone(rdp, run, 1e-6);
    }

    #[test]
    fn loss_distributions_are_monotone(run in runs()) {
        check_monotone(pld, run, 1e-3);
    }

    #[test]
    fn the_finer_accountant_is_never_above_the_coarser((q, sigma, steps, ln_delta) in runs()) {
        let delta = ln_delta.exp();
        let (fine, coarse) = (pld(q, sigma, steps, delta), rdp(q, sigma, steps, delta));
        prop_assert!(fine <= 1.001 * coarse + 1e-6, "{fine} {coarse}");
    }

    /// The composed Gaussian has a closed form (Balle, Wang 2018): no bound may lie below it.
    #[test]
    fn plain_gaussians_cost_what_they_must(sigma in 0.7..40.0f64, steps in 1u64..300, ln_delta in -20.0..-4.0f64) {
        let (delta, mu) = (ln_delta.exp(), (steps as f64).sqrt() / sigma);
        prop_assume!(mu < 20.0);
        let (fine, coarse) = (pld(1.0, sigma, steps, delta), rdp(1.0, sigma, steps, delta));
        let spent = |epsilon: f64| gaussian_delta(mu, epsilon);
        prop_assert!(fine == 0.0 || spent(fine) <= delta * (1.0 + 1e-7), "{} {delta}", spent(fine));
        prop_assert!(coarse == 0.0 || spent(coarse) <= delta * (1.0 + 1e-7));
        // And the fine one is tight: a little less epsilon would not do.
        prop_assert!(fine < 1e-3 || spent(fine * (1.0 - 3e-4)) > delta, "epsilon {fine}");
    }

    #[test]
    fn the_order_of_steps_does_not_matter(a in runs(), b in runs()) {
        let delta = 1e-5;
        let cost = |steps: [(f64, f64, u64, f64); 2]| {
            let (mut fine, mut coarse) = (PldAccountant::new(), RdpAccountant::new());
            for (q, sigma, n, _) in steps {
                fine.step(q, sigma, n).unwrap();
                coarse.step(q, sigma, n).unwrap();
            }
            (fine.epsilon(delta).unwrap(), coarse.epsilon(delta).unwrap())
        };
        let (one, other) = (cost([a, b]), cost([b, a]));
        prop_assert!((one.0 - other.0).abs() <= 1e-6 * one.0, "{} {}", one.0, other.0);
        prop_assert!((one.1 - other.1).abs() <= 1e-9 * one.1);
        prop_assert!(one.0 >= cost([a, (0.0, 1.0, 0, 0.0)]).0 * 0.999, "a further step never refunds");
    }
}

/// `delta` at `epsilon` of Gaussians whose means are `mu` deviations apart, by Simpson's rule: no
/// code in common with the accountants.
fn gaussian_delta(mu: f64, epsilon: f64) -> f64 {
    let from = epsilon / mu - 0.5 * mu; // the outcome, from P's mean, at which the loss is epsilon
    let width = 40.0 / (1.0 + from.max(0.0)).min(4.0);
    let n = 40_000;
    let h = width / f64::from(n);
    let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let gap = |i: i32| {
        let z = from + f64::from(i) * h;
        density(z) * -(epsilon - mu * z - 0.5 * mu * mu).min(0.0).exp_m1()
    };
    let inner: f64 = (1..n)
        .map(|i| gap(i) * if i % 2 == 1 { 4.0 } else { 2.0 })
        .sum();
    (gap(0) + inner + gap(n)) * h / 3.0
}

#[test]
fn nothing_done_costs_nothing() {
    assert_eq!(RdpAccountant::new().epsilon(1e-5).unwrap(), 0.0);
    assert_eq!(PldAccountant::new().epsilon(1e-5).unwrap(), 0.0);
    assert_eq!(pld(0.0, 1.0, 100, 1e-5), 0.0);
    assert_eq!(rdp(0.0, 1.0, 100, 1e-5), 0.0);
}

#[test]
fn arguments_that_no_analysis_covers_are_one_sentence() {
    let mut accountants: [Box<dyn Accountant>; 2] = [
        Box::new(RdpAccountant::new()),
        Box::new(PldAccountant::new()),
    ];
    for accountant in &mut accountants {
        for (q, sigma, word) in [
            (1.5, 1.0, "rate q is 1.5"),
            (-0.1, 1.0, "rate q is -0.1"),
            (f64::NAN, 1.0, "rate q is NaN"),
            (0.1, 0.0, "multiplier is 0"),
            (0.1, -1.0, "multiplier is -1"),
            (0.1, f64::NAN, "multiplier is NaN"),
            (0.1, f64::INFINITY, "multiplier is inf"),
        ] {
            let error = accountant.step(q, sigma, 1).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{error}");
        }
        for delta in [0.0, 1.0, 1.5, -1e-5, f64::NAN, f64::INFINITY] {
            let error = accountant.epsilon(delta).unwrap_err().to_string();
            assert!(error.contains("delta is"), "{error}");
        }
    }
}

#[test]
fn extremes_are_answered_in_time_and_never_below_zero() {
    for (q, sigma, steps) in [
        (1.0, 1e-3, 1),
        (0.5, 1e-2, 10),
        (1e-7, 0.3, 1_000_000),
        (0.9, 1e5, 1_000_000),
        (1e-3, 100.0, 1),
    ] {
        let (fine, coarse) = (pld(q, sigma, steps, 1e-6), rdp(q, sigma, steps, 1e-6));
        assert!(fine >= 0.0 && coarse >= 0.0, "{fine} {coarse}");
        assert!(
            fine <= coarse * 1.01 + 1e-3,
            "q {q}, sigma {sigma}, {steps} steps: {fine} {coarse}"
        );
    }
}

#[test]
fn steps_for_other_neighbours_are_not_added_up() {
    let mut spent = RdpAccountant::new();
    spent.step(0.1, 1.0, 1).unwrap();
    let error = spent
        .add(Mechanism::FixedSizeGaussian { q: 0.1, sigma: 1.0 }, 1)
        .unwrap_err();
    assert!(
        error.to_string().contains("different neighbours"),
        "{error}"
    );
}

#[test]
fn each_accountant_refuses_what_it_cannot_analyse() {
    let truncated = Mechanism::TruncatedGaussian {
        q: 0.1,
        sigma: 1.0,
        rows: 100,
        cap: 20,
    };
    assert!(
        RdpAccountant::new()
            .add(truncated, 1)
            .unwrap_err()
            .to_string()
            .contains("PldAccountant")
    );
    let fixed = Mechanism::FixedSizeGaussian { q: 0.1, sigma: 1.0 };
    assert!(
        PldAccountant::new()
            .add(fixed, 1)
            .unwrap_err()
            .to_string()
            .contains("RdpAccountant")
    );
    let huge = Mechanism::DiscreteGaussian {
        sigma: 1e12,
        sensitivity: 1,
    };
    assert!(
        PldAccountant::new()
            .add(huge, 1)
            .unwrap_err()
            .to_string()
            .contains("continuous")
    );
}
