//! Right values where the plain formula overflows, cancels or meets an infinity.

use lepton_autograd::{DType, Interpolation, Tensor, Var, vjp};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn f32s(x: &[f64]) -> Tensor {
    let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    Tensor::from_slice(&x, &[x.len()]).expect("as many")
}

fn f64s(x: &[f64]) -> Tensor {
    Tensor::from_slice(x, &[x.len()]).expect("as many")
}

/// `f` at `x`, and the gradient of the sum of it.
fn at(x: &Tensor, f: impl Fn(&Var) -> Var) -> [Vec<f64>; 2] {
    let x = Var::leaf(x.clone());
    let y = f(&x);
    let g = vjp(&[y.clone()], &[y.ones_like()], &[x]).expect("differentiable");
    [y.tensor().to_f64(), g[0].tensor().to_f64()]
}

#[track_caller]
fn near(got: &[f64], want: &[f64], relative: f64) {
    assert_eq!(got.len(), want.len(), "{got:?} for {want:?}");
    for (a, b) in got.iter().zip(want) {
        let same = a == b || (a.is_nan() && b.is_nan());
        assert!(
            same || (a - b).abs() <= relative * b.abs(),
            "{got:?} for {want:?}"
        );
    }
}

#[track_caller]
fn check(x: &Tensor, f: impl Fn(&Var) -> Var, y: &[f64], g: &[f64]) {
    let relative = if x.dtype() == DType::F32 { 2e-6 } else { 1e-13 };
    let got = at(x, f);
    near(&got[0], y, relative);
    near(&got[1], g, relative);
}

#[test]
fn norms_of_huge_and_tiny_elements_are_right() {
    let root = 2f64.sqrt();
    let unit = [1.0 / root; 2];
    for (size, of) in [
        (1e20, f32s as fn(&[f64]) -> Tensor),
        (1e-30, f32s),
        (1e200, f64s),
        (1e-200, f64s),
    ] {
        let x = of(&[size, size]);
        check(&x, |x| x.norm(2.0, &[]), &[root * size], &unit);
        check(&x, |x| x.dist(&x.zeros_like(), 2.0), &[root * size], &unit);
        check(
            &x,
            |x| x.norm(3.0, &[]),
            &[2f64.cbrt() * size],
            &[4f64.powf(-1.0 / 3.0); 2],
        );
        check(&x, |x| x.norm(0.5, &[]), &[4.0 * size], &[2.0; 2]);
        check(&x, |x| x.norm(-1.0, &[]), &[size / 2.0], &[0.25; 2]);
        check(&x, |x| x.std(&[], 0.0), &[0.0], &[0.0; 2]);
        let zero = Var::zeros(&[1, 2], x.dtype(), x.device());
        let far = |x: &Var| x.reshape(&[1, 2]).cdist(&zero, 2.0);
        check(&x, far, &[root * size], &unit);
    }
    let x = f32s(&[-1e20, 1e20, -1e20, 1e20]);
    check(
        &x,
        |x| x.std(&[], 0.0),
        &[1e20],
        &[-0.25, 0.25, -0.25, 0.25],
    );
    let x = f32s(&[1e20, -1e20]);
    check(
        &x,
        |x| x.atan2(&x.detach()),
        &[std::f64::consts::FRAC_PI_4, -0.75 * std::f64::consts::PI],
        &[5e-21, -5e-21],
    );
    check(
        &x,
        Var::asinh,
        &[1e20f64.asinh(), -1e20f64.asinh()],
        &[1e-20; 2],
    );
}

#[test]
fn norms_at_zero_have_gradient_zero() {
    for p in [-2.0, -1.0, 0.5, 2.0, 3.0] {
        check(&f64s(&[0.0, 0.0]), |x| x.norm(p, &[]), &[0.0], &[0.0; 2]);
    }
    check(&f64s(&[0.0, 3.0]), |x| x.norm(-1.0, &[]), &[0.0], &[0.0; 2]);
    check(
        &f64s(&[INF, 1.0]),
        |x| x.norm(-1.0, &[]),
        &[1.0],
        &[0.0, 1.0],
    );
}

