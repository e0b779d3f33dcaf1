//! Products against a naive loop in f64, for every level, shape, stride and number of threads.

use super::*;
use crate::random::Rng;

/// A matrix in some layout: its data, the view's arguments, and its elements in f64.
struct Sample<T> {
    data: Vec<T>,
    offset: usize,
    shape: [usize; 2],
    strides: [isize; 2],
}

impl<T: Float> Sample<T> {
    /// A random matrix; `layout` chooses among rows, columns, gaps, reversed and repeated rows.
    fn new(rng: &mut Rng, shape: [usize; 2], layout: u64) -> Self {
        let [m, n] = shape.map(|s| s as isize);
        let (offset, strides) = match layout {
            0 => (0, [n, 1]),
            1 => (0, [1, m]),
            2 => (3, [2 * n + 1, 2]),
            3 => ((m * n).max(1) - 1, [-n, -1]),
            4 => (0, [0, 1]),
            _ => (0, [n + 3, 1]),
        };
        let data = (0..(2 * m + 2) * (n + 4) + 8)
            .map(|_| T::splat(rng.normal()))
            .collect();
        Sample {
            data,
            offset: offset as usize,
            shape,
            strides,
        }
    }

    fn view(&self) -> MatRef<'_, T> {
        MatRef::new(&self.data, self.offset, self.shape, self.strides)
    }

    fn get(&self, i: usize, j: usize) -> f64 {
        let [r, c] = self.strides;
        let at = self.offset as isize + i as isize * r + j as isize * c;
        self.data[at as usize].to_f64()
    }
}

/// Runs one product at `level` and compares it; returns the bits.
fn check<T: Float>(
    level: Level,
    a: &Sample<T>,
    b: &Sample<T>,
    accumulate: bool,
    epilogue: bool,
) -> Vec<u64> {
    let ([m, k], n) = (a.shape, b.shape[1]);
    let gap = 5; // what stands between the rows of C must stay
    let mut c = vec![T::splat(0.5); m * (n + gap)];
    let bias: Vec<T> = (0..n).map(|j| T::splat(0.25 * j as f64 - 1.0)).collect();
    let bias_relu = Bias::new(&bias, Relu);
    let epilogue: Option<&dyn Epilogue<T>> = if epilogue { Some(&bias_relu) } else { None };
    let out = MatMut::new(&mut c, [m, n], n + gap);
    gemm(level, a.view(), b.view(), out, accumulate, epilogue);
    for i in 0..m {
        for j in 0..n {
            let (mut sum, mut size) = if accumulate { (0.5, 0.5) } else { (0.0, 0.0) };
            for p in 0..k {
                let product = a.get(i, p) * b.get(p, j);
                sum += product;
                size += product.abs();
            }
            if epilogue.is_some() {
                sum = (sum + bias[j].to_f64()).max(0.0);
                size += bias[j].to_f64().abs();
            }
            let got = c[i * (n + gap) + j].to_f64();
            let bound = (k + 3) as f64 * T::EPSILON * size;
            assert!(
                (got - sum).abs() <= bound,
                "{level:?} {m}x{k}x{n} {:?} {:?} [{i}, {j}]: {got}, not {sum}",
                a.strides,
                b.strides
            );
        }
        let between = &c[i * (n + gap) + n..(i + 1) * (n + gap)];
        assert!(
            between.iter().all(|&x| x.to_f64() == 0.5),
            "written beyond row {i}"
        );
    }
    c.iter().map(|x| x.to_f64().to_bits()).collect()
}

#[test]
fn products_agree_with_a_naive_loop() {
    fn sizes<T: Float>() {
        let sizes = [0, 1, 2, 3, 5, 6, 7, 8, 13, 15, 16, 17, 31, 32, 33, 64, 67];
        let mut rng = Rng::new(1);
        for level in Level::available() {
            for round in 0..250 {
                let [m, k, n] =
                    std::array::from_fn(|_| sizes[rng.below(sizes.len() as u64) as usize]);
                let layout = (rng.below(6), rng.below(6));
                let a = Sample::<T>::new(&mut rng, [m, k], layout.0);
                let b = Sample::<T>::new(&mut rng, [k, n], layout.1);
                check(level, &a, &b, round % 2 == 0, round % 3 == 0);
            }
        }
    }
    sizes::<f32>();
    sizes::<f64>();
}

