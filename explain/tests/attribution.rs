//! Attributions against Captum's on a real network, and their completeness on random ones.

mod common;

use lepton_autograd::Var;
use lepton_explain::attribution::{
    IntegratedGradients, Quadrature, gradient, gradient_times_input,
};
use lepton_tensor::{DType, Tensor, ops};
use proptest::prelude::*;

/// A network of linear layers with an activation between them.
struct Network {
    layers: Vec<(Var, Var)>,
    activation: fn(&Var) -> Var,
}

impl Network {
    fn logits(&self, x: &Var) -> Var {
        let mut x = x.clone();
        for (i, (weight, bias)) in self.layers.iter().enumerate() {
            if i > 0 {
                x = (self.activation)(&x);
            }
            x = x.matmul(&weight.t()) + bias;
        }
        x
    }

    /// The score of row i is its logit of class `target[i]`.
    fn score<'a>(&'a self, target: &[f64]) -> impl Fn(&Var) -> Var + use<'a> {
        let classes = self.layers.last().unwrap().1.numel();
        let hot = target
            .iter()
            .flat_map(|&t| (0..classes).map(move |c| f64::from(u8::from(c as f64 == t))));
        let hot = Tensor::from_vec(hot.collect(), &[target.len(), classes]).unwrap();
        let hot = Var::from(ops::cast(&hot, self.layers[0].0.dtype()));
        move |x| (self.logits(x) * &hot).sum(&[1])
    }
}

/// The reference network and its inputs in `dtype`.
fn reference(dtype: DType) -> (Network, impl Fn(&str) -> Tensor) {
    let file = common::tensors("mlp_bc.safetensors");
    let get = move |name: &str| {
        let (shape, values) = file.get(name);
        ops::cast(&Tensor::from_vec(values, &shape).unwrap(), dtype)
    };
    let layer = |i| {
        let part = |p: &str| Var::from(get(&format!("w/{i}.{p}")));
        (part("weight"), part("bias"))
    };
    let layers = [0, 2, 4].map(layer).to_vec();
    (
        Network {
            layers,
            activation: Var::relu,
        },
        get,
    )
}

/// Checks `got` against the stored tensor, relative to its largest magnitude.
fn check(what: &str, got: &Tensor, want: &Tensor, tolerance: f64) {
    assert_eq!(got.shape(), want.shape(), "{what}");
    let want = want.to_f64();
    let largest = want.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    for (got, want) in got.to_f64().iter().zip(&want) {
        assert!(
            (got - want).abs() <= tolerance * largest,
            "{what}: {got} and {want}"
        );
    }
}

#[test]
fn attributions_are_those_of_captum() {
    // Captum rounds its weights to f32, so it is met to 1e-7 only; the exact rule to 1e-12.
    for (dtype, slope, exact, rounded) in [
        (DType::F64, 1e-9, 1e-12, 1e-7),
        (DType::F32, 1e-5, 1e-5, 1e-5),
    ] {
        let (network, get) = reference(dtype);
        let score = network.score(&get("target").to_f64());
        let x = get("x");
        check(
            "saliency",
            &gradient(&score, &x).unwrap(),
            &get("saliency"),
            slope,
        );
        let product = gradient_times_input(&score, &x).unwrap();
        check(
            "input_x_gradient",
            &product,
            &get("input_x_gradient"),
            slope,
        );
        let rules = [
            (
                "ig_gausslegendre_50",
                Quadrature::GaussLegendre,
                50,
                rounded,
            ),
            (
                "ig_gausslegendre_50_f64",
                Quadrature::GaussLegendre,
                50,
                exact,
            ),
            (
                "ig_gausslegendre_20",
                Quadrature::GaussLegendre,
                20,
                rounded,
            ),
            ("ig_riemann_left_50", Quadrature::RiemannLeft, 50, rounded),
            ("ig_riemann_right_50", Quadrature::RiemannRight, 50, rounded),
            (
                "ig_riemann_middle_50",
                Quadrature::RiemannMiddle,
                50,
                rounded,
            ),
            (
                "ig_riemann_trapezoid_50",
                Quadrature::RiemannTrapezoid,
                50,
                rounded,
            ),
        ];
        for (key, quadrature, steps, tolerance) in rules {
            let found = IntegratedGradients { quadrature, steps }
                .explain(&score, &x, None)
                .unwrap();
            check(key, &found.values, &get(key), tolerance);
        }
        let found = IntegratedGradients::default();
        let found = found.explain(&score, &x, Some(&get("baseline"))).unwrap();
        check(
            "baseline",
            &found.values,
            &get("ig_gausslegendre_50_baseline"),
            rounded,
        );
    }
}