#[test]
fn rows_of_huge_and_tiny_elements_are_normalised() {
    let unit = [-3.0, -1.0, 1.0, 3.0].map(|v: f64| v / 5f64.sqrt());
    for (size, eps) in [(1e30 / 3.0, 1e-5), (1e-30, 0.0), (1e18, 1e-5)] {
        let x = f32s(&unit.map(|v| v * size));
        let w = Var::leaf(f32s(&[1.0; 4]));
        let (x, w) = (Var::from(x), w);
        for y in [
            x.layer_norm(&[4], Some(&w), None, eps),
            x.rms_norm(&[4], Some(&w), eps),
            x.reshape(&[1, 4])
                .group_norm(1, None, None, eps)
                .reshape(&[4]),
        ] {
            near(&y.tensor().to_f64(), &unit, 1e-6);
        }
        // Of the first result alone: the slope falls as the size grows, and leaves out what the norm does.
        let slope = |x: &Var| x.rms_norm(&[4], None, eps).slice(0, 0, 1, 1);
        let g = at(x.tensor(), slope)[1].clone();
        let want = [0.55, -0.15, 0.15, 0.45].map(|v| v / size);
        near(&g, &want, 1e-5);
    }
    let x = f64s(&unit.map(|v| v * 1e200));
    near(
        &at(&x, |x| x.layer_norm(&[4], None, None, 1e-5))[0],
        &unit,
        1e-14,
    );
}

#[test]
fn offsets_do_not_drown_a_spread() {
    let x: Vec<f64> = (0..1000).map(|i| 1e6 + f64::from(i % 2)).collect();
    let x = Var::from(f32s(&x));
    let value = |y: Var| y.item().expect("a number");
    assert!((value(x.var(&[], 0.0)) - 0.25).abs() < 1e-7);
    assert!((value(x.std(&[], 0.0)) - 0.5).abs() < 1e-7);
    assert!((value(x.cov(None, None, 0.0)) - 0.25).abs() < 1e-7);
    let two = Var::stack(&[x.clone(), -&x], 0);
    let r = two.cov(None, None, 1.0).correlation();
    near(&r.tensor().to_f64(), &[1.0, -1.0, -1.0, 1.0], 1e-6);
    for n in [2, 20, 1000] {
        let x = x.slice(0, 0, n, 1);
        let y = x.layer_norm(&[n], None, None, 0.0).tensor().to_f64();
        let want: Vec<f64> = (0..n)
            .map(|i| if i % 2 == 0 { -1.0 } else { 1.0 })
            .collect();
        near(&y, &want, 1e-6);
    }
    // The gradient of sum w y, for which w has no part along 1 or along y.
    let x = f32s(&[1e6, 1e6 + 1.0, 1e6, 1e6 + 1.0]);
    let w = Var::from(f32s(&[1.0, 1.0, -1.0, -1.0]));
    let g = at(&x, |x| x.layer_norm(&[4], None, None, 0.0) * &w)[1].clone();
    near(&g, &[2.0, 2.0, -2.0, -2.0], 1e-6);
}

