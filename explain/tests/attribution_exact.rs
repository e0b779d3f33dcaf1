//! Integrated gradients from bend to bend, and what attribution refuses.

mod common;

use lepton_autograd::Var;
use lepton_explain::attribution::{
    Attribution, IntegratedGradients, PiecewiseLinear, Quadrature, gradient, gradient_times_input,
};
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Tensor, ops};
use proptest::prelude::*;

fn tensor(values: &[f64], shape: &[usize], dtype: DType) -> Tensor {
    ops::cast(&Tensor::from_slice(values, shape).unwrap(), dtype)
}

fn random(rng: &mut Rng, shape: &[usize], dtype: DType) -> Tensor {
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.normal()).collect();
    tensor(&values, shape, dtype)
}

/// What stands between layers.
type Bend = fn(&Var) -> Var;

/// Layers with something that bends between them.
struct Network {
    layers: Vec<(Var, Var)>,
    bend: Bend,
    fused: bool,
}

impl Network {
    fn new(rng: &mut Rng, sizes: &[usize], dtype: DType, bend: Bend) -> Network {
        let mut layer = |s: &[usize]| {
            let spread = Var::scalar(1.5 / (s[0] as f64).sqrt()).to_dtype(dtype);
            let w = Var::from(random(rng, &[s[1], s[0]], dtype)) * spread;
            (w, Var::from(random(rng, &[s[1]], dtype)))
        };
        Network {
            layers: sizes.windows(2).map(&mut layer).collect(),
            bend,
            fused: false,
        }
    }

    fn score(&self, x: &Var) -> Var {
        let mut x = x.clone();
        let (last, hidden) = self.layers.split_last().unwrap();
        for (w, b) in hidden {
            x = if self.fused {
                x.linear(w, Some(b), true)
            } else {
                (self.bend)(&(x.matmul(&w.t()) + b))
            };
        }
        (x.matmul(&last.0.t()) + &last.1).select(1, 0)
    }
}

fn worst(found: &Attribution) -> f64 {
    found.delta.iter().fold(0.0, |m: f64, d| m.max(d.abs()))
}

/// Each part is that of a quadrature of very many points.
fn check_parts(found: &Attribution, score: impl Fn(&Var) -> Var, x: &Tensor, from: &Tensor) {
    let many = IntegratedGradients {
        quadrature: Quadrature::RiemannMiddle,
        steps: 4000,
    };
    let many = many.explain(score, x, Some(from)).unwrap().values.to_f64();
    let size = many.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    for (a, b) in found.values.to_f64().iter().zip(&many) {
        assert!((a - b).abs() < 4e-3 * size, "{a} and {b}");
    }
}

#[test]
fn the_parts_of_a_network_of_bends_add_up_to_rounding() {
    let bends: [(&str, Bend); 6] = [
        ("relu", Var::relu),
        ("leaky", |x| x.leaky_relu(0.1)),
        ("abs", Var::abs),
        ("clamp", |x| x.clamp(-0.5, 0.7)),
        ("maximum", |x| x.maximum(&(x * -0.3 + 0.2))),
        // The larger of two neighbours: no watcher sees its bends.
        ("pool", |x| {
            let [rows, width] = [x.shape()[0], x.shape()[1] / 2];
            x.reshape(&[rows, width, 2]).amax(&[2]).repeat_pairs(width)
        }),
    ];
    for (dtype, limit) in [(DType::F64, 1e-10), (DType::F32, 2e-5)] {
        for (name, bend) in bends {
            let mut rng = Rng::new(11);
            let network = Network::new(&mut rng, &[5, 16, 12, 2], dtype, bend);
            let x = random(&mut rng, &[4, 5], dtype);
            let from = random(&mut rng, &[1, 5], dtype);
            let score = |x: &Var| network.score(x);
            let found = PiecewiseLinear::default()
                .explain(score, &x, Some(&from))
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            let off = worst(&found);
            assert!(off < limit, "{name} of {dtype}: off by {off}");
            if dtype == DType::F64 {
                check_parts(&found, score, &x, &from);
            }
        }
    }
}

/// Each element twice, so that widths stay.
trait RepeatPairs {
    fn repeat_pairs(&self, width: usize) -> Var;
}

