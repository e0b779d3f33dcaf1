//! Neurons are scored by what they contribute, and what goes leaves its mean behind.

use lepton_autograd::{Param, Tensor, Var};
use lepton_compress::{
    Distillation, Masks, keep_neurons, neuron_scores, neuron_scores_on, prune_neurons,
    prune_neurons_on,
};
use lepton_nn::{Adam, Linear, Mlp, Module, Rng, Trainer, Weight};
use proptest::prelude::*;

fn rows(rng: &mut Rng, n: usize, k: usize) -> Tensor {
    Tensor::build(&[n, k], |out: &mut [f32]| {
        out.iter_mut().for_each(|x| *x = rng.normal() as f32)
    })
}

/// Sets the weights and the bias of neuron `j` of a layer.
fn set(layer: &mut Linear, j: usize, weight: f32, bias: f32) {
    let (Weight::Dense(w), Some(b)) = (&mut layer.weight, &mut layer.bias) else {
        panic!("dense with a bias");
    };
    let k = w.tensor().shape()[1];
    w.tensor_mut().make_mut::<f32>()[j * k..(j + 1) * k].fill(weight);
    b.tensor_mut().make_mut::<f32>()[j] = bias;
}

fn furthest(a: &Mlp, b: &Mlp, x: &Tensor) -> f64 {
    let x = Var::from(x.clone());
    let far = (a.forward(&x) - b.forward(&x)).abs();
    far.tensor().to_f64().into_iter().fold(0.0, f64::max)
}

fn lowest(scores: &[f64]) -> usize {
    (0..scores.len())
        .min_by(|&a, &b| scores[a].total_cmp(&scores[b]))
        .unwrap()
}

#[test]
fn a_neuron_that_is_never_active_goes_first_however_large_its_weights() {
    let mut rng = Rng::new(3);
    for never in [0, 4, 9] {
        let mut net = Mlp::new(&[6, 10, 2], &mut rng);
        set(&mut net.layers[0], never, 5.0, -1000.0);
        let x = rows(&mut rng, 200, 6);
        for scores in [neuron_scores_on(&net, 0, &x), neuron_scores(&net, 0)] {
            let scores = scores.unwrap();
            assert_eq!((lowest(&scores), scores[never]), (never, 0.0), "{scores:?}");
        }
        let pruned = prune_neurons_on(&net, &x, 0.1).unwrap();
        assert!(!pruned.layers[0].neurons[never].kept);
        assert!(furthest(&net, &pruned.net, &x) < 1e-6);
        assert!(furthest(&net, &prune_neurons(&net, 0.1).unwrap(), &x) < 1e-6);
    }
}

#[test]
fn a_constant_neuron_goes_without_moving_an_answer() {
    for bias in [true, false] {
        let mut rng = Rng::new(8);
        let mut net = Mlp::new(&[4, 7, 5, 3], &mut rng);
        if !bias {
            for layer in &mut net.layers[1..] {
                layer.bias = None;
            }
        }
        set(&mut net.layers[0], 2, 0.0, 3.0);
        let x = rows(&mut rng, 100, 4);
        let one = 1.0 / 7.0;
        let pruned = prune_neurons_on(&net, &x, one).unwrap();
        assert_eq!(pruned.net.sizes(), [4, 6, 4, 3]);
        let neuron = pruned.layers[0].neurons[2];
        assert_eq!(
            (neuron.mean, neuron.deviation, neuron.score, neuron.kept),
            (3.0, 0.0, 0.0, false)
        );
        // The second layer loses one that does contribute, so the first is looked at alone.
        let kept: Vec<usize> = (0..7).filter(|j| *j != 2).collect();
        let mut alone = Mlp {
            layers: net.layers[..2].to_vec(),
        };
        alone.layers[1] = net.layers[1].clone();
        let folded = prune_neurons_on(&alone, &x, one).unwrap().net;
        assert!(furthest(&alone, &folded, &x) < 1e-5);
        assert!(furthest(&alone, &prune_neurons(&alone, one).unwrap(), &x) < 1e-5);
        // Without its mean the answers would move by far.
        assert!(furthest(&alone, &keep_neurons(&alone, 0, &kept).unwrap(), &x) > 0.1);
    }
}

