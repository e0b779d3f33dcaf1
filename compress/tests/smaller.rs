//! Properties of distillation and of pruning.

use lepton_autograd::{DType, GradcheckOptions, Tensor, Var, gradcheck, vjp};
use lepton_compress::{
    Distillation, Masks, Report, Size, keep_neurons, neuron_scores, prune_neurons,
};
use lepton_nn::{Adam, Mlp, Module, Params, Program, Rng, Trainer, cross_entropy};
use proptest::prelude::*;

fn rows(rng: &mut Rng, n: usize, k: usize) -> Tensor {
    Tensor::build(&[n, k], |out: &mut [f32]| {
        out.iter_mut().for_each(|x| *x = rng.normal() as f32)
    })
}

fn normal(rng: &mut Rng, n: usize, k: usize) -> Var {
    Tensor::build(&[n, k], |out: &mut [f64]| {
        out.iter_mut().for_each(|x| *x = 2.0 * rng.normal())
    })
    .into()
}

fn zeros(net: &Mlp, layer: usize) -> usize {
    let w = net.layers[layer].weight.var().tensor().to_f64();
    w.into_iter().filter(|w| *w == 0.0).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_loss_of_distillation_has_its_numeric_gradient(
        seed: u64, t in 0.5f64..8.0, alpha in 0.0f64..=1.0, labelled: bool,
    ) {
        let mut rng = Rng::new(seed);
        let (student, teacher) = (normal(&mut rng, 4, 3), normal(&mut rng, 4, 3));
        let labels = Var::new(&[0i64, 2, 1, 2], &[4]);
        let way = Distillation::new(t, alpha).unwrap();
        let labels = labelled.then_some(&labels);
        let options = GradcheckOptions { order: 2, ..GradcheckOptions::default() };
        gradcheck(|x| vec![way.loss(&x[0], &teacher, labels)], std::slice::from_ref(&student), options).unwrap();
        // A student that answers as the teacher has nothing to learn from it.
        let same = Distillation::new(t, 1.0).unwrap().loss(&teacher, &teacher, None);
        prop_assert!(same.item().unwrap().abs() < 1e-12);
        prop_assert!(way.loss(&student, &teacher, None).item().unwrap() > 0.0);
        let leaf = Var::leaf(teacher.tensor().clone());
        let loss = way.loss(&student, &leaf, None);
        let none = vjp(std::slice::from_ref(&loss), &[loss.ones_like()], &[leaf]).unwrap();
        prop_assert!(none[0].tensor().to_f64().iter().all(|g| *g == 0.0), "the teacher is taught");
    }

    #[test]
    fn masks_take_the_smallest_and_as_many_as_said(
        seed: u64, amount in 0.0f64..=1.0, hidden in 1usize..30,
    ) {
        let mut net = Mlp::new(&[5, hidden, 3], &mut Rng::new(seed));
        let want = |n: usize| (amount * n as f64).round_ties_even() as usize;
        let masks = Masks::by_layer(&net, amount).unwrap();
        let dense: Vec<f64> = net.layers[0].weight.var().tensor().to_f64();
        masks.apply(&mut net).unwrap();
        prop_assert_eq!([zeros(&net, 0), zeros(&net, 1)], [want(5 * hidden), want(3 * hidden)]);
        let left = net.layers[0].weight.var().tensor().to_f64();
        let gone = dense.iter().zip(&left).filter(|(_, l)| **l == 0.0).map(|(d, _)| d.abs()).fold(0.0, f64::max);
        let kept = left.iter().filter(|l| **l != 0.0).map(|l| l.abs()).fold(f64::MAX, f64::min);
        prop_assert!(gone <= kept);
        let mut net = Mlp::new(&[5, hidden, 3], &mut Rng::new(seed));
        Masks::global(&net, amount).unwrap().apply(&mut net).unwrap();
        prop_assert_eq!(zeros(&net, 0) + zeros(&net, 1), want(8 * hidden));
        let twice = masks.further_by_layer(&net, amount).unwrap();
        let left = |n: usize| n - (amount * n as f64).round_ties_even() as usize;
        let counts: Vec<usize> = twice.counts().iter().map(|c| c.1).collect();
        prop_assert_eq!(counts, [left(left(5 * hidden)), left(left(3 * hidden))]);
    }

    #[test]
    fn neurons_taken_out_are_neurons_set_to_zero(seed: u64, amount in 0.0f64..=1.0) {
        let mut rng = Rng::new(seed);
        let net = Mlp::new(&[4, 13, 9, 3], &mut rng);
        let small = prune_neurons(&net, amount).unwrap();
        let mut zeroed = net.clone();
        for layer in 0..2 {
            let n = net.sizes()[layer + 1];
            let gone = ((amount * n as f64).round_ties_even() as usize).min(n - 1);
            prop_assert_eq!(small.sizes()[layer + 1], n - gone);
            let scores = neuron_scores(&net, layer).unwrap();
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
            silence(&mut zeroed, layer, &order[..gone]);
        }
        let x = Var::from(rows(&mut rng, 20, 4));
        let (a, b) = (small.forward(&x), zeroed.forward(&x));
        let far = (a - b).abs().amax(&[]).item().unwrap();
        prop_assert!(far < 1e-5, "{far}");
    }
}

