//! Fake quantisation, observers, codes and integer layers.

use lepton_autograd::{Var, apply};
use lepton_compress::ops::{FakeQuantize, LinearInt8, Quantize};
use lepton_compress::{MinMax, MovingAverage, QuantParams, Range, RangeObserver};
use lepton_tensor::Tensor;
use lepton_tensor::ops::{self, matmul_i8, pack_i8};

use crate::file::{File, same};

fn codes_of(file: &File, case: &str) -> QuantParams {
    let whole = |what| file.whole(case, what);
    let scale = file.number(case, "scale") as f32;
    QuantParams::new(scale, whole("zp"), whole("qmin"), whole("qmax")).unwrap()
}

#[test]
fn fake_quantisation_and_its_gradient() {
    let file = File::open("fakequant");
    for case in file.cases(&["ties_", "pt_"], "x") {
        let x = Var::leaf(file.array(&case, "x"));
        let y = x
            .try_apply(FakeQuantize(codes_of(&file, &case)))
            .unwrap()
            .remove(0);
        same(&case, y.tensor(), &file.array(&case, "y"));
        if let Some(gout) = file.find(&case, "gout") {
            let grads = (y * Var::from(gout)).sum(&[]).backward();
            same(&case, grads.of(&x).unwrap(), &file.array(&case, "gx"));
        }
    }
}

/// The observer that the case was made with.
fn observer(file: &File, case: &str) -> Box<dyn RangeObserver> {
    let rate = file.scalar(case, "averaging_constant").as_str();
    match rate {
        Some(rate) => Box::new(MovingAverage::new(rate.parse().unwrap())),
        None => Box::new(MinMax::default()),
    }
}

/// The codes for a range, by the case's scheme.
fn scheme(file: &File, case: &str, range: Range) -> QuantParams {
    let (low, high) = (file.whole(case, "qmin"), file.whole(case, "qmax"));
    let symmetric = file
        .scalar(case, "qscheme")
        .as_str()
        .unwrap()
        .contains("symmetric");
    let codes = if symmetric {
        range.symmetric(low, high)
    } else {
        range.affine(low, high)
    };
    codes.unwrap()
}

#[track_caller]
fn same_codes(case: &str, codes: &QuantParams, scale: f64, zero: f64) {
    let apart = codes.scale().to_bits().abs_diff((scale as f32).to_bits());
    assert!(
        apart <= 1,
        "{case}: the scale is {}, must be {scale}",
        codes.scale()
    );
    assert_eq!(f64::from(codes.zero()), zero, "{case}");
}

#[test]
fn observers_of_whole_tensors() {
    let file = File::open("observers");
    for case in file.cases(&["minmax_", "movavg_"], "scale") {
        let mut seen = observer(&file, &case);
        for batch in ["x0", "x1", "x2"] {
            seen.observe(&file.array("in", batch)).unwrap();
        }
        let range = seen.range().unwrap();
        let item = |what| file.array(&case, what).item().unwrap();
        assert_eq!(
            (f64::from(range.min), f64::from(range.max)),
            (item("min"), item("max")),
            "{case}"
        );
        let codes = scheme(&file, &case, range);
        same_codes(&case, &codes, item("scale"), item("zero_point"));
        let q = ops::quantize(&file.array("in", "x1"), &codes);
        same(&case, &q, &file.array(&case, "codes"));
        same(
            &case,
            &ops::dequantize(&q, &codes),
            &file.array(&case, "dequant"),
        );
    }
}

#[test]
fn observers_of_odd_values() {
    let file = File::open("observers");
    for case in file.cases(&["special_"], "scale") {
        let (stem, kind) = case.rsplit_once('_').unwrap();
        let mut seen = MinMax::default();
        seen.observe(&file.array(stem, "x")).unwrap();
        let range = seen.range().unwrap();
        let codes = match kind {
            "u8" => range.affine(0, 255),
            "i8s" => range.symmetric(-128, 127),
            _ => continue,
        };
        let item = |what| file.array(&case, what).item().unwrap();
        same_codes(&case, &codes.unwrap(), item("scale"), item("zero_point"));
    }
}

#[test]
fn scales_of_channels() {
    let file = File::open("observers");
    let w = file.array("in", "w");
    for case in ["pc_i8_sym", "pc_u8_affine", "pc_i4_sym", "pc_i8_sym_axis1"] {
        let axis: usize = file
            .scalar(case, "ch_axis")
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let (scales, zeros) = (
            file.array(case, "scale").to_f64(),
            file.array(case, "zero_point").to_f64(),
        );
        for i in 0..w.shape()[axis] {
            let channel = |t: &Tensor| t.slice(axis, i, 1, 1).unwrap();
            let range = Range::of(&channel(&w)).unwrap().unwrap();
            let codes = scheme(&file, case, range);
            same_codes(case, &codes, scales[i], zeros[i]);
            same(
                case,
                &ops::quantize(&channel(&w), &codes),
                &channel(&file.array(case, "codes")),
            );
        }
    }
}

#[test]
fn codes_at_ties() {
    let file = File::open("intops");
    for case in file.cases(&["quantize_ties"], "x") {
        let scale = file.number(&case, "scale") as f32;
        let codes = QuantParams::new(scale, file.whole(&case, "zp"), -128, 127).unwrap();
        let q = Var::from(file.array(&case, "x"))
            .try_apply(Quantize(codes))
            .unwrap();
        same(&case, q[0].tensor(), &file.array(&case, "codes"));
    }
}

#[test]
fn sums_do_not_saturate() {
    let file = File::open("intops");
    let (x, w) = (
        file.array("saturation_trap", "x"),
        file.array("saturation_trap", "w"),
    );
    same(
        "trap",
        &matmul_i8(&x, &pack_i8(&w)),
        &file.array("saturation_trap", "acc"),
    );
}

#[test]
fn dense_layers_on_codes() {
    let file = File::open("intops");
    for case in file.cases(&["linear_fbgemm"], "y") {
        let (number, array) = (
            |what| file.number(&case, what) as f32,
            |what| file.array(&case, what),
        );
        let input = QuantParams::new(number("sx"), file.whole(&case, "zx"), 0, 255).unwrap();
        let output = QuantParams::new(number("sy"), file.whole(&case, "zy"), 0, 255).unwrap();
        let relu = file.scalar(&case, "relu").as_bool().unwrap();
        let (w, bias) = (array("w"), array("bias"));
        let scales = array("ws").expand(bias.shape()).unwrap();
        let run = |op: LinearInt8, x: [&Tensor; 3]| {
            let x = x.into_iter().cloned().map(Var::from);
            let all = std::iter::once(array("x").into()).chain(x);
            apply(op, all.collect()).unwrap().remove(0)
        };
        let y = run(
            LinearInt8::new(input, Some(output), relu),
            [&w, &scales, &bias],
        );
        same(&case, y.tensor(), &array("y"));
        if let Some(acc) = file.find(&case, "acc") {
            // With scales of one and no bias, the answer in floats is the sum itself.
            let unit = QuantParams::new(1.0, input.zero(), 0, 255).unwrap();
            let ones = Tensor::from_vec(vec![1.0f32; bias.numel()], bias.shape()).unwrap();
            let zeros = Tensor::from_vec(vec![0.0f32; bias.numel()], bias.shape()).unwrap();
            let sums = run(LinearInt8::new(unit, None, false), [&w, &ones, &zeros]);
            same(&case, sums.tensor(), &acc);
        }
    }
}
