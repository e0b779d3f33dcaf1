//! Masks by magnitude, and the distillation loss.

use lepton_autograd::{DType, Param, Var};
use lepton_compress::{Distillation, Masks};
use lepton_nn::module;
use lepton_tensor::Tensor;

use crate::file::{File, close, same};

#[derive(Debug)]
struct Weights {
    w: Vec<Param>,
}

module!(Weights { w });

fn weights(all: &[Tensor]) -> Weights {
    Weights {
        w: all.iter().cloned().map(Param::new).collect(),
    }
}

fn inputs(file: &File) -> Vec<Tensor> {
    ["w0", "w1", "w2"].map(|w| file.array("in", w)).to_vec()
}

/// An amount is a share when it has a decimal point, else a count of `n`.
fn share(amount: &str, n: usize) -> f64 {
    let value: f64 = amount.parse().unwrap();
    if amount.contains('.') {
        value
    } else {
        value / n as f64
    }
}

#[test]
fn masks_of_one_weight() {
    let file = File::open("pruning");
    for case in file.cases(&["l1_w"], "mask") {
        let (which, amount) = case.strip_prefix("l1_").unwrap().split_once('_').unwrap();
        let w = file.array("in", which);
        let share = share(amount, w.numel());
        let masks = Masks::by_layer(&weights(&[w]), share).unwrap();
        same(&case, masks.get("w.0").unwrap(), &file.array(&case, "mask"));
    }
}

#[test]
fn masks_of_all_weights_together() {
    let (file, mut cases) = (File::open("pruning"), 0);
    let net = weights(&inputs(&file));
    let all: usize = inputs(&file).iter().map(Tensor::numel).sum();
    for case in file.cases(&["global_l1_"], "mask0") {
        let amount = share(case.strip_prefix("global_l1_").unwrap(), all);
        let masks = Masks::global(&net, amount).unwrap();
        for i in 0..3 {
            let want = file.array(&case, &format!("mask{i}"));
            same(&case, masks.get(&format!("w.{i}")).unwrap(), &want);
            cases += 1;
        }
    }
    assert!(cases >= 3);
}

#[test]
fn masks_of_what_is_left() {
    let file = File::open("pruning");
    let net = weights(&inputs(&file));
    let mut masks = Masks::default();
    for step in 0..3 {
        masks = masks.further_global(&net, 0.2).unwrap();
        for i in 0..3 {
            let case = format!("iter20_step{step}");
            let want = file.array(&case, &format!("mask{i}"));
            same(&case, masks.get(&format!("w.{i}")).unwrap(), &want);
        }
    }
}

#[test]
fn of_equal_weights_the_first_go() {
    let file = File::open("pruning");
    let w = file.array("ties", "w").reshape(&[1, 12]).unwrap();
    let masks = Masks::by_layer(&weights(std::slice::from_ref(&w)), 0.5).unwrap();
    let mask = masks.get("w.0").unwrap().to_f64();
    let ones: Vec<usize> = (0..12).filter(|&i| w.to_f64()[i].abs() == 1.0).collect();
    assert_eq!(mask.iter().sum::<f64>(), 6.0);
    assert_eq!(
        ones.iter().map(|&i| mask[i]).collect::<Vec<_>>(),
        [0.0, 0.0, 1.0]
    );
    let halves = w
        .to_f64()
        .into_iter()
        .zip(&mask)
        .filter(|(w, _)| w.abs() == 0.5);
    assert!(halves.map(|(_, m)| m).all(|m| *m == 0.0));
}

#[test]
fn the_distillation_loss_and_its_gradient() {
    let file = File::open("kd");
    let teacher = Var::from(file.array("in", "teacher"));
    let labels = Var::from(file.array("in", "labels")).to_dtype(DType::I64);
    for case in file.cases(&["hinton_"], "loss") {
        let (t, alpha) = case
            .strip_prefix("hinton_T")
            .unwrap()
            .split_once("_a")
            .unwrap();
        let way = Distillation::new(t.parse().unwrap(), alpha.parse().unwrap()).unwrap();
        let student = Var::leaf(file.array("in", "student"));
        let loss = way.loss(&student, &teacher, Some(&labels));
        close(&case, loss.tensor(), &file.array(&case, "loss"), 1e-5);
        let grads = loss.backward();
        close(
            &case,
            grads.of(&student).unwrap(),
            &file.array(&case, "grad"),
            1e-5,
        );
    }
}
