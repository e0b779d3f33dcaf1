//! Pools and their transposes against their definition, over random shapes.

use lepton_tensor::ops::{self, Divisor, Pool, Window};
use lepton_tensor::random::Rng;
use lepton_tensor::simd::{Level, with_level};
use lepton_tensor::{DType, Tensor};

/// The offsets that each window meets.
fn windows(pool: &Pool, [n, h, wd]: [usize; 3], [oh, ow]: [usize; 2]) -> Vec<Vec<usize>> {
    let w = &pool.window;
    let window = |o: usize| {
        let (image, r, col) = (o / (oh * ow), o / ow % oh, o % ow);
        let taps = (0..w.kernel[0] * w.kernel[1]).filter_map(move |tap| {
            let [a, b] = [tap / w.kernel[1], tap % w.kernel[1]];
            let row = (r * w.stride[0] + a * w.dilation[0]).wrapping_sub(w.padding[0]);
            let column = (col * w.stride[1] + b * w.dilation[1]).wrapping_sub(w.padding[1]);
            (row < h && column < wd).then(|| (image * h + row) * wd + column)
        });
        taps.collect()
    };
    (0..n * oh * ow).map(window).collect()
}

/// Numbers of which many are equal, so that the first of equals shows.
fn random(rng: &mut Rng, shape: &[usize], dtype: DType) -> Tensor {
    let wide = Tensor::build(shape, |out: &mut [f64]| {
        out.iter_mut().for_each(|x| *x = rng.below(9) as f64 - 4.0)
    });
    ops::cast(&wide, dtype)
}

fn same(what: &str, pool: &Pool, got: &Tensor, want: &[f64]) {
    let got = got.to_f64();
    assert_eq!(got.len(), want.len(), "{what}: {pool:?}");
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        let close = a == b || (a - b).abs() < 1e-5 || (a.is_nan() && b.is_nan());
        assert!(close, "{what}: element {i} is {a}, not {b}: {pool:?}");
    }
}

fn check(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut below = |n: u64| rng.below(n) as usize;
    let large = below(2) == 0;
    let size = [0, 1].map(|_| 1 + below(if large { 40 } else { 8 }));
    let [mut kernel, mut stride, mut dilation] = [4, 4, 2].map(|n| [0, 1].map(|_| 1 + below(n)));
    let pairs = below(3) == 0; // the most common columns of all
    if pairs {
        (kernel[1], stride[1], dilation[1]) = (2, 2, 1);
    }
    let mut most = [0, 1].map(|a| (dilation[a] * (kernel[a] - 1)).div_ceil(2));
    if pairs {
        most[1] = 0;
    }
    let window = Window {
        kernel,
        stride,
        padding: most.map(|m| below(m as u64 + 1)),
        dilation,
    };
    let pool = Pool {
        window,
        ceil: below(2) == 0,
    };
    let Some([oh, ow]) = pool.output(size) else {
        return;
    };
    let (n, c) = (1 + below(3), 1 + below(3));
    let (image, plane) = ([n, c, size[0], size[1]], [n, c, oh, ow]);
    let dtype = [DType::F32, DType::F64][below(2)];
    let [x, t, g] = [&image, &image, &plane].map(|s| random(&mut rng, s, dtype));
    let [xv, tv, gv] = [&x, &t, &g].map(Tensor::to_f64);
    let windows = windows(&pool, [n * c, size[0], size[1]], [oh, ow]);
    let first = |w: &Vec<usize>| {
        w.iter()
            .copied()
            .reduce(|a, b| if xv[b] > xv[a] { b } else { a })
    };
    let (mut most, mut picked, mut back) = (vec![], vec![], vec![0.0; xv.len()]);
    for (w, g) in windows.iter().zip(&gv) {
        let at = first(w);
        most.push(at.map_or(f64::NEG_INFINITY, |i| xv[i]));
        picked.push(at.map_or(0.0, |i| tv[i]));
        at.into_iter().for_each(|i| back[i] += g);
    }
    same("max", &pool, &ops::max_pool2d(&x, &pool), &most);
    same(
        "pick",
        &pool,
        &ops::max_pool2d_double_backward(&x, &t, &pool),
        &picked,
    );
    same(
        "max back",
        &pool,
        &ops::max_pool2d_backward(&x, &g, &pool),
        &back,
    );

    let sums: Vec<f64> = windows
        .iter()
        .map(|w| w.iter().map(|&i| xv[i]).sum())
        .collect();
    let pool = Pool {
        window: Window {
            dilation: [1, 1],
            ..pool.window
        },
        ..pool
    };
    if pool.window != window {
        return; // means have no dilation
    }
    let want: Vec<f64> = sums.iter().map(|s| s / 7.0).collect();
    let by = Divisor::Fixed(7);
    same("sum", &pool, &ops::avg_pool2d(&x, &pool, by), &want);
    let inside: Vec<f64> = windows.iter().map(|w| w.len() as f64).collect();
    let want: Vec<f64> = sums.iter().zip(&inside).map(|(s, n)| s / n).collect();
    let by = Divisor::Inside;
    same("mean", &pool, &ops::avg_pool2d(&x, &pool, by), &want);
    let mut back = vec![0.0; xv.len()];
    for (w, (g, n)) in windows.iter().zip(gv.iter().zip(&inside)) {
        w.iter().for_each(|&i| back[i] += g / n);
    }
    let got = ops::avg_pool2d_backward(&g, &pool, by, size);
    same("mean back", &pool, &got, &back);
}

#[test]
fn pools_of_random_shapes_are_those_of_the_definition() {
    for level in Level::available() {
        with_level(level, || (0..400).for_each(check));
    }
}

#[test]
fn nan_wins_and_negative_infinity_has_a_place() {
    let pool = Pool {
        window: Window {
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
            dilation: [1, 1],
        },
        ceil: false,
    };
    let (inf, nan) = (f32::NEG_INFINITY, f32::NAN);
    let x = vec![inf, inf, 1.0, 5.0, inf, inf, nan, 2.0];
    let x = Tensor::from_vec(x, &[1, 1, 2, 4]).unwrap();
    let y = ops::max_pool2d(&x, &pool).to_vec::<f32>().unwrap();
    assert!(y[0] == inf && y[1].is_nan());
    let g = Tensor::from_vec(vec![1.0f32, 2.0], &[1, 1, 1, 2]).unwrap();
    let back = ops::max_pool2d_backward(&x, &g, &pool)
        .to_vec::<f32>()
        .unwrap();
    assert_eq!(back, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
}
