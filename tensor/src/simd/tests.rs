//! Accuracy, special values, and that an element's bits depend on the element alone.

use super::*;

#[derive(Clone, Copy, Debug)]
enum Fun {
    Exp,
    Exp2,
    Ln,
    Tanh,
    Erf,
}

const FUNS: [Fun; 5] = [Fun::Exp, Fun::Exp2, Fun::Ln, Fun::Tanh, Fun::Erf];

impl MapBody for Fun {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        match self {
            Fun::Exp => x.exp(),
            Fun::Exp2 => x.exp2(),
            Fun::Ln => x.ln(),
            Fun::Tanh => x.tanh(),
            Fun::Erf => x.erf(),
        }
    }
}

impl Fun {
    fn reference(self, x: f64) -> f64 {
        match self {
            Fun::Exp => x.exp(),
            Fun::Exp2 => x.exp2(),
            Fun::Ln => x.ln(),
            Fun::Tanh => x.tanh(),
            Fun::Erf => erf_by_series(x),
        }
    }

    /// From tiny to where the function has ended, both signs where it has both.
    fn points(self) -> Vec<f64> {
        let mut x = Vec::new();
        let (low, high) = match self {
            Fun::Exp => (-745.0, 710.0),
            Fun::Exp2 => (-1075.0, 1024.0),
            Fun::Ln => (1e-3, 4.0),
            Fun::Tanh => (-24.0, 24.0),
            Fun::Erf => (-6.5, 6.5),
        };
        let n = 60_000;
        x.extend((0..=n).map(|i| low + (high - low) * i as f64 / n as f64));
        x.extend((0..=n).map(|i| low / 7.0 + (high - low) / 7.0 * i as f64 / n as f64));
        x.extend((0..=6_000).map(|i| 10f64.powf(-310.0 + 618.0 * i as f64 / 6_000.0)));
        x.extend((0..=6_000).map(|i| 10f64.powf(-46.0 + 84.0 * i as f64 / 6_000.0)));
        let negative: Vec<f64> = x.iter().map(|x| -x).collect();
        x.extend(negative);
        x.retain(|&x| !matches!(self, Fun::Ln) || x > 0.0);
        x
    }
}

/// `erf x` by its Taylor series (Abramowitz and Stegun 7.1.6, all terms positive) below 1.5, and by
/// the continued fraction of `erfc` (7.1.14) above.
fn erf_by_series(x: f64) -> f64 {
    let a = x.abs();
    let y = if a < 1.5 {
        // From the inside out: 1 + 2a^2/3 (1 + 2a^2/5 (1 + ..)), so that few roundings remain.
        let mut sum = 1.0;
        for k in (1..60).rev() {
            sum = 1.0 + 2.0 * a * a / (2 * k + 1) as f64 * sum;
        }
        a * sum * (-a * a).exp() * std::f64::consts::FRAC_2_SQRT_PI
    } else {
        let mut f = a;
        for k in (1..400).rev() {
            f = a + 0.5 * k as f64 / f;
        }
        1.0 - (-a * a).exp() / f * std::f64::consts::FRAC_2_SQRT_PI / 2.0
    };
    y.copysign(x)
}

/// The worst relative error of `fun` over its points, where the result is a normal number.
fn worst<T: Float>(fun: Fun, level: Level) -> (f64, f64) {
    let x: Vec<T> = fun.points().into_iter().map(T::splat).collect();
    let mut y = vec![T::default(); x.len()];
    map_slice(level, &fun, &x, &mut y);
    let mut worst = (0.0, 0.0);
    for (&x, &y) in x.iter().zip(&y) {
        let (x, y) = (x.to_f64(), y.to_f64());
        let right = fun.reference(x);
        let rounded = T::splat(right).to_f64();
        if rounded.is_infinite() || rounded.abs() < T::TINY {
            let step = T::TINY * T::EPSILON;
            let near_end = rounded.is_infinite() && y >= T::splat(f64::INFINITY).to_f64() * 0.9;
            assert!(
                y == rounded || near_end || (y - right).abs() <= step,
                "{fun:?}({x}) = {y}"
            );
            continue;
        }
        let error = if right == y {
            0.0
        } else {
            ((y - right) / right).abs()
        };
        assert!(error.is_finite(), "{fun:?}({x}) = {y}, not {right}");
        if error > worst.0 {
            worst = (error, x);
        }
    }
    worst
}