#[test]
fn the_result_says_what_was_measured() {
    let mut rng = Rng::new(5);
    let net = Mlp::new(&[3, 8, 6, 2], &mut rng);
    let x = rows(&mut rng, 50, 3);
    let pruned = prune_neurons_on(&net, &x, 0.5).unwrap();
    let text = pruned.to_string();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(
        text.starts_with("layer 0: 4 of 8 neurons stay, measured on 50 rows; those"),
        "{text}"
    );
    assert!(text.contains("layer 1: 3 of 6 neurons stay"), "{text}");
    let first = &pruned.layers[0].neurons;
    let scores: Vec<f64> = first.iter().map(|n| n.score).collect();
    assert_eq!(neuron_scores_on(&net, 0, &x).unwrap(), scores);
    let gone = first
        .iter()
        .filter(|n| !n.kept)
        .map(|n| n.score)
        .fold(0.0, f64::max);
    let kept = first
        .iter()
        .filter(|n| n.kept)
        .map(|n| n.score)
        .fold(f64::MAX, f64::min);
    assert!(gone <= kept);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    // A score is by how much, in the mean square, the next layer's sums move without the neuron.
    #[test]
    fn a_score_is_what_the_answers_lose(seed: u64, gone in 0usize..6) {
        let mut rng = Rng::new(seed);
        let net = Mlp::new(&[4, 6, 3], &mut rng);
        let x = rows(&mut rng, 300, 4);
        let score = neuron_scores_on(&net, 0, &x).unwrap()[gone];
        let hidden = net.layers[0].forward_relu(&Var::from(x.clone())).tensor().to_f64();
        let mean = hidden.iter().skip(gone).step_by(6).sum::<f64>() / 300.0;
        let w = net.layers[1].weight.var().tensor().to_f64();
        let moved = |h: f64| (0..3).map(|i| ((h - mean) * w[6 * i + gone]).powi(2)).sum::<f64>();
        let lost = hidden.iter().skip(gone).step_by(6).map(|&h| moved(h)).sum::<f64>() / 300.0;
        prop_assert!((score - lost.sqrt()).abs() < 1e-9 + 1e-6 * score, "{score} and {}", lost.sqrt());
    }

    // What is expected of standardised inputs is what is measured on them.
    #[test]
    fn expected_scores_are_those_of_standardised_rows(seed: u64) {
        let mut rng = Rng::new(seed);
        let net = Mlp::new(&[5, 8, 2], &mut rng);
        let x = rows(&mut rng, 20_000, 5);
        let (a, b) = (neuron_scores(&net, 0).unwrap(), neuron_scores_on(&net, 0, &x).unwrap());
        for (a, b) in a.iter().zip(&b) {
            prop_assert!((a - b).abs() < 0.1 * b.max(0.02), "{a} and {b}");
        }
    }
}

