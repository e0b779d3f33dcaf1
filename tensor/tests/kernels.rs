//! Kernels against loops at every SIMD level: lengths around every vector width, contiguous and not.

use lepton_tensor::ops::{self, Activation, Extreme, ReduceOp};
use lepton_tensor::random::Rng;
use lepton_tensor::simd::{Lane, Level, MapBody, Num, ZipBody, with_level};
use lepton_tensor::{DType, Tensor};

#[derive(Clone, Copy)]
struct Blend;

impl ZipBody for Blend {
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x * y - x
    }
}

impl ops::IntZip for Blend {
    const INT: bool = true;
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x * y - x
    }
}

#[derive(Clone, Copy)]
struct Square;

impl MapBody for Square {
    fn f<T: Lane>(&self, x: T) -> T {
        x * x
    }
}

impl ops::IntMap for Square {
    const INT: bool = true;
    fn int<T: Num>(&self, x: T) -> T {
        x * x
    }
}

/// `n` whole numbers, so that sums and products of a few are exact in f32, whatever their order.
fn whole(rng: &mut Rng, n: usize, dtype: DType) -> Tensor {
    let x = Tensor::build(&[n], |out: &mut [f64]| {
        out.iter_mut().for_each(|v| *v = rng.below(9) as f64 - 4.0)
    });
    ops::cast(&x, dtype)
}

/// The same elements contiguous, as every second one, and backwards.
fn forms(x: &Tensor) -> [Tensor; 3] {
    let n = x.numel();
    let pairs = ops::cat(
        &[x.reshape(&[n, 1]).unwrap(), x.reshape(&[n, 1]).unwrap()],
        1,
    );
    let spread = pairs.reshape(&[2 * n]).unwrap().slice(0, 0, n, 2).unwrap();
    let end = n.saturating_sub(1);
    let turned = x.slice(0, end, n, -1).unwrap().contiguous();
    [x.clone(), spread, turned.slice(0, end, n, -1).unwrap()]
}

fn everywhere(f: impl Fn(&str)) {
    for level in Level::available() {
        with_level(level, || f(level.name()));
    }
}

#[test]
fn elementwise_and_folds_at_every_length() {
    everywhere(|level| {
        for dtype in [DType::F32, DType::F64, DType::I64, DType::I32] {
            for n in 0..=67 {
                let mut rng = Rng::new(n as u64);
                let (x, y) = (whole(&mut rng, n, dtype), whole(&mut rng, n, dtype));
                let (a, b) = (x.to_f64(), y.to_f64());
                let place = format!("{level}, {dtype}, {n} elements");
                let blend: Vec<f64> = a.iter().zip(&b).map(|(x, y)| x * y - x).collect();
                let square: Vec<f64> = a.iter().map(|x| x * x).collect();
                for (mut p, mut q) in forms(&x).into_iter().zip(forms(&y)) {
                    assert_eq!(
                        ops::map(&mut p.clone(), &Square).to_f64(),
                        square,
                        "map, {place}"
                    );
                    let sum = ops::reduce(ReduceOp::Sum, &p, &[0]).item().unwrap();
                    assert_eq!(sum, a.iter().sum::<f64>(), "sum, {place}");
                    let product =
                        ops::reduce(ReduceOp::Prod, &p.slice(0, 0, n.min(9), 1).unwrap(), &[0]);
                    assert_eq!(
                        product.item().unwrap(),
                        a.iter().take(9).product::<f64>(),
                        "product, {place}"
                    );
                    if n > 0 {
                        let top = ops::reduce(ReduceOp::Max, &p, &[0]).item().unwrap();
                        assert_eq!(
                            top,
                            a.iter().copied().fold(f64::MIN, f64::max),
                            "max, {place}"
                        );
                        let low = ops::arg_reduce(Extreme::Min, &p, 0).item().unwrap() as usize;
                        let first = (0..n)
                            .rev()
                            .min_by(|&i, &j| a[i].total_cmp(&a[j]).then(i.cmp(&j)));
                        assert_eq!(Some(low), first, "argmin, {place}");
                    }
                    let running = ops::cumsum(&p, 0).to_f64();
                    assert_eq!(
                        running.last().copied().unwrap_or(0.0),
                        a.iter().sum::<f64>(),
                        "cumsum, {place}"
                    );
                    assert_eq!(
                        ops::zip(&mut p, &mut q, &Blend).to_f64(),
                        blend,
                        "zip, {place}"
                    );
                }
            }
        }
    });
}

