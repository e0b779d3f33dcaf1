//! Attention of many sizes against the definition in f64: odd tiles, views, masks, threads.

use crate::ops::{self, Attention};
use crate::random::Rng;
use crate::simd::{Level, with_level};
use crate::{Tensor, threads};

/// Heads, time, keys, depth, width: below, at and above a tile, and what no vector fits.
const SIZES: [[usize; 5]; 9] = [
    [1, 1, 1, 1, 1],
    [2, 7, 5, 3, 9],
    [3, 20, 20, 6, 6],
    [3, 127, 129, 24, 24],
    [2, 129, 127, 33, 7],
    [1, 128, 128, 32, 32],
    [1, 300, 260, 8, 16],
    [1, 1, 257, 5, 5],
    [1, 257, 1, 5, 5],
];

fn random(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::build(shape, |out: &mut [f32]| {
        out.iter_mut()
            .for_each(|x| *x = (2.0 * rng.uniform() - 1.0) as f32);
    })
}

/// Result, logarithms and gradients in f64 by the definition, for the cotangents `g` and `g_log`.
struct Plain {
    y: Vec<f64>,
    log: Vec<f64>,
    grads: [Vec<f64>; 3],
}

/// Which score is what; `None` where the query does not see the key.
type Scores<'a> = &'a dyn Fn(usize, usize, usize, f64) -> Option<f64>;

fn plain(
    [q, k, v]: [&Tensor; 3],
    [g, g_log]: [&Tensor; 2],
    [h, t, s, d, e]: [usize; 5],
    scale: f64,
    seen: Scores<'_>,
) -> Plain {
    let [q, k, v, g, g_log] = [q, k, v, g, g_log].map(Tensor::to_f64);
    let (mut y, mut log) = (vec![0.0; h * t * e], vec![0.0; h * t]);
    let mut grads = [
        vec![0.0; h * t * d],
        vec![0.0; h * s * d],
        vec![0.0; h * s * e],
    ];
    for row in 0..h * t {
        let (head, i) = (row / t, row % t);
        let score = |j: usize| {
            let sum: f64 = (0..d)
                .map(|c| q[row * d + c] * k[(head * s + j) * d + c])
                .sum();
            seen(head, i, j, sum * scale).map_or(0.0, f64::exp)
        };
        let mut p: Vec<f64> = (0..s).map(score).collect();
        let total: f64 = p.iter().sum();
        log[row] = total.ln();
        if total == 0.0 {
            continue;
        }
        p.iter_mut().for_each(|p| *p /= total);
        let value = |j: usize, c: usize| v[(head * s + j) * e + c];
        (0..e).for_each(|c| y[row * e + c] = (0..s).map(|j| p[j] * value(j, c)).sum());
        let dp: Vec<f64> = (0..s)
            .map(|j| (0..e).map(|c| g[row * e + c] * value(j, c)).sum())
            .collect();
        let mean: f64 = (0..s).map(|j| p[j] * dp[j]).sum();
        for j in 0..s {
            let ds = p[j] * (dp[j] - mean + g_log[row]) * scale;
            let key = head * s + j;
            (0..d).for_each(|c| grads[0][row * d + c] += ds * k[key * d + c]);
            (0..d).for_each(|c| grads[1][key * d + c] += ds * q[row * d + c]);
            (0..e).for_each(|c| grads[2][key * e + c] += p[j] * g[row * e + c]);
        }
    }
    Plain { y, log, grads }
}

fn close(what: &str, got: &Tensor, want: &[f64]) {
    let scale = want
        .iter()
        .filter(|v| v.is_finite())
        .fold(1e-2f64, |m, v| m.max(v.abs()));
    for (i, (g, w)) in got.to_f64().iter().zip(want).enumerate() {
        assert!(
            g == w || (g - w).abs() <= 2e-5 * scale,
            "{what}, element {i}: {g} instead of {w}"
        );
    }
}

fn check(rng: &mut Rng, sizes: [usize; 5], causal: bool, mask: Option<&Tensor>) {
    let [h, t, s, d, e] = sizes;
    // One projection's thirds, as views with time before heads.
    let view = |rng: &mut Rng, n: usize, w: usize| {
        let all = random(rng, &[n, h, w + 3]);
        let part = all.slice(2, 1, w, 1).expect("inside");
        part.permute(&[1, 0, 2]).expect("an order")
    };
    let (q, k, v) = (view(rng, t, d), view(rng, s, d), view(rng, s, e));
    let (g, g_log) = (view(rng, t, e), random(rng, &[h, t]));
    let how = Attention { causal, scale: 0.6 };
    let m = mask.map(|m| (m.dtype(), m.to_f64()));
    let seen = |head: usize, i: usize, j: usize, score: f64| {
        if causal && j > i {
            return None;
        }
        match &m {
            None => Some(score),
            Some((crate::DType::Bool, keep)) => {
                (keep[(head * t + i) * s + j] != 0.0).then_some(score)
            }
            Some((_, added)) => Some(score + added[(head * t + i) * s + j]),
        }
    };
    let want = plain([&q, &k, &v], [&g, &g_log], sizes, 0.6, &seen);
    let [y, log] = ops::attention(&q, &k, &v, mask, how);
    let what = format!("{sizes:?}, causal {causal}, mask {}", mask.is_some());
    close(&format!("{what}: result"), &y, &want.y);
    close(&format!("{what}: logarithms"), &log, &want.log);
    let grads = ops::attention_backward([&g, &g_log], [&q, &k, &v], [&y, &log], mask, how);
    for (i, (got, want)) in grads.iter().zip(&want.grads).enumerate() {
        close(&format!("{what}: gradient {i}"), got, want);
    }
}

