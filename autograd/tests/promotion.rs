//! Numbers and tensors of different dtypes: values are compared, added and filled in as what they are.

use lepton_autograd::{DType, Device, Interpolation, Reduction, Tensor, Var};

fn ints(x: &[i64]) -> Var {
    Var::new(x, &[x.len()])
}

fn truths(x: &[bool]) -> Var {
    Var::new(x, &[x.len()])
}

/// Values as f64 and the dtype.
#[track_caller]
fn is(y: &Var, dtype: DType, want: &[f64]) {
    assert_eq!(y.dtype(), dtype);
    assert_eq!(y.tensor().to_f64(), want);
}

#[test]
fn a_number_with_a_fraction_makes_integers_and_bool_f32() {
    for dtype in [DType::I64, DType::I32, DType::I8, DType::U8] {
        let x = ints(&[1, 2, 3]).to_dtype(dtype);
        is(&(&x * 0.5), DType::F32, &[0.5, 1.0, 1.5]);
        is(&(0.5 * &x), DType::F32, &[0.5, 1.0, 1.5]);
        is(&(&x + 0.5), DType::F32, &[1.5, 2.5, 3.5]);
        is(&(&x - 1.5), DType::F32, &[-0.5, 0.5, 1.5]);
        is(&(1.5 - &x), DType::F32, &[0.5, -0.5, -1.5]);
        is(&(&x / 2.0), DType::F32, &[0.5, 1.0, 1.5]);
        is(&(6.0 / &x), DType::F32, &[6.0, 3.0, 2.0]);
        is(&x.pow_scalar(2.0), DType::F32, &[1.0, 4.0, 9.0]);
        is(&(x * 1e3), DType::F32, &[1e3, 2e3, 3e3]);
    }
    let b = truths(&[true, false]);
    is(&(1.0 - &b), DType::F32, &[0.0, 1.0]);
    is(&(&b * -2.5), DType::F32, &[-2.5, 0.0]);
    is(&(b + 1.0), DType::F32, &[2.0, 1.0]);
}

#[test]
fn a_whole_number_keeps_integers_and_makes_bool_i64() {
    let x = ints(&[1, 2, 3]);
    is(&(&x * 2), DType::I64, &[2.0, 4.0, 6.0]);
    is(&(&x - 4), DType::I64, &[-3.0, -2.0, -1.0]);
    is(&(4 - &x), DType::I64, &[3.0, 2.0, 1.0]);
    is(&(6 / &x), DType::F32, &[6.0, 3.0, 2.0]);
    is(&(1 - truths(&[true, false])), DType::I64, &[0.0, 1.0]);
    is(
        &(x.to_dtype(DType::I8) + 100),
        DType::I8,
        &[101.0, 102.0, 103.0],
    );
    let f = Var::new(&[1.5f32], &[1]);
    is(&(2 * &f - 1), DType::F32, &[2.0]);
    let large = (1i64 << 53) + 1;
    assert_eq!((ints(&[1]) + large).to_vec::<i64>().unwrap(), [large + 1]);
}

#[test]
fn a_variable_without_axes_brings_its_class_and_no_precision() {
    let zero = |d: DType, shape: &[usize]| Var::zeros(shape, d, Device::Cpu);
    let dtype = |a: (DType, &[usize]), b: (DType, &[usize])| {
        let (x, y) = (zero(a.0, a.1), zero(b.0, b.1));
        assert_eq!((&x * &y).dtype(), (&y * &x).dtype());
        (x * y).dtype()
    };
    use DType::{Bool, F32, F64, I8, I32, I64, U8};
    let (row, none): (&[usize], &[usize]) = (&[2], &[]);
    assert_eq!(dtype((F32, row), (F64, none)), F32);
    assert_eq!(dtype((F32, row), (F64, row)), F64);
    assert_eq!(dtype((F32, none), (F64, none)), F64);
    assert_eq!(dtype((I32, row), (I64, none)), I32);
    assert_eq!(dtype((U8, row), (I8, none)), U8);
    assert_eq!(dtype((U8, row), (I8, row)), I32);
    assert_eq!(dtype((I64, row), (F32, none)), F32);
    assert_eq!(dtype((I64, row), (F64, none)), F64);
    assert_eq!(dtype((Bool, row), (U8, none)), U8);
    assert_eq!(dtype((F32, row), (I64, none)), F32);
    let leaf = Var::leaf(Tensor::scalar(0.5f64));
    let y = Var::new(&[2.0f32, 4.0], &[2]) * &leaf;
    let g = y.sum(&[]).backward();
    assert_eq!(g.of(&leaf).unwrap().dtype(), F64);
    assert_eq!(g.of(&leaf).unwrap().item().unwrap(), 6.0);
}

#[test]
fn quotients_of_integers_are_floats() {
    let (x, y) = (ints(&[1, 3]), ints(&[2, 2]));
    is(&(&x / &y), DType::F32, &[0.5, 1.5]);
    assert_eq!(x.hypot(&y).dtype(), DType::F32);
    assert_eq!(x.exp().dtype(), DType::F32);
    let wide = Var::new(&[1.0f64, 3.0], &[2]);
    is(&(wide / y), DType::F64, &[0.5, 1.5]);
}

