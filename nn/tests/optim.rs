//! Optimisers against their formulas written down step by step in f64.

use lepton_autograd::{Grads, Param, Tensor};
use lepton_nn::{Adam, Optimizer, Params, Sgd};
use proptest::prelude::*;

fn param(values: &[f64]) -> Param {
    Param::new(Tensor::from_slice(values, &[values.len()]).unwrap())
}

/// Runs `optimizer` on one parameter over `gradients`.
fn run(mut optimizer: impl Optimizer, start: &[f64], gradients: &[Vec<f64>]) -> Vec<f64> {
    let mut p = param(start);
    for g in gradients {
        let mut grads = Grads::new();
        grads.insert(p.id(), Tensor::from_slice(g, &[g.len()]).unwrap());
        optimizer.step(&mut p, &mut grads).unwrap();
    }
    p.tensor().to_f64()
}

fn close(a: &[f64], b: &[f64]) {
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-12 + 1e-10 * b.abs(), "{a} and {b}");
    }
}

/// Starts and gradients of one length, which is not that of a vector.
fn cases() -> impl Strategy<Value = (Vec<f64>, Vec<Vec<f64>>)> {
    let numbers = |n| proptest::collection::vec(-2.0..2.0f64, n);
    (1usize..20).prop_flat_map(move |n| (numbers(n), proptest::collection::vec(numbers(n), 1..6)))
}

proptest! {
    #[test]
    fn sgd_follows_its_velocity((start, gradients) in cases(), nesterov: bool) {
        let (rate, momentum, decay) = (0.1, 0.9, 0.01);
        let mut want = start.clone();
        let mut v = vec![0.0; start.len()];
        for g in &gradients {
            for i in 0..want.len() {
                let slope = g[i] + decay * want[i];
                v[i] = momentum * v[i] + slope;
                want[i] -= rate * if nesterov { slope + momentum * v[i] } else { v[i] };
            }
        }
        let sgd = Sgd::new(rate).unwrap().momentum(momentum).weight_decay(decay);
        let sgd = if nesterov { sgd.nesterov() } else { sgd };
        close(&run(sgd, &start, &gradients), &want);
    }

    #[test]
    fn adam_follows_its_moments((start, gradients) in cases(), decoupled: bool) {
        let (rate, b1, b2, eps, decay) = (0.01, 0.9, 0.999, 1e-8, 0.1);
        let mut want = start.clone();
        let (mut m, mut v) = (vec![0.0; start.len()], vec![0.0; start.len()]);
        for (t, g) in gradients.iter().enumerate() {
            let t = t as i32 + 1;
            for i in 0..want.len() {
                let slope = if decoupled { g[i] } else { g[i] + decay * want[i] };
                if decoupled {
                    want[i] -= rate * decay * want[i];
                }
                m[i] = b1 * m[i] + (1.0 - b1) * slope;
                v[i] = b2 * v[i] + (1.0 - b2) * slope * slope;
                let (mean, square) = (m[i] / (1.0 - b1.powi(t)), v[i] / (1.0 - b2.powi(t)));
                want[i] -= rate * mean / (square.sqrt() + eps);
            }
        }
        let adam = Adam::new(rate).unwrap();
        let adam = if decoupled { adam.decoupled(decay) } else { adam.weight_decay(decay) };
        close(&run(adam, &start, &gradients), &want);
    }
}

#[test]
fn silence_that_would_ruin_a_run_is_an_error() {
    assert!(Adam::new(f64::NAN).is_err() && Sgd::new(-1.0).is_err());
    let mut p = param(&[1.0]);
    let e = Sgd::new(0.1)
        .unwrap()
        .step(&mut p, &mut Grads::new())
        .unwrap_err();
    assert!(
        e.to_string()
            .contains("no parameter of this module has a gradient"),
        "{e}"
    );
    let mut grads = Grads::new();
    grads.insert(p.id(), Tensor::scalar(f64::NAN).reshape(&[1]).unwrap());
    let e = Sgd::new(0.1).unwrap().step(&mut p, &mut grads).unwrap_err();
    assert!(e.to_string().contains("is not finite"), "{e}");
    assert_eq!(p.tensor().to_f64(), [1.0]);
    assert_eq!(p.num_params(), 1);
}