#[test]
fn what_cannot_be_pruned_is_refused_with_a_sentence() {
    let mut rng = Rng::new(0);
    let (flat, net) = (Mlp::new(&[3, 2], &mut rng), Mlp::new(&[3, 4, 2], &mut rng));
    let x = rows(&mut rng, 5, 3);
    let shares = [1.5, -0.1, f64::NAN, f64::INFINITY];
    for share in shares {
        for net in [&flat, &net] {
            let said = prune_neurons(net, share).unwrap_err().to_string();
            assert!(said.contains("a share from 0 to 1"), "{said}");
            assert!(prune_neurons_on(net, &x, share).is_err());
            assert!(Masks::by_layer(net, share).is_err() && Masks::global(net, share).is_err());
        }
        // A module without weights has no excuse either.
        let none = Mlp { layers: Vec::new() };
        assert!(Masks::by_layer(&none, share).is_err() && Masks::global(&none, share).is_err());
    }
    assert_eq!(prune_neurons(&flat, 0.5).unwrap().sizes(), [3, 2]);
    assert_eq!(Masks::default().sparsity(), 0.0);
    let none = Mlp { layers: Vec::new() };
    assert!(prune_neurons(&none, 0.5).is_err() && neuron_scores(&none, 0).is_err());
    let said = keep_neurons(&net, 0, &[1, 1]).unwrap_err().to_string();
    assert!(said.contains("kept twice"), "{said}");
    assert!(keep_neurons(&net, 0, &[3, 0, 3]).is_err());
    assert_eq!(keep_neurons(&net, 0, &[3, 0]).unwrap().sizes(), [3, 2, 2]);
    // Rows that are none, of another width, of another kind, or not finite.
    let nan = Tensor::from_slice(&[1.0f32, f32::NAN, 0.0], &[1, 3]).unwrap();
    for rows in [
        Tensor::from_vec(Vec::<f32>::new(), &[0, 3]).unwrap(),
        rows(&mut rng, 5, 4),
        Tensor::from_slice(&[1i64, 2, 3], &[1, 3]).unwrap(),
        Tensor::from_slice(&[1.0f32, 2.0, 3.0], &[3]).unwrap(),
        nan,
    ] {
        assert!(prune_neurons_on(&net, &rows, 0.5).is_err());
        assert!(neuron_scores_on(&net, 0, &rows).is_err());
    }
    let mut broken = net.clone();
    set(&mut broken.layers[0], 1, f32::NAN, 0.0);
    assert!(prune_neurons(&broken, 0.5).is_err() && prune_neurons_on(&broken, &x, 0.5).is_err());
    assert!(Masks::by_layer(&broken, 0.5).is_err() && Masks::global(&broken, 0.5).is_err());
    let mut broken = net.clone();
    set(&mut broken.layers[0], 1, 1.0, f32::NAN);
    assert!(prune_neurons(&broken, 0.5).is_err() && prune_neurons_on(&broken, &x, 0.5).is_err());
    let mut misfit = net.clone();
    misfit.layers[1] = Linear::new(5, 2, &mut rng);
    assert!(prune_neurons(&misfit, 0.5).is_err() && prune_neurons_on(&misfit, &x, 0.5).is_err());
    let mut misfit = net.clone();
    misfit.layers[0].bias = Some(Param::new(Tensor::from_slice(&[0.0f32], &[1]).unwrap()));
    assert!(prune_neurons(&misfit, 0.5).is_err());
}

#[test]
fn a_student_of_other_classes_or_of_no_answers_is_refused() {
    let mut rng = Rng::new(1);
    let x = rows(&mut rng, 10, 3);
    let trainer = Trainer {
        epochs: 1,
        batch: 5,
        seed: 0,
    };
    let fit = |teacher: &Mlp, classes: usize, x: &Tensor| {
        let mut student = Mlp::new(&[3, classes], &mut Rng::new(0));
        let way = Distillation::new(2.0, 1.0).unwrap();
        let mut adam = Adam::new(0.1).unwrap();
        let done = way.fit(teacher, &mut student, &mut adam, x, None, &trainer, &mut ());
        done.map_err(|e| e.to_string())
    };
    let mut teacher = Mlp::new(&[3, 4], &mut rng);
    assert!(fit(&teacher, 4, &x).is_ok());
    assert!(fit(&teacher, 5, &x).unwrap_err().contains("[1, 4]"));
    let none = Tensor::from_vec(Vec::<f32>::new(), &[0, 3]).unwrap();
    assert!(fit(&teacher, 4, &none).unwrap_err().contains("no rows"));
    set(&mut teacher.layers[0], 1, f32::NAN, 0.0);
    assert!(fit(&teacher, 4, &x).unwrap_err().contains("row 0"));
}
