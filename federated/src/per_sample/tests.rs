use lepton_autograd::{ConvOptions, DType, Param, Var};
use lepton_nn::{
    Conv2d, Flatten, Linear, Mlp, Module, Params, Relu, Rng, Sequential, Tanh, cross_entropy, mse,
};
use lepton_tensor::Tensor;
use proptest::prelude::*;

use super::*;

/// The gradients of one row, by a backward pass of its own.
fn alone(
    module: &dyn Module,
    loss: impl Fn(&Var, &Var) -> Var,
    x: &Tensor,
    y: &Tensor,
    row: usize,
) -> Vec<Vec<f64>> {
    let cut = |t: &Tensor| Var::from(t.slice(0, row, 1, 1).unwrap());
    let grads = loss(&module.forward(&cut(x)), &cut(y)).backward();
    let of = |p: &Param| grads.get(p.id()).unwrap().to_f64();
    module.params().iter().map(|(_, p)| of(p)).collect()
}

fn floats(rng: &mut Rng, shape: &[usize]) -> Tensor {
    let n = shape.iter().product();
    let values: Vec<f32> = (0..n).map(|_| rng.normal() as f32).collect();
    Tensor::from_vec(values, shape).unwrap()
}

fn classes(rng: &mut Rng, rows: usize, classes: usize) -> Tensor {
    let pick = |_| (rng.uniform() * classes as f64) as i64;
    Tensor::from_vec((0..rows).map(pick).collect::<Vec<i64>>(), &[rows]).unwrap()
}

fn tanh_net(rng: &mut Rng) -> Sequential {
    Sequential::new()
        .add(Linear::new(3, 4, rng))
        .add(Tanh)
        .add(Linear::new(4, 2, rng).without_bias())
}

fn conv_net(rng: &mut Rng) -> Sequential {
    let options = ConvOptions {
        padding: [1, 1],
        ..ConvOptions::default()
    };
    Sequential::new()
        .add(Conv2d::new(2, 3, 3, options, rng))
        .add(Relu)
        .add(Flatten)
        .add(Linear::new(3 * 4 * 3, 2, rng))
}

/// A module with its loss and rows to match.
type Setup = (Box<dyn Module>, fn(&Var, &Var) -> Var, Tensor, Tensor);

fn setup(kind: usize, rows: usize, seed: u64) -> Setup {
    let rng = &mut Rng::new(seed);
    match kind {
        0 => (
            Box::new(Mlp::new(&[3, 5, 4, 2], rng)),
            cross_entropy,
            floats(rng, &[rows, 3]),
            classes(rng, rows, 2),
        ),
        1 => (
            Box::new(tanh_net(rng)),
            mse,
            floats(rng, &[rows, 3]),
            floats(rng, &[rows, 2]),
        ),
        _ => (
            Box::new(conv_net(rng)),
            cross_entropy,
            floats(rng, &[rows, 2, 4, 3]),
            classes(rng, rows, 2),
        ),
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_row_has_the_gradient_it_has_alone(kind in 0..3usize, rows in 1..7usize, seed: u64) {
        let (module, loss, x, y) = setup(kind, rows, seed);
        let all = per_sample_grads(&*module, loss, &x, &y).unwrap();
        let names: Vec<String> = module.params().into_iter().map(|p| p.0).collect();
        prop_assert_eq!(all.iter().map(|g| g.0.clone()).collect::<Vec<_>>(), names);
        for row in 0..rows {
            for ((_, grads), want) in all.iter().zip(alone(&*module, loss, &x, &y, row)) {
                prop_assert_eq!(grads.dtype(), DType::F32);
                let got = grads.slice(0, row, 1, 1).unwrap().to_f64();
                prop_assert_eq!(got.len(), want.len());
                for (got, want) in got.iter().zip(&want) {
                    prop_assert!((got - want).abs() <= 1e-5 * (1.0 + want.abs()), "{got} {want}");
                }
            }
        }
    }

    #[test]
    fn the_clipped_sum_is_that_of_rows_clipped_one_by_one(
        kind in 0..3usize, rows in 1..7usize, seed: u64, clip in 0.05..5.0f64
    ) {
        let (module, loss, x, y) = setup(kind, rows, seed);
        let got = clipped_sum(&*module, loss, &x, &y, clip).unwrap();
        let mut want = vec![0.0; module.num_params()];
        let mut clipped = 0;
        for row in 0..rows {
            let grad = alone(&*module, loss, &x, &y, row).concat();
            let factor = (clip / norm(&grad)).min(1.0);
            clipped += u64::from(factor < 1.0);
            want.iter_mut().zip(grad).for_each(|(w, g)| *w += factor * g);
        }
        prop_assert_eq!((got.rows(), got.clipped(), got.refused()), (rows as u64, clipped, 0));
        for (got, want) in got.values().concat().iter().zip(&want) {
            prop_assert!((got - want).abs() <= 1e-5 * (1.0 + want.abs()), "{got} {want}");
        }
    }

    #[test]
    fn one_row_more_moves_the_sum_by_the_clipping_norm_at_most(
        kind in 0..3usize, rows in 1..7usize, seed: u64, clip in 0.05..5.0f64
    ) {
        let (module, loss, x, y) = setup(kind, rows, seed);
        let sum = |n: usize| {
            let cut = |t: &Tensor| t.slice(0, 0, n, 1).unwrap();
            clipped_sum(&*module, loss, &cut(&x), &cut(&y), clip).unwrap().values().concat()
        };
        let moved: Vec<f64> = sum(rows).iter().zip(sum(rows - 1)).map(|(a, b)| a - b).collect();
        prop_assert!(norm(&moved) <= clip * (1.0 + 1e-9), "{} {clip}", norm(&moved));
    }
}

#[test]
fn rows_in_parts_are_the_same_rows() {
    // 130 x 128 elements a row: 126 rows make a part, so these are three.
    let rng = &mut Rng::new(4);
    let wide = Linear::new(128, 130, rng).without_bias();
    let (x, y) = (floats(rng, &[300, 128]), floats(rng, &[300, 130]));
    let all = per_sample_grads(&wide, mse, &x, &y).unwrap();
    assert_eq!(all[0].1.shape(), [300, 130, 128]);
    for row in [0, 125, 126, 251, 252, 299] {
        let got = all[0].1.slice(0, row, 1, 1).unwrap().to_f64();
        let want = &alone(&wide, mse, &x, &y, row)[0];
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-5));
    }
}

