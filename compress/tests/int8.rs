//! Properties of codes and of programs rewritten to 8-bit integers.

use lepton_autograd::{DType, Tensor, Var};
use lepton_compress::ops::FakeQuantize;
use lepton_compress::{
    MovingAverage, QuantParams, Range, RangeObserver, catalogue, quantize_program,
    quantize_program_with, quantize_rows,
};
use lepton_nn::files::weights;
use lepton_nn::{Linear, Mlp, Program, Relu, Rng, Sequential, Tanh, Weight};
use lepton_tensor::ops;
use proptest::prelude::*;

fn rows(rng: &mut Rng, n: usize, k: usize) -> Tensor {
    Tensor::build(&[n, k], |out: &mut [f32]| {
        out.iter_mut().for_each(|x| *x = rng.normal() as f32)
    })
}

fn run(program: &Program, x: &Tensor) -> Vec<f32> {
    let y = program.run(&[x.clone().into()]).unwrap();
    y[0].to_vec::<f32>().unwrap()
}

/// A traced network, its calibration rows, and its integer form.
fn example(seed: u64, sizes: &[usize], n: usize) -> (Program, Tensor, Program) {
    let mut rng = Rng::new(seed);
    let net = Mlp::new(sizes, &mut rng);
    let program = Program::trace(&net, &[1, sizes[0]], DType::F32).unwrap();
    let x = rows(&mut rng, n, sizes[0]);
    let small = quantize_program(&program, &x).unwrap();
    (program, x, small)
}

