//! Rows of many lengths against the definitions in f64, at every level.

use super::{part, power, put};
use crate::random::Rng;
use crate::simd::{Float, Kernel, Level, Simd, Vector, with_level};
use crate::{DType, Tensor, ops};

/// Lengths around vectors, blocks and caches, and what no vector fits.
const LENGTHS: [usize; 11] = [1, 3, 7, 8, 15, 33, 257, 1000, 1023, 1025, 4099];
const ROWS: usize = 3;

fn values(rng: &mut Rng, n: usize, wide: f64) -> Vec<f64> {
    (0..n).map(|_| wide * (2.0 * rng.uniform() - 1.0)).collect()
}

fn tensor(x: &[f64], shape: &[usize]) -> Tensor {
    let x = x.iter().map(|&v| v as f32).collect();
    Tensor::from_vec::<f32>(x, shape).expect("as many")
}

fn close(what: &str, len: usize, got: &Tensor, want: &[f64], tolerance: f64) {
    let scale = want.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
    for (i, (g, w)) in got.to_f64().iter().zip(want).enumerate() {
        let fits = (g - w).abs() <= tolerance * scale;
        assert!(
            fits,
            "{what}, rows of {len}, element {i}: {g} instead of {w}"
        );
    }
}

/// Runs `check` at every level and length.
fn everywhere(check: impl Fn(&mut Rng, usize)) {
    for level in Level::available() {
        for len in LENGTHS {
            with_level(level, || check(&mut Rng::new(len as u64), len));
        }
    }
}

fn plain_softmax(x: &[f64], len: usize) -> Vec<f64> {
    let row = |x: &[f64]| -> Vec<f64> {
        let total: f64 = x.iter().map(|v| v.exp()).sum();
        x.iter().map(|v| v.exp() / total).collect()
    };
    x.chunks(len).flat_map(row).collect()
}

#[test]
fn softmax_and_its_gradient_follow_the_definition() {
    everywhere(|rng, len| {
        let (x, g) = (values(rng, ROWS * len, 5.0), values(rng, ROWS * len, 1.0));
        let shape = [ROWS, len];
        let (xt, gt) = (tensor(&x, &shape), tensor(&g, &shape));
        let y = plain_softmax(&x, len);
        let log: Vec<f64> = y.iter().map(|v| v.ln()).collect();
        close("softmax", len, &ops::softmax(&xt, 1, false), &y, 1e-6);
        close("log softmax", len, &ops::softmax(&xt, 1, true), &log, 1e-6);
        let (mut plain, mut logs) = (Vec::new(), Vec::new());
        for (g, y) in g.chunks(len).zip(y.chunks(len)) {
            let along: f64 = g.iter().zip(y).map(|(g, y)| g * y).sum();
            let total: f64 = g.iter().sum();
            plain.extend(g.iter().zip(y).map(|(g, y)| (g - along) * y));
            logs.extend(g.iter().zip(y).map(|(g, y)| g - y * total));
        }
        let got = ops::softmax_backward(&gt, &tensor(&y, &shape), 1, false);
        close("softmax's gradient", len, &got, &plain, 4e-6);
        let got = ops::softmax_backward(&gt, &tensor(&log, &shape), 1, true);
        close("log softmax's gradient", len, &got, &logs, 4e-6);
    });
}

#[test]
fn a_rows_bits_do_not_depend_on_where_it_stands() {
    let rng = &mut Rng::new(3);
    for len in (1..70).chain([255, 256, 257, 1030]) {
        let row = values(rng, len, 5.0);
        let alone = |level| with_level(level, || ops::softmax(&tensor(&row, &[1, len]), 1, false));
        for start in [1, 5, 16, 31] {
            let mut x = vec![7.0; start];
            x.extend(&row);
            let behind = tensor(&x, &[1, start + len]);
            let behind = behind.slice(1, start, len, 1).expect("inside");
            for level in Level::available() {
                let y = with_level(level, || ops::softmax(&behind, 1, false));
                assert_eq!(y.to_f64(), alone(level).to_f64(), "{level:?} {len} {start}");
                // Rows one below the other stand where their length puts them.
                let many: Vec<f64> = (0..start).flat_map(|_| row.clone()).collect();
                let many = with_level(level, || {
                    ops::softmax(&tensor(&many, &[start, len]), 1, false)
                });
                for y in many.to_f64().chunks(len) {
                    assert_eq!(y, alone(level).to_f64(), "{level:?} {len} of {start}");
                }
            }
        }
    }
}

#[test]
fn cross_entropy_and_its_gradient_follow_the_definition() {
    everywhere(|rng, len| {
        let (x, g) = (values(rng, ROWS * len, 5.0), values(rng, ROWS, 1.0));
        let classes: Vec<i64> = (0..ROWS).map(|_| rng.below(len as u64) as i64).collect();
        let y = plain_softmax(&x, len);
        let at = |r: usize| r * len + classes[r] as usize;
        let want: Vec<f64> = (0..ROWS).map(|r| -y[at(r)].ln()).collect();
        let mut slope: Vec<f64> = (0..ROWS * len).map(|i| g[i / len] * y[i]).collect();
        (0..ROWS).for_each(|r| slope[at(r)] -= g[r]);
        let (xt, gt) = (tensor(&x, &[ROWS, len]), tensor(&g, &[ROWS]));
        let classes = Tensor::from_vec(classes.clone(), &[ROWS]).expect("as many");
        let got = ops::cross_entropy(&xt, &classes).expect("classes inside");
        close("cross entropy", len, &got, &want, 1e-6);
        let got = ops::cross_entropy_backward(&gt, &xt, &classes).expect("classes inside");
        close("cross entropy's gradient", len, &got, &slope, 2e-6);
    });
}