#[test]
fn results_and_gradients_follow_the_definition() {
    for level in Level::available() {
        with_level(level, || {
            for (seed, sizes) in SIZES.into_iter().enumerate() {
                let rng = &mut Rng::new(seed as u64);
                check(rng, sizes, false, None);
                check(rng, sizes, true, None);
            }
        });
    }
}

#[test]
fn masks_hide_and_weigh_and_a_query_that_sees_nothing_gets_nothing() {
    for sizes in [[2, 7, 5, 3, 9], [1, 129, 131, 4, 4]] {
        let ([h, t, s, ..], rng) = (sizes, &mut Rng::new(5));
        let added = random(rng, &[h, t, s]);
        let keep = Tensor::build(&[h, t, s], |out: &mut [bool]| {
            out.iter_mut().for_each(|x| *x = rng.below(3) > 0);
            out[..s].fill(false);
        });
        for causal in [false, true] {
            check(rng, sizes, causal, Some(&added));
            check(rng, sizes, causal, Some(&keep));
        }
        let shared = random(rng, &[t, s]).expand(&[h, t, s]).expect("from one");
        check(rng, sizes, false, Some(&shared));
    }
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    let run = || {
        let rng = &mut Rng::new(1);
        let x: Vec<Tensor> = (0..4).map(|_| random(rng, &[2, 3, 200, 24])).collect();
        let how = Attention {
            causal: true,
            scale: 0.2,
        };
        let [y, log] = ops::attention(&x[0], &x[1], &x[2], None, how);
        let zero = Tensor::build(log.shape(), |out: &mut [f32]| out.fill(0.0));
        let grads =
            ops::attention_backward([&x[3], &zero], [&x[0], &x[1], &x[2]], [&y, &log], None, how);
        let all = grads.into_iter().chain([y, log]);
        all.map(|t| t.to_vec::<f32>().expect("f32"))
            .collect::<Vec<_>>()
    };
    let on = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
        pool.expect("a pool").install(|| {
            assert_eq!(threads::count(), n);
            run()
        })
    };
    let one = on(1);
    assert!(one == on(2) && one == on(7));
}

#[test]
fn large_scores_do_not_overflow_and_nothing_gives_nothing() {
    let x = Tensor::build(&[1, 3, 2], |out: &mut [f32]| out.fill(1e3));
    let how = Attention {
        causal: false,
        scale: 1.0,
    };
    let [y, log] = ops::attention(&x, &x, &x, None, how);
    assert!(y.to_f64().iter().all(|v| (v - 1e3).abs() < 1e-3), "{y}");
    assert!(log.to_f64().iter().all(|v| v.is_finite()));
    let none = Tensor::build(&[1, 0, 2], |_: &mut [f32]| {});
    let [y, log] = ops::attention(&x, &none, &none, None, how);
    assert_eq!(y.to_f64(), [0.0; 6]);
    assert_eq!(log.to_f64(), [f64::NEG_INFINITY; 3]);
    let grads = ops::attention_backward([&y, &log], [&x, &none, &none], [&y, &log], None, how);
    assert_eq!(grads[0].to_f64(), [0.0; 6]);
}

/// Queries, keys and values of one projection: their gradients are views of its gradient.
#[test]
fn gradients_of_one_shape_stand_side_by_side() {
    let [batch, heads, time, depth] = [2, 3, 5, 4];
    let shape = [batch, time, 3, heads, depth];
    let all = random(&mut Rng::new(1), &shape);
    let part = |i| {
        let one = all.slice(2, i, 1, 1).unwrap();
        let one = one.reshape(&[batch, time, heads, depth]).unwrap();
        one.transpose(1, 2).unwrap()
    };
    let [q, k, v] = [0, 1, 2].map(part);
    let how = Attention {
        causal: false,
        scale: 0.5,
    };
    let [y, log] = ops::attention(&q, &k, &v, None, how);
    let grads = ops::attention_backward([&y, &log], [&q, &k, &v], [&y, &log], None, how);
    let back = |g: &Tensor| g.transpose(1, 2).unwrap().unsqueeze(2).unwrap();
    let joined = ops::cat(&[0, 1, 2].map(|i| back(&grads[i])), 2);
    assert_eq!(joined.shape(), shape);
    assert!(joined.shares_storage(&grads[0]) && joined.is_contiguous());
    for (i, g) in grads.iter().enumerate() {
        let one = joined.slice(2, i, 1, 1).unwrap();
        assert_eq!(one.to_f64(), back(g).to_f64());
    }
}