#[test]
fn softmax_at_every_length() {
    everywhere(|level| {
        for dtype in [DType::F32, DType::F64] {
            for n in 1..=67 {
                let x = whole(&mut Rng::new(n as u64), n, dtype);
                let e: Vec<f64> = x.to_f64().iter().map(|v| v.exp()).collect();
                let total: f64 = e.iter().sum();
                let slack = if dtype == DType::F32 { 1e-6 } else { 1e-14 };
                for (log, want) in [
                    (false, e.clone()),
                    (true, e.iter().map(|v| v.ln()).collect()),
                ] {
                    let y = ops::softmax(&x, 0, log).to_f64();
                    for (y, w) in y.iter().zip(want) {
                        let w = if log { w - total.ln() } else { w / total };
                        assert!(
                            (y - w).abs() <= slack * (1.0 + w.abs()),
                            "{level}, {dtype}, {n}: {y} {w}"
                        );
                    }
                }
            }
        }
    });
}

/// All sides from 0 to a few beyond a tile, operands in both orders, against three loops.
#[test]
fn products_of_every_small_shape() {
    everywhere(|level| {
        let sides = [0usize, 1, 2, 3, 5, 7, 8, 13, 16, 17, 33];
        let count = sides.len();
        for i in 0..count * count * count {
            let (m, k, n) = (
                sides[i / count / count],
                sides[i / count % count],
                sides[i % count],
            );
            let mut rng = Rng::new((m * 10_000 + k * 100 + n) as u64);
            let a = whole(&mut rng, m * k, DType::F32).reshape(&[m, k]).unwrap();
            let b = whole(&mut rng, k * n, DType::F32).reshape(&[k, n]).unwrap();
            let bias = whole(&mut rng, n, DType::F32);
            let (x, y, z) = (a.to_f64(), b.to_f64(), bias.to_f64());
            let at = |i: usize| {
                let sum: f64 = (0..k).map(|p| x[i / n * k + p] * y[p * n + i % n]).sum();
                (sum + z[i % n]).max(0.0)
            };
            let want: Vec<f64> = (0..m * n).map(at).collect();
            let turned = |t: &Tensor| {
                t.permute(&[1, 0])
                    .unwrap()
                    .contiguous()
                    .permute(&[1, 0])
                    .unwrap()
            };
            for (a, b) in [
                (a.clone(), b.clone()),
                (turned(&a), b.clone()),
                (a.clone(), turned(&b)),
                (turned(&a), turned(&b)),
            ] {
                let got = ops::matmul(&a, &b, Some(&bias), Activation::Relu).to_f64();
                assert_eq!(
                    got,
                    want,
                    "{level}: [{m}, {k}] by {:?} times [{k}, {n}] by {:?}",
                    a.strides(),
                    b.strides()
                );
            }
        }
    });
}

/// A dense layer has the bits of the product with its weights transposed, whatever the rows.
#[test]
fn linear_is_the_product_with_the_weights_transposed() {
    everywhere(|level| {
        for (m, k, n) in [
            (1, 6, 64),
            (1, 17, 5),
            (2, 8, 3),
            (1, 0, 2),
            (0, 3, 2),
            (5, 9, 1),
        ] {
            let of = |stream, shape: &[usize]| ops::normal(21, stream, shape, DType::F32);
            let (x, w, bias) = (of(1, &[m, k]), of(2, &[n, k]), of(3, &[n]));
            let turned = w.permute(&[1, 0]).unwrap();
            for bias in [None, Some(&bias)] {
                for activation in [Activation::None, Activation::Relu] {
                    let got = ops::linear(&x, &w, bias, activation);
                    let want = ops::matmul(&x, &turned, bias, activation);
                    assert_eq!(got.shape(), [m, n]);
                    assert_eq!(got.to_f64(), want.to_f64(), "{level}: {m} x {k} to {n}");
                }
            }
        }
    });
}