#[test]
fn a_class_outside_is_an_error() {
    let x = tensor(&[0.0; 6], &[2, 3]);
    let classes = Tensor::from_vec(vec![0i64, 3], &[2]).expect("two");
    let said = ops::cross_entropy(&x, &classes)
        .expect_err("3 of 3")
        .to_string();
    assert!(said.contains("index 3 is out of range"), "{said}");
}

/// A row's normalised elements and its scale.
fn unit(x: &[f64], norm: ops::Norm) -> (Vec<f64>, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n * f64::from(u8::from(norm.centred));
    let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let scale = 1.0 / (variance + norm.eps).sqrt();
    (x.iter().map(|v| (v - mean) * scale).collect(), scale)
}

#[test]
fn normalisation_and_its_gradient_follow_the_definition() {
    for centred in [true, false] {
        let norm = ops::Norm {
            axes: 1,
            eps: 1e-2,
            centred,
        };
        everywhere(|rng, len| {
            let x: Vec<f64> = values(rng, ROWS * len, 1.0)
                .iter()
                .map(|v| v + 3.0)
                .collect();
            let (w, b) = (values(rng, len, 1.0), values(rng, len, 1.0));
            let g = values(rng, ROWS * len, 1.0);
            let (mut y, mut dx) = (Vec::new(), Vec::new());
            let (mut dw, mut db) = (vec![0.0; len], vec![0.0; len]);
            for (x, g) in x.chunks(len).zip(g.chunks(len)) {
                let (unit, scale) = unit(x, norm);
                let a: Vec<f64> = g.iter().zip(&w).map(|(g, w)| g * w).collect();
                let mean = |v: &dyn Fn(usize) -> f64| (0..len).map(v).sum::<f64>() / len as f64;
                let shift = if centred { mean(&|i| a[i]) } else { 0.0 };
                let slope = mean(&|i| a[i] * unit[i]);
                y.extend((0..len).map(|i| unit[i] * w[i] + b[i]));
                dx.extend((0..len).map(|i| scale * (a[i] - shift - unit[i] * slope)));
                (0..len).for_each(|i| {
                    dw[i] += g[i] * unit[i];
                    db[i] += g[i];
                });
            }
            let shape = [ROWS, len];
            let (xt, gt, wt, bt) = (
                tensor(&x, &shape),
                tensor(&g, &shape),
                tensor(&w, &[len]),
                tensor(&b, &[len]),
            );
            close(
                "norm",
                len,
                &ops::layer_norm(&xt, Some(&wt), Some(&bt), norm),
                &y,
                4e-6,
            );
            let (gx, rest) = ops::layer_norm_backward(&gt, &xt, Some(&wt), norm);
            let [gw, gb] = rest.expect("a weight");
            close("norm's gradient", len, &gx, &dx, 2e-5);
            close("norm's gradient of the weight", len, &gw, &dw, 2e-5);
            close("norm's gradient of the bias", len, &gb, &db, 1e-6);
        });
    }
}

#[test]
fn a_long_row_of_one_value_has_the_sum_it_should() {
    let x = Tensor::build(&[1, 1 << 20], |out: &mut [f32]| out.fill(0.1));
    let y = ops::softmax(&x, 1, false).to_f64();
    assert!((y[77] * (1 << 20) as f64 - 1.0).abs() < 1e-6);
    assert_eq!(x.dtype(), DType::F32);
}

#[test]
fn nothing_and_not_a_number_come_out_as_they_are() {
    let empty = Tensor::build(&[0, 4], |_: &mut [f32]| {});
    assert_eq!(ops::softmax(&empty, 1, false).shape(), [0, 4]);
    let none = Tensor::build(&[4, 0], |_: &mut [f32]| {});
    assert_eq!(ops::softmax(&none, 1, true).shape(), [4, 0]);
    let odd = tensor(&[0.0, f64::NAN, 1.0], &[1, 3]);
    assert!(
        ops::softmax(&odd, 1, false)
            .to_f64()
            .iter()
            .all(|v| v.is_nan())
    );
}

/// Runs [`power`] over a slice.
struct Powers<'a, T>(&'a mut [T]);

impl<T: Float> Kernel for Powers<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for i in (0..self.0.len()).step_by(T::Vec::<S>::LANES) {
            let y = power::<T, S>(part::<T, S>(&self.0[i..], T::default()));
            put::<T, S>(y, &mut self.0[i..]);
        }
    }
}

#[test]
fn powers_are_right_and_end_in_zero() {
    for level in Level::available() {
        let x: Vec<f32> = (0..200_001).map(|i| -1e-3 * i as f32 * 0.43).collect();
        let mut y = x.clone();
        level.dispatch(Powers(&mut y));
        for (&x, &y) in x.iter().zip(&y) {
            let want = f64::from(x).exp();
            let fits = (f64::from(y) - want).abs() <= 2e-7 * want || (y == 0.0 && want < 1.2e-38);
            assert!(fits, "e^{x} is {y} at {level:?}");
        }
        let x: Vec<f64> = (0..10_001).map(|i| -0.07 * f64::from(i)).collect();
        let mut y = x.clone();
        level.dispatch(Powers(&mut y));
        let fits = |(&x, &y): (&f64, &f64)| (y - x.exp()).abs() <= 1e-15 * x.exp();
        assert!(x.iter().zip(&y).all(fits));
        let mut odd = [f32::NEG_INFINITY, f32::NAN, 0.0, -0.0];
        level.dispatch(Powers(&mut odd));
        assert!(odd[0] == 0.0 && odd[1].is_nan() && odd[2..] == [1.0, 1.0]);
    }
}