#[test]
fn errors_stay_below_what_is_promised() {
    for level in Level::available() {
        for fun in FUNS {
            let (e32, x32) = worst::<f32>(fun, level);
            let (e64, x64) = worst::<f64>(fun, level);
            println!("{level:?} {fun:?}: f32 {e32:.2e} at {x32}, f64 {e64:.2e} at {x64}");
            assert!(e32 <= 2e-7, "{level:?} {fun:?}: f32 {e32:e} at {x32}");
            assert!(e64 <= 1e-15, "{level:?} {fun:?}: f64 {e64:e} at {x64}");
        }
    }
}

#[test]
fn special_values_are_exact() {
    fn check<T: Float>(level: Level) {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        let cases = [
            (
                Fun::Exp,
                vec![(-inf, 0.0), (inf, inf), (0.0, 1.0), (-0.0, 1.0), (nan, nan)],
            ),
            (
                Fun::Exp2,
                vec![(-inf, 0.0), (inf, inf), (-0.0, 1.0), (3.0, 8.0), (nan, nan)],
            ),
            (
                Fun::Ln,
                vec![(0.0, -inf), (-0.0, -inf), (-1.0, nan), (-inf, nan)],
            ),
            (Fun::Ln, vec![(inf, inf), (1.0, 0.0), (nan, nan)]),
            (
                Fun::Tanh,
                vec![
                    (0.0, 0.0),
                    (-0.0, -0.0),
                    (inf, 1.0),
                    (-inf, -1.0),
                    (nan, nan),
                ],
            ),
            (
                Fun::Erf,
                vec![
                    (0.0, 0.0),
                    (-0.0, -0.0),
                    (inf, 1.0),
                    (-inf, -1.0),
                    (nan, nan),
                ],
            ),
            (Fun::Erf, vec![(40.0, 1.0), (-1e30, -1.0)]),
        ];
        for (fun, pairs) in cases {
            for (x, right) in pairs {
                let y = map_one::<T>(level, fun, T::splat(x)).to_f64();
                let same = y == right && y.is_sign_negative() == right.is_sign_negative();
                assert!(
                    same || y.is_nan() && right.is_nan(),
                    "{level:?} {fun:?}({x}) = {y}"
                );
            }
        }
    }
    for level in Level::available() {
        check::<f32>(level);
        check::<f64>(level);
    }
}

fn map_one<T: Float>(level: Level, fun: Fun, x: T) -> T {
    let mut y = [T::default()];
    map_slice(level, &fun, &[x], &mut y);
    y[0]
}

fn bits<T: Float>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

#[test]
fn bits_depend_on_the_element_alone() {
    fn check<T: Float>(level: Level) {
        for n in 0..=67 {
            // Every few have a neighbour for which another way must be taken.
            let far = |i: i32| if i % 21 == 20 { 100.0 } else { 1.0 };
            let point = |i: i32| T::splat((0.37 * i as f64 - 7.0) * far(i));
            let x: Vec<T> = (0..n as i32).map(point).collect();
            for fun in FUNS {
                let one: Vec<T> = x.iter().map(|&x| map_one(level, fun, x)).collect();
                let mut out = vec![T::splat(9.0); n];
                map_slice(level, &fun, &x, &mut out);
                assert_eq!(bits(&out), bits(&one), "{level:?} {fun:?} {n}");
                let mut place = x.clone();
                map_in_place(level, &fun, &mut place);
                assert_eq!(bits(&place), bits(&one), "{level:?} {fun:?} {n} in place");
                if level == Level::Portable {
                    let scalar: Vec<T> = x.iter().map(|&x| fun.f(x)).collect();
                    assert_eq!(bits(&scalar), bits(&one), "{fun:?} {n} as scalars");
                }
            }
        }
    }
    for level in Level::available() {
        check::<f32>(level);
        check::<f64>(level);
    }
}

