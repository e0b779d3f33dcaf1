//! Convolution and its transposes against their definition, over random shapes.

use lepton_tensor::ops::{self, Window};
use lepton_tensor::random::Rng;
use lepton_tensor::simd::{Level, with_level};
use lepton_tensor::{DType, Tensor};

/// A convolution with random sizes.
#[derive(Debug)]
struct Example {
    x: [usize; 4],
    w: [usize; 4],
    groups: usize,
    window: Window,
    out: [usize; 2],
}

fn example(rng: &mut Rng) -> Example {
    loop {
        let mut below = |n: u64| rng.below(n) as usize;
        let groups = [1, 1, 2, 3][below(4)];
        let (inputs, outputs) = (1 + below(9), [1 + below(7), 4, 6, 8, 17][below(5)]);
        let large = below(3) == 0;
        let size = [0, 1].map(|_| 1 + below(if large { 40 } else { 9 }));
        let window = Window {
            kernel: [0, 1].map(|_| 1 + below(5)),
            stride: [0, 1].map(|_| 1 + below(3)),
            padding: [0, 1].map(|_| below(4)),
            dilation: [0, 1].map(|_| 1 + below(2)),
        };
        if let Some(out) = window.output(size) {
            return Example {
                x: [below(6), inputs * groups, size[0], size[1]],
                w: [outputs * groups, inputs, window.kernel[0], window.kernel[1]],
                groups,
                window,
                out,
            };
        }
    }
}

fn random(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::build(shape, |out: &mut [f64]| {
        out.iter_mut().for_each(|x| *x = rng.uniform() - 0.5)
    })
}

/// Calls `f(y, x, w)` with the offsets of every product that a convolution adds.
fn products(e: &Example, mut f: impl FnMut(usize, usize, usize)) {
    let ([n, c, h, wd], [k, cg, kh, kw]) = (e.x, e.w);
    let [oh, ow] = e.out;
    let win = &e.window;
    for y in 0..n * k * oh * ow {
        let (image, out, r, col) = (y / (k * oh * ow), y / (oh * ow) % k, y / ow % oh, y % ow);
        for tap in 0..cg * kh * kw {
            let (ci, a, b) = (tap / (kh * kw), tap / kw % kh, tap % kw);
            let channel = out / (k / e.groups) * cg + ci;
            let row = (r * win.stride[0] + a * win.dilation[0]).wrapping_sub(win.padding[0]);
            let column = (col * win.stride[1] + b * win.dilation[1]).wrapping_sub(win.padding[1]);
            if row < h && column < wd {
                let x = ((image * c + channel) * h + row) * wd + column;
                f(y, x, out * cg * kh * kw + tap);
            }
        }
    }
}

fn close(what: &str, e: &Example, got: &Tensor, want: &[f64], bound: f64) {
    let got = got.to_f64();
    assert_eq!(got.len(), want.len(), "{what}: {e:?}");
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        assert!(
            (a - b).abs() <= bound,
            "{what}: element {i} is {a}, not {b}: {e:?}"
        );
    }
}

fn check(seed: u64) {
    let mut rng = Rng::new(seed);
    let e = example(&mut rng);
    compare(&mut rng, &e);
}

/// One output channel in each group and rows of some vectors, whose tiles stand below each other.
fn check_depthwise(seed: u64) {
    let mut rng = Rng::new(seed);
    let e = loop {
        let mut below = |n: u64| rng.below(n) as usize;
        let (groups, inputs) = (1 + below(5), [1, 1, 2][below(3)]);
        let size = [0, 1].map(|_| 8 + below(40));
        let window = Window {
            kernel: [0, 1].map(|_| 1 + below(7)),
            stride: [0, 1].map(|_| 1 + below(5) / 3),
            padding: [0, 1].map(|_| below(4)),
            dilation: [0, 1].map(|_| 1 + below(5) / 4),
        };
        if let Some(out) = window.output(size) {
            break Example {
                x: [1 + below(3), inputs * groups, size[0], size[1]],
                w: [groups, inputs, window.kernel[0], window.kernel[1]],
                groups,
                window,
                out,
            };
        }
    };
    compare(&mut rng, &e);
}

/// Enough channels and outputs for fewer products than the definition has.
fn check_three_by_three(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut below = |n: u64| rng.below(n) as usize;
    let (groups, channels) = (1 + below(3) / 2, [48 + below(9), 48 + below(9)]);
    let window = Window {
        kernel: [3, 3],
        stride: [1, 1],
        padding: [below(4), below(4)],
        dilation: [1, 1],
    };
    let (images, size) = match below(2) {
        0 => (1, [32 + below(5), 32 + below(9)]),
        _ => (17 + below(3), [13 + below(3), 13 + below(3)]),
    };
    let e = Example {
        x: [images, channels[0] * groups, size[0], size[1]],
        w: [channels[1] * groups, channels[0], 3, 3],
        groups,
        window,
        out: window.output(size).expect("larger than its window"),
    };
    compare(&mut rng, &e);
}