#[test]
fn what_is_left_of_completeness_is_captums_delta() {
    let (network, get) = reference(DType::F64);
    let score = network.score(&get("target").to_f64());
    let found = IntegratedGradients::default()
        .explain(&score, &get("x"), None)
        .unwrap();
    for (got, want) in found
        .delta
        .iter()
        .zip(get("ig_gausslegendre_50_delta").to_f64())
    {
        assert!((got - want).abs() < 1e-6, "{got} and {want}");
    }
}

#[test]
fn what_cannot_be_explained_is_an_error() {
    let x = Tensor::from_slice(&[1.0, 2.0], &[1, 2]).unwrap();
    let sum = |x: &Var| x.sum(&[1]);
    let error = gradient(|x: &Var| x.square(), &x).unwrap_err().to_string();
    assert!(error.contains("must be one float a row"), "{error}");
    assert!(gradient(sum, &Tensor::from_slice(&[1i64, 2], &[1, 2]).unwrap()).is_err());
    assert!(gradient(sum, &Tensor::scalar(1.0)).is_err());
    let other = Tensor::from_slice(&[1.0], &[1, 1]).unwrap();
    assert!(
        IntegratedGradients::default()
            .explain(sum, &x, Some(&other))
            .is_err()
    );
    let none = IntegratedGradients {
        steps: 0,
        ..Default::default()
    };
    assert!(none.explain(sum, &x, None).is_err());
    // A score that ignores its input is no error: nothing carries anything.
    let constant = |x: &Var| Var::zeros(&[x.shape()[0]], x.dtype(), x.device());
    assert_eq!(
        gradient(constant, &x).unwrap().to_vec::<f64>().unwrap(),
        [0.0, 0.0]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_parts_add_up_to_the_difference_of_the_scores(
        weights in proptest::collection::vec(-1.0..1.0, 4 * 6 + 6 + 6 * 2 + 2),
        x in proptest::collection::vec(-2.0..2.0, 3 * 4),
        reference in proptest::collection::vec(-2.0..2.0, 4),
        target in proptest::collection::vec(0..2u8, 3),
    ) {
        let part = |from: usize, shape: &[usize]| {
            let n = shape.iter().product::<usize>();
            Var::new::<f64>(&weights[from..from + n], shape)
        };
        let layers = vec![(part(0, &[6, 4]), part(24, &[6])), (part(30, &[2, 6]), part(42, &[2]))];
        let target: Vec<f64> = target.into_iter().map(f64::from).collect();
        let network = Network { layers, activation: Var::tanh };
        let score = network.score(&target);
        let x = Tensor::from_slice(&x, &[3, 4]).unwrap();
        let reference = Tensor::from_slice(&reference, &[1, 4]).unwrap();
        let found = IntegratedGradients::default().explain(&score, &x, Some(&reference)).unwrap();
        let parts = found.values.to_f64();
        for i in 0..3 {
            let sum: f64 = parts[4 * i..4 * i + 4].iter().sum();
            let difference = found.score[i] - found.reference[i];
            prop_assert!((sum - difference).abs() < 1e-10, "{} and {}", sum, difference);
            prop_assert!((found.delta[i] - (sum - difference)).abs() < 1e-15);
        }
        // A linear score has the same slope everywhere, so both methods agree.
        let linear = Network { layers: vec![network.layers[0].clone()], activation: Var::tanh };
        let score = linear.score(&[0.0, 3.0, 5.0]);
        let product = gradient_times_input(&score, &x).unwrap().to_f64();
        let found = IntegratedGradients::default().explain(&score, &x, None).unwrap();
        for (a, b) in found.values.to_f64().iter().zip(product) {
            prop_assert!((a - b).abs() < 1e-13);
        }
    }
}