#[test]
fn comparisons_are_of_values() {
    let x = ints(&[0, 1]);
    let yes = |y: Var| y.to_vec::<bool>().unwrap();
    assert_eq!(yes(x.lt_scalar(0.5)), [true, false]);
    assert_eq!(yes(x.gt_scalar(0.5)), [false, true]);
    assert_eq!(yes(x.gt_scalar(-0.5)), [true, true]);
    assert_eq!(yes(x.lt_scalar(f64::INFINITY)), [true, true]);
    assert_eq!(yes(x.gt_scalar(f64::NAN)), [false, false]);
    let b = truths(&[false, true]);
    assert_eq!(yes(b.lt_scalar(0.5)), [true, false]);
    assert_eq!(yes(b.gt_scalar(2.0)), [false, false]);
    let small = x.to_dtype(DType::U8);
    assert_eq!(yes(small.lt_scalar(300.0)), [true, true]);
    assert_eq!(yes(small.gt_scalar(-1.0)), [true, true]);
    let large = ints(&[i64::MAX, (1 << 53) + 1]);
    assert_eq!(yes(large.gt_scalar((1i64 << 53) as f64)), [true, true]);
    assert_eq!(yes(x.lt(&Var::scalar(0.5f32))), [true, false]);
    assert_eq!(
        yes(ints(&[100]).isclose(&ints(&[105]), 0.1, 0.0, false)),
        [true]
    );
    let (low, high) = (
        ints(&[3]).to_dtype(DType::U8),
        ints(&[5]).to_dtype(DType::U8),
    );
    assert_eq!(yes(low.isclose(&high, 0.0, 2.0, false)), [true]);
}

#[test]
fn fills_and_bounds_keep_a_dtype_that_holds_them() {
    let (x, mask) = (ints(&[1, 2, 3]), truths(&[true, false, false]));
    is(&x.masked_fill(&mask, 7.0), DType::I64, &[7.0, 2.0, 3.0]);
    is(&x.masked_fill(&mask, 0.5), DType::F32, &[0.5, 2.0, 3.0]);
    is(&mask.masked_fill(&mask, 0.5), DType::F32, &[0.5, 0.0, 0.0]);
    let low = x.masked_fill(&mask, f64::NEG_INFINITY);
    is(&low, DType::F32, &[f64::NEG_INFINITY, 2.0, 3.0]);
    is(&x.clamp(0.0, 2.0), DType::I64, &[1.0, 2.0, 2.0]);
    is(&x.clamp(1.5, 2.5), DType::F32, &[1.5, 2.0, 2.5]);
    is(
        &x.clamp(f64::NEG_INFINITY, 2.0),
        DType::I64,
        &[1.0, 2.0, 2.0],
    );
    let small = x.to_dtype(DType::U8);
    is(&small.clamp(-5.0, 2.0), DType::U8, &[1.0, 2.0, 2.0]);
    is(&small.clamp(300.0, 400.0), DType::F32, &[300.0; 3]);
    is(&x.threshold(1.5, 0.25), DType::F32, &[0.25, 2.0, 3.0]);
    is(&x.threshold(1.0, 0.0), DType::I64, &[0.0, 2.0, 3.0]);
    let ends = ints(&[i64::MAX, 0]);
    let same = ends.nan_to_num(0.0, 1.0, -1.0);
    assert_eq!(same.to_vec::<i64>().unwrap(), [i64::MAX, 0]);
}

#[test]
#[should_panic(expected = "full: 0.5 is not a value of i64")]
fn a_constant_of_another_class_is_refused() {
    Var::full(&[2], 0.5, DType::I64, Device::Cpu);
}

#[test]
fn integrals_and_quantiles_of_integers_have_fractions() {
    let y = ints(&[1, 2, 4]);
    is(&y.trapezoids(None, 0.5, 0), DType::F32, &[0.75, 1.5]);
    let half = y.trapezoids(Some(&Var::new(&[0.0f64, 0.5, 1.0], &[3])), 1.0, 0);
    is(&half, DType::F64, &[0.75, 1.5]);
    let wide = ints(&[200, 100]).to_dtype(DType::U8);
    is(&wide.trapezoids(None, 1.0, 0), DType::F32, &[150.0]);
    is(
        &y.gradient(&Var::scalar(0.5f32), 0, 1),
        DType::F32,
        &[2.0, 3.0, 4.0],
    );
    let q = Var::scalar(0.75f64);
    is(
        &y.quantile(&q, 0, false, Interpolation::Linear),
        DType::F32,
        &[3.0],
    );
    let end = y.lerp(&ints(&[2, 4, 8]), &Var::scalar(0.5f32));
    is(&end, DType::F32, &[1.5, 3.0, 6.0]);
    is(
        &truths(&[true, true, false]).diff(1, 0),
        DType::Bool,
        &[0.0, 1.0],
    );
    is(&ints(&[1, 3]).cov(None, None, 1.0), DType::F32, &[2.0]);
}

#[test]
fn integers_that_meet_in_one_place_stay_integers() {
    let (x, at) = (ints(&[5, 6]), ints(&[0, 0]));
    let met = |how, keep| x.scatter_reduce(0, &at, &ints(&[-4, 1]), how, keep);
    is(&met(Reduction::Max, false), DType::I64, &[1.0, 6.0]);
    is(&met(Reduction::Min, false), DType::I64, &[-4.0, 6.0]);
    is(&met(Reduction::Mean, false), DType::I64, &[-2.0, 6.0]);
    is(&met(Reduction::Mean, true), DType::I64, &[0.0, 6.0]);
}

#[test]
fn middles_of_integers_are_exact() {
    let n = 1i64 << 40;
    let x = ints(&[n + 3, n + 1, n + 2, n]);
    let (value, at) = x.median(0, false);
    assert_eq!(
        (value.to_vec::<i64>().unwrap(), at.to_vec::<i64>().unwrap()),
        (vec![n + 1], vec![1])
    );
    let (value, at) = ints(&[n, n + 1, n]).mode(0);
    assert_eq!(
        (value.to_vec::<i64>().unwrap(), at.to_vec::<i64>().unwrap()),
        (vec![n], vec![2])
    );
}