#[test]
fn large_products_cross_every_block_edge() {
    let mut rng = Rng::new(2);
    for [m, k, n] in [
        [400, 300, 40],
        [37, 520, 530],
        [3, 700, 2100],
        [170, 257, 129],
        [404, 13, 64],
        [70, 1030, 1090],
    ] {
        for level in Level::available() {
            // One thread packs plain rows of B as wide as these while it multiplies.
            for (threads, layout) in [(1, 0), (2, rng.below(6))] {
                let a = Sample::<f32>::new(&mut rng, [m, k], layout);
                let b = Sample::<f32>::new(&mut rng, [k, n], layout);
                on(threads, || check(level, &a, &b, false, true));
            }
        }
    }
}

#[test]
fn a_few_rows_read_a_wide_matrix_where_it_stands() {
    let mut rng = Rng::new(9);
    for m in 1..=9 {
        for n in [257, 300, 530, 1061] {
            let k = 1 + rng.below(60) as usize;
            for layout in [0, 4, 5] {
                let left = rng.below(6);
                let a = Sample::<f32>::new(&mut rng, [m, k], left);
                let b = Sample::<f32>::new(&mut rng, [k, n], layout);
                for level in Level::available() {
                    check(level, &a, &b, n % 2 == 0, n % 3 == 0);
                }
            }
        }
    }
}

#[test]
fn a_transposed_right_side_gives_the_bits_of_a_plain_one() {
    fn sizes<T: Float>(rng: &mut Rng) {
        for level in Level::available() {
            for round in 0..8 {
                // Rows from a vector up to more than a tile, which take the other way round or do not.
                let [m, k, n] = [(4, 70), (90, 1100), (100, 700)]
                    .map(|(low, range)| (low + rng.below(range)) as usize);
                let layout = rng.below(6);
                let a = Sample::<T>::new(rng, [m, k], layout);
                let plain = Sample::<T>::new(rng, [k, n], 0);
                let mut turned = Sample::<T>::new(rng, [k, n], 1);
                for p in 0..k {
                    for j in 0..n {
                        turned.data[p + j * k] = plain.data[p * n + j];
                    }
                }
                let run = |threads, b| on(threads, || check(level, &a, b, false, round % 2 == 0));
                let bits = run(1, &plain);
                for threads in [1, 2] {
                    assert_eq!(
                        bits,
                        run(threads, &turned),
                        "{level:?} {m}x{k}x{n} {threads}"
                    );
                }
            }
        }
    }
    let mut rng = Rng::new(12);
    sizes::<f32>(&mut rng);
    sizes::<f64>(&mut rng);
}

/// `f` on a pool of so many threads.
fn on<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a pool").install(f)
}

#[test]
fn bits_do_not_depend_on_the_threads() {
    let mut rng = Rng::new(3);
    for [m, k, n] in [
        [400, 300, 90],
        [20, 300, 1000],
        [100, 160, 1000],
        [1, 2000, 3000],
        [2000, 900, 1],
    ] {
        let a = Sample::<f32>::new(&mut rng, [m, k], 0);
        for layout in [0, 1] {
            let b = Sample::<f32>::new(&mut rng, [k, n], layout);
            let bits = [1, 2, 7]
                .map(|threads| on(threads, || check(crate::simd::level(), &a, &b, false, true)));
            assert!(bits[0] == bits[1] && bits[1] == bits[2], "{m}x{k}x{n}");
        }
    }
}

#[test]
fn vectors_agree_with_a_naive_loop() {
    let mut rng = Rng::new(4);
    for level in Level::available() {
        for round in 0..200 {
            let (size, k) = (rng.below(70) as usize, rng.below(70) as usize);
            let long = round % 20 == 0;
            let (size, k) = if long {
                (1030 + size, 300 + k)
            } else {
                (size, k)
            };
            let [m, n] = if round % 2 == 0 { [size, 1] } else { [1, size] };
            let layouts = (rng.below(6), rng.below(6));
            let a = Sample::<f32>::new(&mut rng, [m, k], layouts.0);
            let b = Sample::<f32>::new(&mut rng, [k, n], layouts.1);
            check(level, &a, &b, round % 3 == 0, round % 5 == 0);
        }
    }
}

#[test]
fn a_few_rows_have_the_bits_they_have_among_many() {
    let mut rng = Rng::new(6);
    for [m, k, n] in [[50, 300, 40], [300, 70, 600]] {
        let a = Sample::<f32>::new(&mut rng, [m, k], 0);
        let b = Sample::<f32>::new(&mut rng, [k, n], 1);
        let level = crate::simd::level();
        let (mut all, mut some) = (vec![0.0; m * n], vec![0.0; 3 * n]);
        gemm(
            level,
            a.view(),
            b.view(),
            MatMut::rows_of(&mut all, [m, n]),
            false,
            None,
        );
        let rows = MatRef::new(&a.data, 10 * k, [3, k], a.strides);
        gemm(
            level,
            rows,
            b.view(),
            MatMut::rows_of(&mut some, [3, n]),
            false,
            None,
        );
        assert_eq!(all[10 * n..13 * n], some);
    }
}