#[test]
fn products_overflow_only_where_the_result_does() {
    let x = [1e30, 1e-30, 1e30, 1e-30];
    let g = [1e-30, 1e30, 1e-30, 1e30];
    check(&f32s(&x), |x| x.prod(&[]), &[1.0], &g);
    let sorted = [1e30, 1e30, 1e-30, 1e-30];
    check(
        &f32s(&sorted),
        |x| x.prod(&[]),
        &[1.0],
        &[1e-30, 1e-30, 1e30, 1e30],
    );
    let wide = [1e200, 1e200, 1e-200, 1e-200];
    check(
        &f64s(&wide),
        |x| x.prod(&[]),
        &[1.0],
        &[1e-200, 1e-200, 1e200, 1e200],
    );
    check(
        &f64s(&[0.0, 1e200, 1e200, 1e-300]),
        |x| x.prod(&[]),
        &[0.0],
        &[1e100, 0.0, 0.0, 0.0],
    );
    check(&f64s(&[0.0, 2.0, 0.0]), |x| x.prod(&[]), &[0.0], &[0.0; 3]);
    check(
        &f32s(&[3e38, 1.0]),
        |x| x.prod(&[]),
        &[3e38f32.into()],
        &[1.0, 3e38f32.into()],
    );
    check(
        &f32s(&[-2.0, 1e-45, 1e38]),
        |x| x.slice(0, 0, 1, 1).prod(&[]),
        &[-2.0],
        &[1.0, 0.0, 0.0],
    );
    let many = f64s(&[2.0; 3000]);
    assert_eq!(at(&many, |x| (x * 0.5).prod(&[]))[0], [1.0]);
    let whole = Var::new(&[3i64, -2, 7], &[3]);
    assert_eq!(whole.prod(&[]).to_vec::<i64>().expect("i64"), [-42]);

    let up = [1e-30, 1e-30, 1e30, 1e30];
    let y = at(&f32s(&up), |x| x.cumprod(0));
    near(&y[0], &[1e-30f32.into(), 0.0, 1e-30f32.into(), 1.0], 1e-6);
    let last = |x: &Var| x.cumprod(0).slice(0, 3, 1, 1);
    check(&f32s(&up), last, &[1.0], &[1e30, 1e30, 1e-30, 1e-30]);
    check(
        &f64s(&[2.0, 0.0, 3.0]),
        |x| x.cumprod(0),
        &[2.0, 0.0, 0.0],
        &[1.0, 8.0, 0.0],
    );
    let whole = Var::new(&[true, true, false], &[3]).cumprod(0);
    assert_eq!(whole.to_vec::<i64>().expect("i64"), [1, 1, 0]);
}

#[test]
fn a_number_over_a_tensor_is_rounded_once() {
    assert_eq!((49.0 / Var::scalar(49.0)).item().expect("one"), 1.0);
    check(&f64s(&[1e-310]), |x| 1e-10 / x, &[1e300], &[-INF]);
    check(&f64s(&[0.0, -2.0]), |x| 0.0 / x, &[NAN, 0.0], &[NAN, 0.0]);
    for n in 1..200 {
        let x = Var::scalar(f64::from(n));
        for c in [1.0, 3.0, 49.0, 0.1] {
            assert_eq!((c / &x).item().expect("one"), c / f64::from(n));
            assert_eq!((&x / c).item().expect("one"), f64::from(n) / c);
        }
    }
}

#[test]
fn losses_keep_their_digits_where_they_are_small() {
    for (x, y) in [(15.0, 1.0), (-15.0, 0.0), (30.0, 1.0), (-60.0, 0.0)] {
        let small = (-f64::abs(x)).exp();
        let slope = if y == 1.0 { -small } else { small };
        let loss = |v: &Var| v.bce_with_logits(&Var::full(&[1], y, v.dtype(), v.device()));
        near(&at(&f32s(&[x]), loss)[0], &[small.ln_1p()], 1e-6);
        near(&at(&f32s(&[x]), loss)[1], &[slope / (1.0 + small)], 1e-6);
        let class = Var::new(&[i64::from(y == 0.0)], &[1]);
        let entropy = |v: &Var| Var::stack(&[v.clone(), v.zeros_like()], 1).cross_entropy(&class);
        near(&at(&f32s(&[x]), entropy)[0], &[small.ln_1p()], 1e-6);
        let row = Var::from(f32s(&[-f64::abs(x), 0.0]));
        near(
            &row.logsumexp(&[]).tensor().to_f64(),
            &[small.ln_1p()],
            1e-6,
        );
        let log = row.log_softmax(0).tensor().to_f64();
        near(&log, &[-f64::abs(x), -small.ln_1p()], 1e-6);
    }
    check(
        &f64s(&[0.0]),
        |x| x.bce_with_logits(&Var::new(&[0.25], &[1])),
        &[2f64.ln()],
        &[0.25],
    );
    let x = Var::from(f64s(&[-INF, -INF]));
    assert_eq!(x.logsumexp(&[]).item().expect("one"), -INF);
    let x = Var::from(f64s(&[INF, 1.0, NAN]));
    assert!(x.logsumexp(&[]).item().expect("one").is_nan());
}