/// Every step of a lane that has a right answer, mixed so that each order of arguments matters.
#[derive(Clone, Copy)]
struct Steps(usize);

impl Steps {
    const COUNT: usize = 16;
}

impl ZipBody for Steps {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        match self.0 {
            0 => x + y,
            1 => x - y,
            2 => x * y,
            3 => x / y,
            4 => x.max(y),
            5 => x.min(y),
            6 => x.copysign(y),
            7 => x.floor() + y.ceil(),
            8 => x.round_even(),
            9 => x.trunc(),
            10 => T::select(x.lt(y) | y.eq(x), x, -y),
            11 => T::select(x.le(y) & !y.is_nan(), x, y.abs()),
            12 => x.abs().sqrt(),
            13 => x.clamp(-1.5, 2.5),
            14 => T::pow2(x.clamp(-100.0, 100.0).floor()),
            _ => {
                let (m, e) = (x * x + T::splat(0.1)).frexp();
                m + e
            }
        }
    }
}

#[test]
fn every_level_takes_the_same_steps() {
    fn check<T: Float>(level: Level) {
        let special = [
            0.0,
            -0.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.5,
            1.5,
            2.5,
            -0.3,
            1e20,
        ];
        let mut x: Vec<T> = (0..40).map(|i| T::splat(0.61 * i as f64 - 9.0)).collect();
        x.extend(special.map(T::splat));
        let mut y: Vec<T> = x.iter().rev().copied().collect();
        y[3] = T::splat(f64::NAN);
        x[5] = T::splat(f64::NAN);
        let mut out = x.clone();
        for f in (0..Steps::COUNT).map(Steps) {
            zip_slice(level, &f, &x, &y, &mut out);
            for i in 0..x.len() {
                let right = f.f(x[i], y[i]).to_f64();
                let got = out[i].to_f64();
                let (a, b) = (x[i].to_f64(), y[i].to_f64());
                let same = got.to_bits() == right.to_bits() || got.is_nan() && right.is_nan();
                // The sign of max(0, -0) is open.
                let zero = got == 0.0 && right == 0.0 && matches!(f.0, 4 | 5);
                assert!(
                    same || zero,
                    "{level:?} step {}: {a}, {b} -> {got}, not {right}",
                    f.0
                );
            }
        }
    }
    for level in Level::available() {
        check::<f32>(level);
        check::<f64>(level);
    }
}

#[test]
fn zips_agree_in_and_out_of_place() {
    for level in Level::available() {
        for n in 0..=67 {
            let x: Vec<f32> = (0..n).map(|i| i as f32 - 20.5).collect();
            let y: Vec<f32> = (0..n).map(|i| 3.0 - 0.25 * i as f32).collect();
            let right: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x - y).collect();
            let (mut out, mut left, mut other) = (vec![0.0; n], x.clone(), y.clone());
            zip_slice(level, &Steps(1), &x, &y, &mut out);
            zip_in_place_left(level, &Steps(1), &mut left, &y);
            zip_in_place_right(level, &Steps(1), &x, &mut other);
            assert_eq!(
                (&out, &left, &other),
                (&right, &right, &right),
                "{level:?} {n}"
            );
        }
    }
}