/// Sets rows of a layer, and their biases, to zero.
fn silence(net: &mut Mlp, layer: usize, rows: &[usize]) {
    let linear = &mut net.layers[layer];
    let (lepton_nn::Weight::Dense(w), Some(b)) = (&mut linear.weight, &mut linear.bias) else {
        panic!("dense with a bias");
    };
    let k = w.tensor().shape()[1];
    for &j in rows {
        w.tensor_mut().make_mut::<f32>()[j * k..(j + 1) * k].fill(0.0);
        b.tensor_mut().make_mut::<f32>()[j] = 0.0;
    }
}

#[test]
fn masks_hold_through_fine_tuning() {
    let mut rng = Rng::new(4);
    let mut net = Mlp::new(&[6, 20, 2], &mut rng);
    let x = rows(&mut rng, 64, 6);
    let y = Tensor::from_vec(
        x.to_f64()
            .chunks(6)
            .map(|r| i64::from(r[0] > r[1]))
            .collect(),
        &[64],
    )
    .unwrap();
    let masks = Masks::by_layer(&net, 0.7).unwrap();
    masks.apply(&mut net).unwrap();
    let sparsity = masks.sparsity();
    assert_eq!(masks.counts().iter().map(|c| c.1).sum::<usize>(), 48);
    let trainer = Trainer {
        epochs: 100,
        batch: 16,
        seed: 1,
    };
    let mut adam = masks.keep(Adam::new(0.02).unwrap().decoupled(0.01));
    let history = trainer
        .fit(&mut net, &mut adam, (&x, &y), None, cross_entropy, &mut ())
        .unwrap();
    assert_eq!(zeros(&net, 0) + zeros(&net, 1), 112);
    assert_eq!(sparsity, 0.7);
    assert!(history.epochs[99].loss < 0.5 * history.epochs[0].loss);
}

#[test]
fn masks_of_another_module_are_refused() {
    let (a, mut b) = (
        Mlp::new(&[3, 4, 2], &mut Rng::new(0)),
        Mlp::new(&[3, 5, 2], &mut Rng::new(0)),
    );
    let said = Masks::by_layer(&a, 0.5)
        .unwrap()
        .apply(&mut b)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("layers.0.weight") && said.contains("[4, 3]"),
        "{said}"
    );
    assert_eq!(zeros(&b, 0), 0);
    assert!(Masks::by_layer(&a, 1.5).is_err() && prune_neurons(&a, -0.1).is_err());
    assert!(keep_neurons(&a, 0, &[]).is_err() && keep_neurons(&a, 0, &[4]).is_err());
    assert!(keep_neurons(&a, 1, &[0]).is_err());
}

#[test]
fn a_student_learns_what_its_teacher_knows() {
    let mut rng = Rng::new(9);
    let teacher = Mlp::new(&[4, 50, 3], &mut rng);
    let x = rows(&mut rng, 300, 4);
    let answers = teacher.forward(&Var::from(x.clone())).argmax(-1);
    let before = teacher.state();
    for labels in [None, Some(answers.tensor())] {
        let mut student = Mlp::new(&[4, 8, 3], &mut Rng::new(1));
        let way = Distillation::new(3.0, 0.7).unwrap();
        let trainer = Trainer {
            epochs: 60,
            batch: 50,
            seed: 2,
        };
        let mut adam = Adam::new(0.02).unwrap();
        way.fit(
            &teacher,
            &mut student,
            &mut adam,
            &x,
            labels,
            &trainer,
            &mut (),
        )
        .unwrap();
        let said = student.forward(&Var::from(x.clone())).argmax(-1);
        let same = said
            .eq(&answers)
            .to_dtype(DType::F64)
            .mean(&[])
            .item()
            .unwrap();
        assert!(same > 0.9, "{same}");
    }
    let same = |(a, b): (&Tensor, &Tensor)| a.to_f64() == b.to_f64();
    assert!(
        before.values().zip(teacher.state().values()).all(same),
        "the teacher moved"
    );
    let wrong = Tensor::from_vec(vec![3i64; 300], &[300]).unwrap();
    let way = Distillation::new(1.0, 0.5).unwrap();
    let (mut student, mut adam) = (Mlp::new(&[4, 3], &mut rng), Adam::new(0.1).unwrap());
    let trainer = Trainer {
        epochs: 1,
        batch: 50,
        seed: 2,
    };
    let said = way.fit(
        &teacher,
        &mut student,
        &mut adam,
        &x,
        Some(&wrong),
        &trainer,
        &mut (),
    );
    assert!(said.unwrap_err().to_string().contains("row 0"));
}

#[test]
fn the_report_counts_bytes_and_zeros() {
    let net = Mlp::new(&[10, 8, 2], &mut Rng::new(0));
    let small = prune_neurons(&net, 0.5).unwrap();
    let of = |net: &Mlp| Program::trace(net, &[1, 10], DType::F32).unwrap();
    let report = Report::new(&of(&net), &of(&small));
    let paths: Vec<&str> = report.layers.iter().map(|l| l.0.as_str()).collect();
    assert_eq!(paths, ["layers.0", "layers.1"]);
    assert_eq!(
        (report.before().bytes, report.after().bytes),
        (4 * 106, 4 * 54)
    );
    assert_eq!(report.before(), Size::of_module(&net));
    assert!(
        report
            .to_string()
            .lines()
            .last()
            .unwrap()
            .contains("50.9 %")
    );
    let mut sparse = net.clone();
    Masks::by_layer(&net, 0.5)
        .unwrap()
        .apply(&mut sparse)
        .unwrap();
    let size = Size::of_module(&sparse);
    assert_eq!((size.params, size.bytes, size.nonzero), (106, 424, 58));
}