#[test]
fn between_equal_infinities_and_at_the_ends_nothing_is_lost() {
    use Interpolation::{Higher, Linear, Lower, Midpoint, Nearest};
    let q = |x: &[f64], q: f64, between| {
        let x = Var::from(f64s(x));
        let y = x.quantile(&Var::scalar(q), 0, false, between);
        y.item().expect("one")
    };
    for between in [Linear, Lower, Higher, Midpoint, Nearest] {
        assert_eq!(q(&[0.0, INF], 1.0, between), INF);
        assert_eq!(q(&[INF, INF], 0.3, between), INF);
        assert_eq!(q(&[-INF, -INF, 0.0], 0.25, between), -INF);
        assert_eq!(q(&[1.0, INF], 0.0, between), 1.0);
    }
    assert_eq!(q(&[-INF, 0.0], 0.5, Linear), -INF);
    assert_eq!(q(&[0.0, INF], 0.5, Linear), INF);
    assert!(q(&[-INF, INF], 0.5, Linear).is_nan());
    assert_eq!(q(&[-1.7e308, 1.7e308], 0.5, Linear), 0.0);
    let lerp = |a: f64, b: f64, w: f64| {
        let y = Var::scalar(a).lerp(&Var::scalar(b), &Var::scalar(w));
        y.item().expect("one")
    };
    assert_eq!(lerp(0.1, 0.7, 1.0), 0.7);
    assert_eq!(lerp(INF, 1.0, 1.0), 1.0);
    assert_eq!(lerp(2.0, -INF, 0.0), 2.0);
    check(
        &f64s(&[1.0]),
        |x| x.lerp(&Var::new(&[3.0], &[1]), &Var::new(&[0.25], &[1])),
        &[1.5],
        &[0.75],
    );
}

#[test]
fn searches_and_modes_agree_with_counting() {
    let row = Var::from(f64s(&[0.0, 1.0, 1.0, 2.0, NAN, NAN]));
    let x = Var::from(f64s(&[-INF, 1.0, 1.5, INF, NAN]));
    let found = |right| row.searchsorted(&x, right).to_vec::<i64>().expect("i64");
    assert_eq!(found(false), [0, 1, 3, 4, 4]);
    assert_eq!(found(true), [0, 3, 3, 4, 6]);
    let rows = Var::new(&[0i64, 2, 4, 1, 3, 5], &[2, 3]);
    let x = Var::new(&[3i64, 3], &[2, 1]);
    assert_eq!(
        rows.searchsorted(&x, false).to_vec::<i64>().expect("i64"),
        [2, 1]
    );
    let narrow = Var::new(&[1.0f32], &[1]).searchsorted(&Var::scalar(1.0f64), true);
    assert_eq!(narrow.to_vec::<i64>().expect("i64"), [1]);

    let x = Var::from(f64s(&[3.0, 1.0, 3.0, 1.0, 2.0]));
    let (value, place) = x.mode(0);
    assert_eq!(
        (value.item().expect("one"), place.item().expect("one")),
        (1.0, 3.0)
    );
    let (value, _) = Var::from(f64s(&[NAN, NAN])).mode(0);
    assert!(value.item().expect("one").is_nan());
    let x = Var::new(&[1i64, 2, 2, 5, 5, 5], &[2, 3]);
    assert_eq!(x.mode(0).0.to_vec::<i64>().expect("i64"), [1, 2, 2]);
    assert_eq!(x.mode(1).1.to_vec::<i64>().expect("i64"), [2, 2]);
}