#[test]
fn reductions_are_right_at_every_length() {
    for level in Level::available() {
        for n in (0..=67).chain([1023, 1024, 1025, 5000, 100_003]) {
            let x: Vec<f64> = (0..n).map(|i| ((i * 7919) % 1009) as f64 - 500.0).collect();
            let sum: f64 = x.iter().sum(); // integers: exact in any order
            let squares: f64 = x.iter().map(|x| x * x).sum();
            let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(sum_slice(level, &x), sum, "{level:?} {n}");
            assert_eq!(dot(level, &x, &x), squares, "{level:?} {n}");
            assert_eq!(max_slice(level, &x), max, "{level:?} {n}");
        }
        let tenth = vec![0.1f32; 1 << 20];
        let right = 0.1f32 as f64 * tenth.len() as f64;
        assert!((sum_slice(level, &tenth) as f64 / right - 1.0).abs() < 1e-6);
        assert!(max_slice(level, &[1.0, f32::NAN, 2.0]).is_nan());
    }
}

#[test]
fn integers_wrap() {
    use std::num::Wrapping;
    let x = Wrapping(i8::MIN);
    assert_eq!(
        (Num::abs(x), Num::max(x, Wrapping(3)), -x),
        (x, Wrapping(3), x)
    );
    assert_eq!(Wrapping::<u8>::splat(7.9) - Wrapping(9), Wrapping(254));
    assert_eq!(
        Wrapping::<i64>::one_where(Wrapping(1i64).lt(Wrapping(2))),
        Wrapping(1)
    );
}

/// Numbers from 0 on, taken apart and put together again.
struct Zips<T>(std::marker::PhantomData<T>);

impl<T: Float> Kernel for Zips<T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let mut all = [T::default(); 2 * MAX_LANES];
        for i in 0..all.len() {
            all[i] = <T as Num>::splat(i as f64);
        }
        let whole: [T::Vec<S>; 2] = [Vector::load(&all), Vector::load(&all[lanes..])];
        let apart = Vector::unzip(whole[0], whole[1]);
        let again = Vector::zip(apart[0], apart[1]);
        for odd in 0..2 {
            let mut got = [[T::default(); MAX_LANES]; 2];
            apart[odd].store(&mut got[0]);
            again[odd].store(&mut got[1]);
            for i in 0..lanes {
                assert_eq!(got[0][i].to_f64(), (2 * i + odd) as f64, "unzip");
                assert_eq!(got[1][i].to_f64(), (odd * lanes + i) as f64, "zip");
            }
        }
    }
}

#[test]
fn vectors_are_taken_apart_into_even_and_odd_and_put_together() {
    for level in Level::available() {
        level.dispatch(Zips::<f32>(std::marker::PhantomData));
        level.dispatch(Zips::<f64>(std::marker::PhantomData));
    }
}

/// The first and the last elements of a vector, written between others that stay.
struct Parts<T>(std::marker::PhantomData<T>);

impl<T: Float> Kernel for Parts<T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let mut all = [T::default(); MAX_LANES];
        for i in 0..lanes {
            all[i] = <T as Num>::splat(i as f64 + 1.0);
        }
        let v: T::Vec<S> = Vector::load(&all);
        for n in 0..=lanes {
            let mut got = [[T::default(); 2 * MAX_LANES]; 2];
            v.store_first(&mut got[0][MAX_LANES..][..n]);
            v.store_last(&mut got[1][MAX_LANES..][..n]);
            for i in 0..2 * MAX_LANES {
                let inside = (MAX_LANES..MAX_LANES + n).contains(&i);
                let at = |first: usize| if inside { first + i - MAX_LANES + 1 } else { 0 };
                assert_eq!(got[0][i].to_f64(), at(0) as f64, "first {n} of {lanes}");
                assert_eq!(
                    got[1][i].to_f64(),
                    at(lanes - n) as f64,
                    "last {n} of {lanes}"
                );
            }
        }
    }
}

#[test]
fn parts_of_vectors_are_written_and_nothing_else() {
    for level in Level::available() {
        level.dispatch(Parts::<f32>(std::marker::PhantomData));
        level.dispatch(Parts::<f64>(std::marker::PhantomData));
    }
}