#[test]
fn infinities_stay_in_their_rows() {
    for level in Level::available() {
        for n in [1, 3, 20] {
            let (mut a, b, mut c) = ([1.0f32; 27], vec![1.0; 9 * n], vec![0.0; 3 * n]);
            a[9 + 8] = f32::INFINITY;
            let (a, b) = (MatRef::rows_of(&a, [3, 9]), MatRef::rows_of(&b, [9, n]));
            gemm(level, a, b, MatMut::rows_of(&mut c, [3, n]), false, None);
            let right = [9.0, f32::INFINITY, 9.0];
            assert!(
                (0..3 * n).all(|i| c[i] == right[i / n]),
                "{level:?} {n}: {c:?}"
            );
        }
    }
}

#[test]
fn batches_have_the_bits_of_single_products() {
    let mut rng = Rng::new(5);
    for (batches, [m, k, n]) in [
        (0, [2, 3, 4]),
        (3, [70, 30, 40]),
        (40, [17, 9, 33]),
        (7, [5, 0, 2]),
    ] {
        let x: Vec<f32> = (0..batches * m * k).map(|_| rng.normal() as f32).collect();
        let y: Vec<f32> = (0..k * n).map(|_| rng.normal() as f32).collect();
        let a = |i: usize| MatRef::new(&x, i * m * k, [m, k], [k as isize, 1]);
        let b = |_: usize| MatRef::rows_of(&y, [n, k]).t(); // one B for all
        let level = crate::simd::level();
        let mut all = vec![1.0; batches * m * n];
        batched(
            level,
            batches,
            a,
            b,
            MatMut::rows_of(&mut all, [batches * m, n]),
            true,
            |_| Some(&Apply(Relu)),
        );
        for i in 0..batches {
            let mut one = vec![1.0; m * n];
            let out = MatMut::rows_of(&mut one, [m, n]);
            gemm(level, a(i), b(i), out, true, Some(&Apply(Relu)));
            assert_eq!(
                all[i * m * n..(i + 1) * m * n],
                one,
                "product {i} of {batches}"
            );
        }
    }
}

#[test]
#[should_panic(expected = "[2, 3] x [4, 2] does not give [2, 2]")]
fn shapes_that_do_not_fit_are_refused() {
    let (a, b, mut c) = ([0.0f32; 6], [0.0; 8], [0.0; 4]);
    let (a, b) = (MatRef::rows_of(&a, [2, 3]), MatRef::rows_of(&b, [4, 2]));
    gemm(
        Level::Portable,
        a,
        b,
        MatMut::rows_of(&mut c, [2, 2]),
        false,
        None,
    );
}

#[test]
fn views_outside_their_slice_are_refused() {
    let x = [0.0f32; 12];
    let refused = |offset, shape, strides| {
        std::panic::catch_unwind(|| MatRef::new(&x, offset, shape, strides)).is_err()
    };
    assert!(!refused(0, [3, 4], [4, 1]) && !refused(11, [3, 4], [-4, -1]));
    assert!(!refused(99, [0, 4], [4, 1]));
    assert!(refused(1, [3, 4], [4, 1]) && refused(10, [3, 4], [-4, -1]));
    assert!(refused(0, [usize::MAX, 2], [isize::MAX, 1]));
    assert!(refused(0, [2, 2], [isize::MIN, isize::MIN]));
}

/// A kernel that has lost its vector instructions still gives right numbers; its speed tells.
#[cfg(not(debug_assertions))]
#[test]
fn avx2_is_faster_than_the_portable_level() {
    if !Level::Avx2.is_available() {
        return;
    }
    let x = vec![0.5f32; 64 * 64];
    let view = MatRef::rows_of(&x, [64, 64]);
    let mut c = vec![0.0; 64 * 64];
    let mut best = |level| {
        let mut best = std::time::Duration::MAX;
        for _ in 0..200 {
            let start = std::time::Instant::now();
            gemm(
                level,
                view,
                view,
                MatMut::rows_of(&mut c, [64, 64]),
                false,
                None,
            );
            best = best.min(start.elapsed());
        }
        best
    };
    let (portable, avx2) = (best(Level::Portable), best(Level::Avx2));
    assert!(avx2 * 3 < portable * 2, "{avx2:?} against {portable:?}");
}
