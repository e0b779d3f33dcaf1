//! Known answers, moments, and independence of how a stream is cut.

use super::*;

#[test]
fn block_functions_give_the_published_answers() {
    let check = |counter, key, right| assert_eq!(Philox::new(key).block(counter), right);
    check(
        [0; 4],
        [0; 2],
        [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    );
    check(
        [u32::MAX; 4],
        [u32::MAX; 2],
        [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    );
    let pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
    let right = [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1];
    check(pi, [0xa4093822, 0x299f31d0], right);

    let check = |counter, key, right| assert_eq!(Threefry::new(key).block(counter), right);
    check([0; 2], [0; 2], [0x6b200159, 0x99ba4efe]);
    check([u32::MAX; 2], [u32::MAX; 2], [0x1cb996fc, 0xbb002be7]);
    check([pi[0], pi[1]], [pi[2], pi[3]], [0xc4923a9c, 0x483df7a0]);

    let right = [
        9136204548096203539,
        5312252022597868210,
        11078312157678598205,
        14780081426399844142,
    ];
    assert_eq!(Philox64::new([0, 99]).block([1, 0, 7, 0]), right);
}

#[test]
fn a_fill_may_be_cut_anywhere() {
    let stream = Philox::stream(3, 9);
    let mut whole = [0.0; 41];
    stream.normal_f64(0, &mut whole);
    let mut single = [0.0f32; 41];
    stream.normal_f32(0, &mut single);
    assert_eq!(whole.map(|x| x as f32), single);
    for cut in 0..=41 {
        let mut parts = [0.0; 41];
        let (a, b) = parts.split_at_mut(cut);
        stream.normal_f64(0, a);
        stream.normal_f64(cut as u64, b);
        assert_eq!(parts, whole);
    }
}

#[test]
fn the_generator_walks_its_stream() {
    let mut words = [0; 10];
    Philox::stream(5, 0).words(0, &mut words);
    let mut rng = Rng::new(5);
    assert_eq!(words, std::array::from_fn(|_| rng.next_u32()));
}

/// Mean and variance of `n` draws against theirs, at five standard errors of the mean.
fn check_moments(x: &[f64], mean: f64, variance: f64) {
    let n = x.len() as f64;
    let m = x.iter().sum::<f64>() / n;
    let v = x.iter().map(|x| (x - m).powi(2)).sum::<f64>() / n;
    assert!(
        (m - mean).abs() < 5.0 * (variance / n).sqrt(),
        "mean {m}, not {mean}"
    );
    assert!(
        (v / variance - 1.0).abs() < 0.05,
        "variance {v}, not {variance}"
    );
}

#[test]
fn moments_are_right() {
    let mut x = vec![0.0; 200_000];
    Philox::stream(1, 2).uniform_f64(0, &mut x);
    assert!(x.iter().all(|x| (0.0..1.0).contains(x)));
    check_moments(&x, 0.5, 1.0 / 12.0);
    Philox::stream(1, 3).normal_f64(0, &mut x);
    check_moments(&x, 0.0, 1.0);
    let beyond = x.iter().filter(|x| x.abs() > 1.96).count() as f64 / x.len() as f64;
    assert!((beyond - 0.05).abs() < 0.003, "{beyond}");
    let mut rng = Rng::new(4);
    for shape in [0.3, 1.0, 4.5] {
        x.fill_with(|| rng.gamma(shape));
        check_moments(&x, shape, shape);
    }
    let mut single = vec![0.0f32; 200_000];
    Philox::stream(1, 4).uniform_f32(0, &mut single);
    let single: Vec<f64> = single.into_iter().map(f64::from).collect();
    check_moments(&single, 0.5, 1.0 / 12.0);
}

#[test]
fn integers_are_unbiased() {
    // Two thirds of 2^64: a plain modulo would draw the lower half twice as often.
    let n = u64::MAX / 3 * 2;
    let mut rng = Rng::new(8);
    let low = (0..100_000).filter(|_| rng.below(n) < n / 2).count();
    assert!((low as f64 - 50_000.0).abs() < 5.0 * 158.0, "{low}");
    let mut counts = [0; 7];
    (0..70_000).for_each(|_| counts[rng.below(7) as usize] += 1);
    assert!(
        counts.iter().all(|&c| (c as f64 - 10_000.0).abs() < 500.0),
        "{counts:?}"
    );
    assert_eq!(rng.below(1), 0);
}

#[test]
fn permutations_hold_every_number_and_reach_every_order() {
    let mut rng = Rng::new(6);
    let mut order = rng.permutation(1000);
    assert_ne!(order, (0..1000).collect::<Vec<_>>());
    order.sort_unstable();
    assert_eq!(order, (0..1000).collect::<Vec<_>>());
    let mut seen = std::collections::HashMap::new();
    (0..24_000).for_each(|_| *seen.entry(rng.permutation(4)).or_insert(0) += 1);
    assert_eq!(seen.len(), 24);
    assert!(
        seen.values().all(|&c: &i32| (c - 1000).abs() < 160),
        "{seen:?}"
    );
}

#[test]
fn shares_sum_to_one_for_every_alpha() {
    let mut rng = Rng::new(2);
    for alpha in [1e-4, 0.1, 1.0, 50.0] {
        let p = rng.dirichlet(alpha, 5);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12 && p.iter().all(|&p| p >= 0.0));
    }
    let spread = |p: Vec<f64>| p.into_iter().fold(0.0, f64::max);
    assert!(spread(rng.dirichlet(1e-3, 5)) > 0.9 && spread(rng.dirichlet(1e4, 5)) < 0.25);
}

#[test]
fn forks_do_not_depend_on_where_the_parent_stands() {
    let mut rng = Rng::new(1);
    let before = rng.fork(3).next_u64();
    rng.next_u64();
    assert_eq!(rng.fork(3).next_u64(), before);
    assert_ne!(rng.fork(3).fork(3).next_u64(), before);
}