impl RepeatPairs for Var {
    fn repeat_pairs(&self, width: usize) -> Var {
        let rows = self.shape()[0];
        let both = [self.clone().unsqueeze(2), self.unsqueeze(2) * -0.5];
        Var::cat(&both, 2).reshape(&[rows, 2 * width])
    }
}

#[test]
fn where_many_points_of_gauss_miss_by_thousandths_pieces_are_exact() {
    let file = common::tensors("mlp_bc.safetensors");
    for (dtype, limit) in [(DType::F64, 1e-10), (DType::F32, 2e-5)] {
        let get = |name: &str| {
            let (shape, values) = file.get(name);
            tensor(&values, &shape, dtype)
        };
        let layer = |i| {
            let part = |p: &str| Var::from(get(&format!("w/{i}.{p}")));
            (part("weight"), part("bias"))
        };
        let network = Network {
            layers: [0, 2, 4].map(layer).to_vec(),
            bend: Var::relu,
            fused: true,
        };
        let (x, score) = (get("x"), |x: &Var| network.score(x));
        let exact = PiecewiseLinear::default().explain(score, &x, None).unwrap();
        assert!(worst(&exact) < limit, "{dtype}: {}", worst(&exact));
        let gauss = IntegratedGradients {
            steps: 256,
            ..Default::default()
        };
        let points = gauss.explain(score, &x, None).unwrap();
        assert!(worst(&points) > 3e-4, "{}", worst(&points));
        // Both are near each other, and have the same ends.
        assert_eq!(exact.score, points.score);
        for (a, b) in exact.values.to_f64().iter().zip(points.values.to_f64()) {
            assert!((a - b).abs() < 0.05, "{a} and {b}");
        }
    }
}

#[test]
fn a_bend_that_both_ends_hide_is_found() {
    // A hat of width 0.002 that decides which of two features counts: both ends have slope 0 by the
    // first, and the second alone at both.
    let score = |x: &Var| {
        let t = x.select(1, 0);
        let hat = (&t - 0.499).relu() - (&t - 0.5).relu() * 2.0 + (&t - 0.501).relu();
        (x.select(1, 1) + hat * 1000.0 - 0.7).relu()
    };
    let x = Tensor::from_slice(&[1.0, 0.6], &[1, 2]).unwrap();
    let found = PiecewiseLinear::default().explain(score, &x, None).unwrap();
    let parts = found.values.to_f64();
    // The score is 0 but where 0.6 t + hat > 0.7, which begins and ends on the hat: there
    // up and down add up to nothing for both together.
    assert!(found.delta[0].abs() < 1e-10, "{:?}", found.delta);
    // On the hat it is active from 0.3 + 0.4/... to the other side: 0.6 times its length.
    let rise = 0.499 + (0.7 - 0.6 * 0.499) / (1000.0 + 0.6);
    let fall = (1000.0 * 0.501 - 0.7) / (1000.0 - 0.6);
    assert!((parts[1] - 0.6 * (fall - rise)).abs() < 1e-9, "{parts:?}");
    assert!((parts[0] + parts[1]).abs() < 1e-9, "{parts:?}");
}

#[test]
fn corners_at_the_ends_empty_tables_and_flat_scores_are_no_trouble() {
    let exact = PiecewiseLinear::default();
    // Without biases the bends of all rectifiers lie on the reference.
    let mut rng = Rng::new(2);
    let mut network = Network::new(&mut rng, &[3, 8, 1], DType::F64, Var::relu);
    network.layers[0].1 = Var::zeros(&[8], DType::F64, lepton_tensor::Device::Cpu);
    let x = random(&mut rng, &[2, 3], DType::F64);
    let found = exact.explain(|x: &Var| network.score(x), &x, None).unwrap();
    assert!(worst(&found) < 1e-10);
    // The input is the reference.
    let found = exact
        .explain(|x: &Var| network.score(x), &x, Some(&x))
        .unwrap();
    assert_eq!(found.values.to_f64(), [0.0; 6]);
    let sum = |x: &Var| x.sum(&[1]);
    for shape in [[0, 3], [2, 0]] {
        let none = Tensor::from_vec(Vec::<f64>::new(), &shape).unwrap();
        assert_eq!(
            exact.explain(sum, &none, None).unwrap().values.shape(),
            shape
        );
        let points = IntegratedGradients::default();
        assert_eq!(
            points.explain(sum, &none, None).unwrap().values.shape(),
            shape
        );
        assert_eq!(gradient(sum, &none).unwrap().shape(), shape);
    }
    let constant = |x: &Var| Var::zeros(&[x.shape()[0]], x.dtype(), x.device());
    assert_eq!(
        exact.explain(constant, &x, None).unwrap().values.to_f64(),
        [0.0; 6]
    );
    let linear = exact.explain(sum, &x, None).unwrap();
    for (a, b) in linear.values.to_f64().iter().zip(x.to_f64()) {
        assert!((a - b).abs() < 1e-15);
    }
}