#[test]
fn integers_are_folded_along_any_axis() {
    for dtype in [DType::I64, DType::I32, DType::I8, DType::U8, DType::Bool] {
        let plain = Var::new(&[3i64, 0, 1, 7, 0, 2, 5, 0, 0, 1, 0, 9], &[2, 3, 2]).to_dtype(dtype);
        let x = plain.to_dtype(DType::F64);
        for axes in [&[][..], &[0], &[1], &[2], &[0, 2], &[0, 1]] {
            let same = |a: Var, b: Var| near(&a.tensor().to_f64(), &b.tensor().to_f64(), 0.0);
            same(plain.sum(axes), x.sum(axes));
            same(plain.prod(axes), x.prod(axes));
            same(plain.amax(axes), x.amax(axes));
            same(plain.amin(axes), x.amin(axes));
            let (turned, y) = (plain.transpose(0, 2), x.transpose(0, 2));
            same(turned.sum(axes), y.sum(axes));
            same(turned.amax(axes), y.amax(axes));
        }
        let none = plain.slice(1, 0, 0, 1);
        assert_eq!(none.sum(&[1]).to_vec::<i64>().expect("i64"), [0; 4]);
        assert_eq!(none.prod(&[1]).to_vec::<i64>().expect("i64"), [1; 4]);
        assert_eq!(none.amax(&[0]).shape(), [0, 2]);
    }
}

#[test]
fn powers_have_third_derivatives_at_zero() {
    let x = Var::leaf(f64s(&[0.0]));
    for (p, want) in [
        (1.0, [1.0, 0.0, 0.0]),
        (2.0, [0.0, 2.0, 0.0]),
        (3.0, [0.0, 0.0, 6.0]),
    ] {
        let mut y = x.pow(&Var::new(&[p], &[1]));
        for want in want {
            y = vjp(&[y.clone()], &[y.ones_like()], &[x.clone()]).expect("smooth")[0].clone();
            assert_eq!(y.item().expect("one"), want, "x^{p}");
        }
    }
}

#[test]
fn gradients_at_special_points_are_pytorchs() {
    let x = [0.0, -0.0, 1.0, 0.5, NAN];
    type Row = (fn(&Var) -> Var, [f64; 5], [f64; 5]);
    let rows: [Row; 6] = [
        (|x| x.elu(1.0), [1.0, 1.0, 1.0, 1.0, NAN], [1.0; 5]),
        (|x| x.celu(1.0), [1.0, 1.0, 1.0, 1.0, NAN], [1.0; 5]),
        (
            Var::relu6,
            [0.0, 0.0, 1.0, 1.0, 0.0],
            [0.0, 0.0, 1.0, 1.0, 1.0],
        ),
        (
            |x| x.hardtanh(-1.0, 1.0),
            [1.0, 1.0, 0.0, 1.0, 0.0],
            [1.0, 1.0, 0.0, 1.0, 1.0],
        ),
        (
            |x| x.softshrink(0.5),
            [0.0, 0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0, 1.0],
        ),
        (
            |x| x.logit(None),
            [INF, -INF, INF, 4.0, NAN],
            [INF, INF, INF, 4.0, NAN],
        ),
    ];
    for (f, double, single) in rows {
        near(&at(&f64s(&x), f)[1], &double, 1e-12);
        near(&at(&f32s(&x), f)[1], &single, 1e-6);
    }
    let slope = |x: f64| at(&f64s(&[x]), Var::sinc)[1][0];
    assert!(slope(0.0) == 0.0 && slope(5e-324).abs() < 1e-300);
    assert!((slope(1e-3) / (-std::f64::consts::PI.powi(2) * 1e-3 / 3.0) - 1.0).abs() < 1e-5);
    let one = |n: usize| Var::new(&vec![1.0f64; n], &[1, n]).cov(None, None, 0.0);
    assert_eq!(one(3).shape(), [0usize; 0]);
    assert_eq!(one(3).correlation().shape(), [0usize; 0]);
    let two =
        |f: fn(&Var, &Var) -> Var| at(&f64s(&[0.0, 1.0, NAN]), |x| f(x, &x.detach()))[1].clone();
    near(&two(Var::fmax), &[0.5, 0.5, 1.0], 0.0);
    near(&two(Var::fmin), &[0.5, 0.5, 1.0], 0.0);
    let tiny = Var::from(f64s(&[-1e-20, 5e-324]));
    near(&tiny.digamma().tensor().to_f64()[..1], &[1e20], 1e-12);
    near(&at(&f64s(&[5e-324]), Var::i1)[1], &[0.5], 1e-12);
    near(
        &at(&f64s(&[1e-310]), |y| y.zeros_like() / y)[1],
        &[0.0],
        0.0,
    );
}