fn ops_of(program: &Program) -> Vec<&str> {
    program.instructions.iter().map(|s| s.op.as_str()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fake_quantisation_is_near_idempotent_and_equal_to_codes(
        x in prop::collection::vec(-20.0f32..20.0, 1..50),
        symmetric: bool,
        bits in 2u32..=8,
    ) {
        let x = Tensor::from_slice(&x, &[x.len()]).unwrap();
        let range = Range::of(&x).unwrap().unwrap();
        let half = 1 << (bits - 1);
        let codes = if symmetric {
            range.symmetric(1 - half, half - 1).unwrap()
        } else {
            range.affine(0, 2 * half - 1).unwrap()
        };
        let fake = |x: &Tensor| {
            let y = Var::from(x.clone()).try_apply(FakeQuantize(codes)).unwrap();
            y[0].tensor().clone()
        };
        let y = fake(&x);
        // Rounding the zero point may move an end of the range by half a step.
        let most = f64::from(codes.scale()) * if symmetric { 0.5 } else { 1.0 };
        for (x, y) in x.to_f64().into_iter().zip(y.to_f64()) {
            let inside = codes.value(codes.low() as f32)..=codes.value(codes.high() as f32);
            let limit = if inside.contains(&(x as f32)) { 0.5 * f64::from(codes.scale()) } else { most };
            prop_assert!((x - y).abs() <= limit * 1.0001, "{x} became {y}, step {}", codes.scale());
        }
        prop_assert_eq!(fake(&y).to_vec::<f32>().unwrap(), y.to_vec::<f32>().unwrap());
        let coded = ops::dequantize(&ops::quantize(&x, &codes), &codes);
        prop_assert_eq!(coded.to_vec::<f32>().unwrap(), y.to_vec::<f32>().unwrap());
    }

    #[test]
    fn weights_are_within_half_a_step_of_their_row(seed: u64, n in 1usize..6, k in 1usize..9) {
        let w = rows(&mut Rng::new(seed), n, k);
        let (codes, scales) = quantize_rows(&w).unwrap();
        let (w, q, s) = (w.to_f64(), codes.to_f64(), scales.to_f64());
        for i in 0..n * k {
            let step = s[i / k];
            prop_assert!((w[i] - q[i] * step).abs() <= 0.5001 * step);
            prop_assert!(q[i] >= -127.0);
        }
    }

    #[test]
    fn tiny_rows_keep_their_precision_and_ordinary_ones_pytorchs_scale(
        seed: u64, exponent in -34i32..3, k in 1usize..20,
    ) {
        let scale = 10f64.powi(exponent);
        let ordinary = rows(&mut Rng::new(seed), 2, k);
        let w: Vec<f32> = ordinary.to_f64().into_iter().map(|v| (v * scale) as f32).collect();
        let (codes, scales) = quantize_rows(&Tensor::from_slice(&w, &[2, k]).unwrap()).unwrap();
        let (q, s) = (codes.to_f64(), scales.to_f64());
        for i in 0..2 {
            let row = &w[i * k..(i + 1) * k];
            let range = Range::of(&Tensor::from_slice(row, &[k]).unwrap()).unwrap().unwrap();
            let torch = range.symmetric(-127, 127).unwrap();
            let most = row.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            if torch.scale() > f32::EPSILON {
                prop_assert_eq!(s[i] as f32, torch.scale());
            } else {
                prop_assert_eq!(torch.scale(), f32::EPSILON);
            }
            for (j, v) in row.iter().enumerate() {
                let off = (f64::from(*v) - q[i * k + j] * s[i]).abs();
                prop_assert!(off <= f64::from(most) / 127.0 * 0.501, "{v} is off by {off} of {most}");
            }
        }
    }

    #[test]
    fn a_program_of_tiny_inputs_is_as_exact_as_one_of_ordinary_ones(seed: u64, exponent in -12i32..1) {
        // The first layer undoes the unit of the inputs, so the answers are the same.
        let (scale, mut rng) = (10f64.powi(exponent), Rng::new(seed));
        let mut net = Mlp::new(&[5, 16, 3], &mut rng);
        let w = net.layers[0].weight.var().tensor().to_f64();
        let w = w.into_iter().map(|v| (v / scale) as f32).collect();
        net.layers[0].weight = Weight::new(Tensor::from_vec(w, &[16, 5]).unwrap());
        let x = rows(&mut rng, 60, 5).to_f64();
        let x = Tensor::from_vec(x.into_iter().map(|v| (v * scale) as f32).collect(), &[60, 5]);
        let (x, program) = (x.unwrap(), Program::trace(&net, &[1, 5], DType::F32).unwrap());
        let small = quantize_program(&program, &x).unwrap();
        for (a, b) in run(&program, &x).into_iter().zip(run(&small, &x)) {
            prop_assert!((a - b).abs() < 0.3, "{a} became {b}");
        }
    }

    #[test]
    fn the_integer_program_is_within_its_bound(
        seed: u64,
        hidden in prop::collection::vec(1usize..40, 0..3),
    ) {
        let sizes = [&[7][..], &hidden, &[3]].concat();
        let (program, x, small) = example(seed, &sizes, 50);
        let bound = bound(&program, &small, &x);
        for (i, (a, b)) in run(&program, &x).into_iter().zip(run(&small, &x)).enumerate() {
            prop_assert!(f64::from((a - b).abs()) <= bound[i], "{a} became {b}, bound {}", bound[i]);
        }
    }

    #[test]
    fn a_row_has_one_answer_whatever_stands_beside_it(seed: u64, n in 1usize..40) {
        let (_, x, small) = example(seed, &[5, 18, 9, 2], 40);
        let all = run(&small, &x);
        let first = x.slice(0, 0, n, 1).unwrap();
        prop_assert_eq!(&run(&small, &first)[..], &all[..2 * n]);
        let last = x.slice(0, n - 1, 1, 1).unwrap();
        prop_assert_eq!(&run(&small, &last)[..], &all[2 * n - 2..2 * n]);
    }
}

/// How far each answer may be off: half a step of each rounding, carried through the layers with the
/// magnitudes of the weights, and a little for the arithmetic of floats.
fn bound(program: &Program, small: &Program, x: &Tensor) -> Vec<f64> {
    let layers: Vec<_> = small
        .instructions
        .iter()
        .filter(|s| s.op == "linear_int8")
        .collect();
    let mut size = x.shape()[1];
    let step = |a: &lepton_autograd::Attrs, name: &str| a.get_float(name).unwrap();
    let mut value: Vec<f64> = x.to_f64();
    // A whole step: half for rounding, half where a rounded zero point has moved an end.
    let mut off = vec![step(&layers[0].attrs, "in_scale"); value.len()];
    for (i, layer) in layers.iter().enumerate() {
        let w = &program.tensors[&format!("layers.{i}.weight")];
        let b = program.tensors[&format!("layers.{i}.bias")].to_f64();
        let s = small.tensors[&format!("layers.{i}.weight.scale")].to_f64();
        let (out, w) = (w.shape()[0], w.to_f64());
        let (mut y, mut e) = (Vec::new(), Vec::new());
        for (x, off) in value.chunks(size).zip(off.chunks(size)) {
            for j in 0..out {
                let w = &w[j * size..(j + 1) * size];
                let sum: f64 = w.iter().zip(x).map(|(w, x)| w * x).sum();
                let magnitude: f64 = w.iter().zip(x).map(|(w, x)| (w * x).abs()).sum();
                let spread = |k: usize| w[k].abs() * off[k] + s[j] / 2.0 * (x[k].abs() + off[k]);
                let more = if layer.attrs.get_flag("codes").unwrap() {
                    step(&layer.attrs, "out_scale")
                } else {
                    0.0
                };
                let floats = 1e-5 * (magnitude + b[j].abs());
                y.push((sum + b[j]).max(if layer.attrs.get_flag("relu").unwrap() {
                    0.0
                } else {
                    f64::MIN
                }));
                e.push((0..size).map(spread).sum::<f64>() + more + floats);
            }
        }
        (value, off, size) = (y, e, out);
    }
    off
}

#[test]
fn integers_flow_between_layers() {
    let (program, x, small) = example(3, &[30, 16, 12, 2], 100);
    assert_eq!(ops_of(&program), ["linear"; 3]);
    assert_eq!(
        ops_of(&small),
        ["quantize", "linear_int8", "linear_int8", "linear_int8"]
    );
    let coded: Vec<bool> = small.instructions[1..]
        .iter()
        .map(|s| s.attrs.get_flag("codes").unwrap())
        .collect();
    assert_eq!(coded, [true, true, false]);
    assert_eq!(small.tensors["layers.0.weight.codes"].dtype(), DType::I8);
    assert!(!small.tensors.contains_key("layers.0.weight"));
    assert!(small.bytes() * 3 < program.bytes());
    let far = run(&program, &x)
        .into_iter()
        .zip(run(&small, &x))
        .map(|(a, b)| (a - b).abs());
    assert!(far.fold(0.0, f32::max) < 0.03);
}

#[test]
fn other_ops_keep_their_floats_and_a_rectifier_joins_its_layer() {
    let mut rng = Rng::new(5);
    let net = Sequential::new()
        .add(Linear::new(6, 9, &mut rng))
        .add(Relu)
        .add(Linear::new(9, 8, &mut rng).without_bias())
        .add(Tanh)
        .add(Linear::new(8, 2, &mut rng));
    let program = Program::trace(&net, &[1, 6], DType::F32).unwrap();
    let x = rows(&mut rng, 60, 6);
    let observer = || Box::new(MovingAverage::new(0.1)) as Box<_>;
    for small in [
        quantize_program(&program, &x).unwrap(),
        quantize_program_with(&program, &x, observer).unwrap(),
    ] {
        let expected = [
            "quantize",
            "linear_int8",
            "linear_int8",
            "tanh",
            "quantize",
            "linear_int8",
        ];
        assert_eq!(ops_of(&small), expected);
        assert!(small.instructions[1].attrs.get_flag("relu").unwrap());
        let far = run(&program, &x)
            .into_iter()
            .zip(run(&small, &x))
            .map(|(a, b)| (a - b).abs());
        assert!(far.fold(0.0, f32::max) < 0.03);
    }
}

#[test]
fn a_file_gives_back_the_same_bits() {
    let (_, x, small) = example(11, &[30, 16, 2], 80);
    let text = small.to_json().to_string();
    let bytes = weights::write(&small.tensors).unwrap();
    let value = serde_json::from_str(&text).unwrap();
    let tensors = weights::read(&bytes).unwrap();
    let back = Program::from_json(&value, tensors, &catalogue()).unwrap();
    let bits = |p: &Program| run(p, &x).into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(&back), bits(&small));
    let refused = Program::from_json(&value, small.tensors.clone(), &[]).unwrap_err();
    assert!(refused.to_string().contains("in no catalogue"), "{refused}");
}