#[test]
fn what_is_not_finite_is_an_error_with_a_sentence_and_no_nan() {
    let sum = |x: &Var| x.sum(&[1]);
    let root = |x: &Var| x.sqrt().sum(&[1]);
    let log = |x: &Var| x.log().sum(&[1]);
    let good = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0], &[2, 2]).unwrap();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0, bad], &[2, 2]).unwrap();
        let errors = [
            gradient(sum, &x).err(),
            gradient_times_input(sum, &x).err(),
            IntegratedGradients::default().explain(sum, &x, None).err(),
            PiecewiseLinear::default().explain(sum, &x, None).err(),
        ];
        for e in errors {
            let said = e.expect("an error").to_string();
            assert!(said.contains("element 1 of row 1"), "{said}");
        }
        for e in [
            IntegratedGradients::default()
                .explain(sum, &good, Some(&x))
                .err(),
            PiecewiseLinear::default()
                .explain(sum, &good, Some(&x))
                .err(),
        ] {
            let said = e.expect("an error").to_string();
            assert!(said.contains("of the reference"), "{said}");
        }
    }
    let zero = Tensor::from_slice(&[1.0, 0.0], &[1, 2]).unwrap();
    let said = gradient(root, &zero).unwrap_err().to_string();
    assert!(said.contains("slope inf at element 1"), "{said}");
    assert!(
        gradient(log, &zero)
            .unwrap_err()
            .to_string()
            .contains("the score of row 0")
    );
    let minus = Tensor::from_slice(&[1.0, -1.0], &[1, 2]).unwrap();
    for e in [
        IntegratedGradients::default()
            .explain(root, &minus, None)
            .err(),
        PiecewiseLinear::default().explain(root, &minus, None).err(),
    ] {
        assert!(e.is_some());
    }
    // Numbers whose difference, or whose part, is beyond their dtype.
    let (far, near) = ([f64::MAX, 1.0], [f64::MIN, 1.0]);
    let (far, near) = (
        tensor(&far, &[1, 2], DType::F64),
        tensor(&near, &[1, 2], DType::F64),
    );
    assert!(
        IntegratedGradients::default()
            .explain(sum, &far, Some(&near))
            .is_err()
    );
    let large = tensor(&[1e30, 1.0], &[1, 2], DType::F32);
    let steep = |x: &Var| (x * 1e20).sum(&[1]);
    assert!(gradient_times_input(steep, &large).is_err());
}

#[test]
fn a_smooth_score_is_sent_to_quadrature() {
    let mut rng = Rng::new(4);
    let network = Network::new(&mut rng, &[3, 6, 1], DType::F64, Var::tanh);
    let x = random(&mut rng, &[1, 3], DType::F64);
    let few = PiecewiseLinear { points: 500 };
    let said = few
        .explain(|x: &Var| network.score(x), &x, None)
        .unwrap_err();
    assert!(said.to_string().contains("IntegratedGradients"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_network_of_rectifiers_is_complete(
        seed in any::<u64>(),
        sizes in proptest::collection::vec(2..24usize, 2..5),
        scale in -3..4i32,
        fused: bool,
    ) {
        let mut rng = Rng::new(seed);
        let sizes = [&sizes[..], &[1]].concat();
        let mut network = Network::new(&mut rng, &sizes, DType::F64, Var::relu);
        network.fused = fused;
        let unit = Var::scalar(10f64.powi(scale));
        let x = (Var::from(random(&mut rng, &[3, sizes[0]], DType::F64)) * unit).tensor().clone();
        let score = |x: &Var| network.score(x);
        let found = PiecewiseLinear::default().explain(score, &x, None).unwrap();
        for (delta, score) in found.delta.iter().zip(&found.score) {
            prop_assert!(delta.abs() < 1e-10 * (1.0 + score.abs()), "{delta} of {score}");
        }
    }
}