#[test]
fn frozen_parameters_have_no_gradient_and_unused_ones_have_zeros() {
    let rng = &mut Rng::new(5);
    let mut net = Mlp::new(&[2, 3, 2], rng);
    net.layers[0].freeze(true);
    let (x, y) = (floats(rng, &[4, 2]), classes(rng, 4, 2));
    let grads = per_sample_grads(&net, cross_entropy, &x, &y).unwrap();
    let names: Vec<&str> = grads.iter().map(|g| g.0.as_str()).collect();
    assert_eq!(names, ["layers.1.weight", "layers.1.bias"]);
    // A loss of the row alone.
    let grads = per_sample_grads(&net, |_, y| y.to_dtype(DType::F32).sum(&[]), &x, &y).unwrap();
    assert!(grads.iter().all(|g| g.1.to_f64().iter().all(|&g| g == 0.0)));
    assert_eq!(grads[0].1.shape(), [4, 2, 3]);
}

#[test]
fn no_rows_are_an_empty_sum() {
    let net = Mlp::new(&[2, 3, 2], &mut Rng::new(5));
    let (x, y) = (
        floats(&mut Rng::new(1), &[0, 2]),
        classes(&mut Rng::new(1), 0, 2),
    );
    let grads = per_sample_grads(&net, cross_entropy, &x, &y).unwrap();
    assert_eq!(grads[0].1.shape(), [0, 3, 2]);
    let sum = clipped_sum(&net, cross_entropy, &x, &y, 1.0).unwrap();
    assert!(sum.rows() == 0 && sum.values().concat().iter().all(|&v| v == 0.0));
}

#[test]
fn what_does_not_fit_is_one_sentence() {
    let net = Mlp::new(&[2, 2], &mut Rng::new(5));
    let (x, y) = (
        floats(&mut Rng::new(1), &[3, 2]),
        floats(&mut Rng::new(1), &[2, 2]),
    );
    let error = per_sample_grads(&net, mse, &x, &y).unwrap_err().to_string();
    assert!(
        error.contains("[3, 2] and targets [2, 2] must have the same rows"),
        "{error}"
    );
    let y = floats(&mut Rng::new(1), &[3, 2]);
    let error = per_sample_grads(&net, |x, y| x - y, &x, &y)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("shape [1, 2], must be one element"),
        "{error}"
    );
}