/// Five rows of taps and rows of some vectors, for the same reason.
fn check_five_rows(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut below = |n: u64| rng.below(n) as usize;
    let (groups, channels) = (1 + below(5) / 4, [1 + below(10), 1 + below(14)]);
    let window = Window {
        kernel: [5, 1 + below(6)],
        stride: [1, 1],
        padding: [below(6), below(4)],
        dilation: [1, 1 + below(4) / 3],
    };
    let size = [14 + below(20), 24 + below(40)];
    let e = Example {
        x: [1 + below(3), channels[0] * groups, size[0], size[1]],
        w: [channels[1] * groups, channels[0], 5, window.kernel[1]],
        groups,
        window,
        out: window.output(size).expect("larger than its window"),
    };
    compare(&mut rng, &e);
}

/// So many input channels that they take several passes, with and without a border to lay.
fn check_deep(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut below = |n: u64| rng.below(n) as usize;
    let (kernel, groups) = (1 + below(2), 1 + below(2));
    let channels = [100 + below(250) * (3 - kernel), 1 + below(18)];
    let size = [0, 1].map(|_| 2 + below(34));
    let window = Window {
        kernel: [kernel; 2],
        stride: [1 + below(4) / 3; 2],
        padding: [below(4) / 3; 2],
        dilation: [1, 1],
    };
    let e = Example {
        x: [1 + below(2), channels[0] * groups, size[0], size[1]],
        w: [channels[1] * groups, channels[0], kernel, kernel],
        groups,
        window,
        out: window.output(size).expect("larger than its window"),
    };
    compare(&mut rng, &e);
}

fn compare(rng: &mut Rng, e: &Example) {
    let y_shape = [e.x[0], e.w[0], e.out[0], e.out[1]];
    let (x, w) = (random(rng, &e.x), random(rng, &e.w));
    let (b, g) = (random(rng, &[e.w[0]]), random(rng, &y_shape));
    let [xv, wv, bv, gv] = [&x, &w, &b, &g].map(Tensor::to_f64);
    let pixels = e.out[0] * e.out[1];
    let mut y: Vec<f64> = (0..gv.len()).map(|i| bv[i / pixels % e.w[0]]).collect();
    let (mut gx, mut gw) = (vec![0.0; xv.len()], vec![0.0; wv.len()]);
    products(e, |iy, ix, iw| {
        y[iy] += xv[ix] * wv[iw];
        gx[ix] += gv[iy] * wv[iw];
        gw[iw] += gv[iy] * xv[ix];
    });
    let size = [e.x[2], e.x[3]];
    for dtype in [DType::F64, DType::F32] {
        let bound = if dtype == DType::F64 { 1e-11 } else { 2e-4 };
        let [x, w, b, g] = [&x, &w, &b, &g].map(|t| ops::cast(t, dtype));
        let got = ops::conv2d(&x, &w, Some(&b), &e.window, e.groups);
        close("forward", e, &got, &y, bound);
        let got = ops::conv2d_input_backward(&g, &w, &e.window, e.groups, size);
        close("input", e, &got, &gx, bound);
        let got = ops::conv2d_weight_backward(&x, &g, &e.window, e.groups);
        close("weight", e, &got, &gw, bound);
    }
}

#[test]
fn products_of_random_shapes_are_those_of_the_definition() {
    for seed in 0..300 {
        check(seed);
    }
}

#[test]
fn they_are_so_at_every_level() {
    for level in Level::available() {
        with_level(level, || (300..360).for_each(check));
    }
}

#[test]
fn depthwise_products_are_those_of_the_definition_at_every_level() {
    for level in Level::available() {
        with_level(level, || (0..60).for_each(check_depthwise));
    }
}

#[test]
fn deep_products_are_those_of_the_definition_at_every_level() {
    for level in Level::available() {
        with_level(level, || (0..16).for_each(check_deep));
    }
}

#[test]
fn fewer_products_are_those_of_the_definition_at_every_level() {
    for (i, level) in Level::available().into_iter().enumerate() {
        let first = 2 * i as u64;
        with_level(level, || (first..first + 2).for_each(check_three_by_three));
    }
}

#[test]
fn columns_of_five_taps_are_those_of_the_definition_at_every_level() {
    for level in Level::available() {
        with_level(level, || (0..40).for_each(check_five_rows));
    }
}

#[test]
fn a_result_larger_than_the_caches_has_the_bits_of_its_channels() {
    let mut rng = Rng::new(1);
    let (size, window) = (
        [1449, 1451],
        Window {
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1],
            dilation: [1, 1],
        },
    );
    let (x, w) = (
        random(&mut rng, &[1, 2, size[0], size[1]]).to_f64(),
        random(&mut rng, &[2, 1, 3, 3]).to_f64(),
    );
    let convolve = |groups: usize, x: &[f64], w: &[f64]| {
        let of = |shape: &[usize], data: &[f64]| {
            let t = Tensor::build(shape, |out: &mut [f64]| out.copy_from_slice(data));
            ops::cast(&t, DType::F32)
        };
        let x = of(&[1, groups, size[0], size[1]], x);
        ops::conv2d(&x, &of(&[groups, 1, 3, 3], w), None, &window, groups).to_f64()
    };
    let whole = convolve(2, &x, &w);
    let n = size[0] * size[1];
    for (g, got) in whole.chunks_exact(n).enumerate() {
        let want = convolve(1, &x[g * n..][..n], &w[g * 9..][..9]);
        assert!(got == want, "channel {g} of the large result differs");
    }
}