#[test]
fn attributes_from_outside_are_not_believed() {
    let (_, _, small) = example(11, &[3, 4, 2], 20);
    let text = small.to_json().to_string();
    let damaged = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        let value = serde_json::from_str(&text.replace(from, to)).unwrap();
        Program::from_json(&value, small.tensors.clone(), &catalogue())
            .unwrap_err()
            .to_string()
    };
    let said = damaged("[\"high\",{\"int\":255}]", "[\"high\",{\"int\":300}]");
    assert!(said.contains("range of i8 or u8"), "{said}");
    let said = damaged(
        "[\"high\",{\"int\":255}]",
        "[\"high\",{\"int\":5000000000}]",
    );
    assert!(said.contains("is no code"), "{said}");
}

#[test]
fn extremes_are_held_at_the_ends_and_nothing_saturates() {
    let ends = |v: f32| Tensor::from_vec(vec![v; 4000], &[1, 4000]).unwrap();
    let mut rng = Rng::new(2);
    let mut net = Mlp::new(&[4000, 20, 1], &mut rng);
    // The largest sums there are: all weights and all inputs at one end.
    for layer in &mut net.layers {
        let (shape, bias) = (layer.weight.shape(), layer.bias.as_mut().unwrap());
        let ones = Tensor::from_vec(vec![1.0f32; shape[0] * shape[1]], &shape).unwrap();
        layer.weight = lepton_nn::Weight::new(ones);
        bias.set(Tensor::from_vec(vec![0.0f32; shape[0]], &shape[..1]).unwrap());
    }
    let program = Program::trace(&net, &[1, 4000], DType::F32).unwrap();
    let calibration = ops::cat(&[ends(0.0), ends(1.0)], 0);
    let small = quantize_program(&program, &calibration).unwrap();
    let y = |x: f32| run(&small, &ends(x))[0];
    assert!((y(1.0) - 80_000.0).abs() < 200.0, "{}", y(1.0));
    assert_eq!(y(0.0), 0.0);
    assert_eq!((y(1e30), y(f32::INFINITY)), (y(1.0), y(1.0)));
    assert_eq!((y(-1e30), y(f32::NEG_INFINITY)), (0.0, 0.0));
    assert_eq!(y(f32::NAN), 0.0, "no number has the code of 0");
}