/// Rows shorter than a register are read with what follows them, which must not matter.
#[test]
fn what_follows_a_row_does_not_reach_its_dot_product() {
    everywhere(|level| {
        for k in 1..40 {
            for (rows, stride) in [(9, k), (9, k + 3), (2, k + 40)] {
                let mut data = vec![f32::NAN; rows * stride];
                let even = (0..rows).step_by(2);
                even.for_each(|i| data[i * stride..][..k].fill(0.5));
                let all = Tensor::from_slice(&data, &[rows, stride]).unwrap();
                let w = all.slice(1, 0, k, 1).unwrap();
                let x = Tensor::from_slice(&vec![2.0f32; k], &[1, k]).unwrap();
                let got = ops::linear(&x, &w, None, Activation::None).to_f64();
                for (i, y) in got.into_iter().enumerate() {
                    let fits = if i % 2 == 0 {
                        y == k as f64
                    } else {
                        y.is_nan()
                    };
                    assert!(
                        fits,
                        "{level}: row {i} of {rows} x {k}, {stride} apart, gives {y}"
                    );
                }
            }
        }
    });
}

/// Folds over every axis of shapes with empty and single axes.
#[test]
fn folds_over_every_set_of_axes() {
    let shapes = [
        [0, 3, 2],
        [3, 0, 2],
        [2, 3, 0],
        [1, 5, 1],
        [2, 3, 4],
        [4, 1, 70],
    ];
    for shape in shapes {
        let n = shape.iter().product();
        let x = whole(&mut Rng::new(5), n, DType::F32)
            .reshape(&shape)
            .unwrap();
        for mask in 0..8 {
            let axes: Vec<usize> = (0..3).filter(|a| mask >> a & 1 == 1).collect();
            let y = ops::reduce(ReduceOp::Sum, &x, &axes);
            let kept: Vec<usize> = (0..3)
                .filter(|a| !axes.contains(a))
                .map(|a| shape[a])
                .collect();
            assert_eq!(y.shape(), kept, "{shape:?} over {axes:?}");
            let mut want = vec![0.0; kept.iter().product()];
            for (i, v) in x.to_f64().into_iter().enumerate() {
                let index = [
                    i / (shape[1] * shape[2]),
                    i / shape[2] % shape[1],
                    i % shape[2],
                ];
                let at = (0..3)
                    .filter(|a| !axes.contains(a))
                    .fold(0, |at, a| at * shape[a] + index[a]);
                want[at] += v;
            }
            assert_eq!(y.to_f64(), want, "{shape:?} over {axes:?}");
        }
    }
}

#[test]
fn folds_are_right_for_narrow_rows_and_long_ones_and_any_axis() {
    let mut rng = Rng::new(3);
    let shapes: [[usize; 3]; 8] = [
        [1, 1000, 3],
        [1, 7, 1],
        [3, 16_500, 5],
        [2, 129, 300],
        [5, 63, 1],
        [2, 65_600, 1],
        [1, 131_075, 1],
        [4, 3, 7],
    ];
    for shape in shapes {
        // Whole numbers up to 4: their sums are exact in f32, in any order.
        let x = whole(&mut rng, shape.iter().product(), DType::F32);
        let x = x.reshape(&shape).unwrap();
        let v = x.to_f64();
        for fold in [ReduceOp::Sum, ReduceOp::Max, ReduceOp::Min] {
            for axis in 0..3 {
                let inner: usize = shape[axis + 1..].iter().product();
                let at = |i: usize, r: usize| v[(i / inner * shape[axis] + r) * inner + i % inner];
                let step = |a: f64, b: f64| match fold {
                    ReduceOp::Max => a.max(b),
                    ReduceOp::Min => a.min(b),
                    _ => a + b,
                };
                let n = v.len() / shape[axis];
                let one = |i| (1..shape[axis]).fold(at(i, 0), |a, r| step(a, at(i, r)));
                let want: Vec<f64> = (0..n).map(one).collect();
                for level in Level::available() {
                    let got = with_level(level, || ops::reduce(fold, &x, &[axis])).to_f64();
                    assert!(
                        got == want,
                        "{fold:?} over axis {axis} of {shape:?} at {level:?}"
                    );
                }
            }
        }
    }
}