#[test]
fn what_cannot_be_quantised_is_said() {
    let net = Mlp::new(&[3, 2], &mut Rng::new(0));
    let program = Program::trace(&net, &[1, 3], DType::F32).unwrap();
    let of = |x: Tensor| quantize_program(&program, &x).unwrap_err().to_string();
    let zeros =
        |shape: &[usize]| Tensor::zeros(shape, DType::F32, lepton_autograd::Device::Cpu).unwrap();
    assert!(of(zeros(&[0, 3])).contains("no calibration rows"));
    assert!(of(zeros(&[2, 4])).contains("must be f32 [batch, 3]"));
    let nan = Tensor::from_vec(vec![0.0, f32::NAN, 1.0], &[1, 3]).unwrap();
    assert!(of(nan).contains("not finite"));
    let tanh = Program::trace(&Tanh, &[1, 3], DType::F32).unwrap();
    let said = quantize_program(&tanh, &zeros(&[2, 3]))
        .unwrap_err()
        .to_string();
    assert!(said.contains("no dense layer"), "{said}");
    assert!(
        QuantParams::new(0.0, 0, 0, 255).is_err() && QuantParams::new(1.0, 0, -128, 255).is_err()
    );
    assert!(
        QuantParams::new(f32::NAN, 0, 0, 255).is_err() && QuantParams::new(1.0, 9, 10, 20).is_err()
    );
}

#[test]
fn what_has_no_codes_is_refused_with_a_sentence() {
    let said = |e: lepton_tensor::Error| {
        assert!(
            e.to_string().contains(' ') && e.to_string().len() > 30,
            "{e}"
        );
        e.to_string()
    };
    let infinite = f32::INFINITY;
    for (min, max) in [
        (f32::NAN, 1.0),
        (0.0, f32::NAN),
        (-infinite, 0.0),
        (0.0, infinite),
        (1.0, -1.0),
    ] {
        let range = Range { min, max };
        for codes in [
            range.affine(0, 255),
            range.affine_fine(0, 255),
            range.symmetric(-127, 127),
            range.symmetric_fine(-127, 127),
        ] {
            assert!(said(codes.unwrap_err()).contains("no codes reach"));
        }
    }
    let wide = Range {
        min: f32::MIN,
        max: f32::MAX,
    };
    assert!(said(wide.affine(0, 255).unwrap_err()).contains("no codes reach"));
    assert!(wide.symmetric(-127, 127).is_ok());
    let one = Range { min: 0.0, max: 1.0 };
    for (low, high) in [(5, 5), (7, 3), (-1, 200), (i32::MIN, i32::MAX), (0, 256)] {
        said(one.affine(low, high).unwrap_err());
        said(one.symmetric(low, high).unwrap_err());
    }
    let zero = Range { min: 0.0, max: 0.0 };
    assert_eq!(
        zero.symmetric_fine(-127, 127).unwrap().scale(),
        f32::EPSILON
    );
    let x = Tensor::from_slice(&[1.0f32, 2.0], &[2]).unwrap();
    for rate in [f32::NAN, 0.0, -0.1, 1.5, infinite] {
        said(MovingAverage::new(rate).observe(&x).unwrap_err());
    }
    for w in [
        Tensor::scalar(1.0f32),
        x.clone(),
        Tensor::from_slice(&[1.0, 2.0], &[1, 2]).unwrap(),
        Tensor::from_slice(&[1.0f32, f32::NAN], &[1, 2]).unwrap(),
    ] {
        said(quantize_rows(&w).unwrap_err());
    }
    let none = Tensor::from_vec(Vec::<f32>::new(), &[0, 3]).unwrap();
    assert_eq!(quantize_rows(&none).unwrap().0.shape(), [0, 3]);
    let (program, ..) = example(0, &[3, 4, 2], 9);
    for rows in [&none, &Tensor::scalar(1.0f32), &x] {
        said(quantize_program(&program, rows).unwrap_err());
    }
}