/// Bodies of one instruction and of several, by number.
#[derive(Clone, Copy)]
struct Numbered(u8);

impl ZipBody for Numbered {
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        match self.0 {
            0 => x + y,
            1 => y - x,
            2 => x * y,
            3 => x / y,
            4 => x.max(y),
            5 => y.min(x),
            6 => x.mul_add(y, x),
            7 => (x * y).exp(),
            _ => x.abs().sqrt() - y,
        }
    }
}

impl ops::IntZip for Numbered {
    const INT: bool = false;
    fn int<T: Num>(&self, x: T, _: T) -> T {
        x
    }
}

#[test]
fn one_element_has_the_bits_it_has_among_others() {
    let numbers = [0.0, -0.0, 1.1, -2.7, 1e-30, f64::INFINITY, 0.3, -1e20];
    for dtype in [DType::F32, DType::F64] {
        let all = |f: &dyn Fn(usize) -> f64| {
            let n = numbers.len() * numbers.len();
            ops::cast(
                &Tensor::from_vec((0..n).map(f).collect::<Vec<f64>>(), &[n]).unwrap(),
                dtype,
            )
        };
        let x = all(&|i| numbers[i % numbers.len()]);
        let y = all(&|i| numbers[i / numbers.len()]);
        for level in Level::available() {
            for body in (0..9).map(Numbered) {
                with_level(level, || {
                    let want = ops::zip(&mut x.clone(), &mut y.clone(), &body).to_f64();
                    for (i, want) in want.into_iter().enumerate() {
                        let one = |x: &Tensor| x.slice(0, i, 1, 1).unwrap();
                        let got = ops::zip(&mut one(&x), &mut one(&y), &body).to_f64()[0];
                        let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
                        assert!(
                            same,
                            "body {} of pair {i} at {level:?}: {got}, not {want}",
                            body.0
                        );
                    }
                });
            }
        }
    }
}

#[test]
fn a_step_of_adam_on_a_large_parameter_is_that_of_its_parts() {
    let (n, at) = (100_003, 33_001);
    let step = ops::AdamStep {
        beta1: 0.9,
        beta2: 0.999,
        learning_rate: 0.01,
        scale: 1.5,
        eps: 1e-8,
        l2: 0.1,
        keep: 0.99,
    };
    let mut rng = Rng::new(5);
    let [p, g, m, v] = [(); 4].map(|()| {
        Tensor::build(&[n], |out: &mut [f32]| {
            out.iter_mut().for_each(|x| *x = rng.uniform() as f32)
        })
    });
    let update = |part: &dyn Fn(&Tensor) -> Tensor| {
        let [mut p, g, mut m, mut v] = [&p, &g, &m, &v].map(part);
        ops::adam_step(&mut p, &g, &mut m, &mut v, step);
        [p, m, v].map(|x| x.to_f64())
    };
    let whole = update(&|x| x.clone());
    let head = update(&|x| x.slice(0, 0, at, 1).unwrap());
    let tail = update(&|x| x.slice(0, at, n - at, 1).unwrap());
    for ((whole, head), tail) in whole.into_iter().zip(head).zip(tail) {
        assert!(whole == [head, tail].concat());
    }
}
