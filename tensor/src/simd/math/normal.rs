//! The standard normal distribution function, with the exponential that its density shares.
//!
//! In f32 it is `1/2 + x N(x^2)` up to 2.25, either sign, which few numbers of a network exceed. Beyond, the
//! smaller tail is `e^(-x^2/2) S(|x|)`, where `S` follows half the scaled complementary error function of
//! `|x| / sqrt 2`, which hardly bends: one exponential serves the function and its density. In f64 it
//! follows from `erf`. The absolute error is at most 1e-7 in f32 and 3e-16 in f64; as a share of a small tail
//! it grows to 1e-5 at -4 in f32.

use std::f64::consts::{FRAC_1_SQRT_2, LOG2_E};

use super::poly::poly;
use super::tables::Tables;
use crate::simd::{Lane, Vector};

/// Where the tail begins.
const NEAR: f64 = 2.25;
/// From here on `S` is held, where `e^(-x^2/2)` leaves nothing of it that counts.
const END: f64 = 6.0;

/// `N`, a minimax fit relative to the smaller tail.
const N: [f64; 9] = [
    0.398942253,
    -0.0664901553,
    0.009972953006,
    -0.001186539397,
    0.0001148482859,
    -9.17713577e-6,
    5.886151372e-7,
    -2.700922805e-8,
    6.462539724e-10,
];

/// `S`, a fit whose relative error may grow as `e^(x^2/4)` falls.
const S: [f64; 7] = [
    0.4558641941,
    -0.2835054817,
    0.1108472582,
    -0.027715556,
    0.004289742137,
    -0.000373658234,
    1.397950019e-5,
];

/// `e^(-x^2/2)`.
#[inline(always)]
fn bell<T: Lane>(x: T) -> T {
    (x * x * T::splat(-0.5 * LOG2_E)).exp2()
}

/// The function; `bell` is evaluated only where a lane is in the tail. (An element's bits do not depend on that.)
#[inline(always)]
fn cdf<T: Lane>(x: T, bell: impl FnOnce() -> T) -> T {
    let y = x.mul_add(poly(x * x, N), T::splat(0.5));
    let outside = T::splat(NEAR).lt(x.abs());
    if !T::any(outside) {
        return y;
    }
    let tail = bell() * poly(x.abs().min(T::splat(END)), S);
    let far = T::select(x.lt(T::splat(0.0)), tail, T::splat(1.0) - tail);
    T::select(outside, far, y)
}

/// The function alone.
#[inline(always)]
pub(super) fn short_cdf<T: Lane>(x: T) -> T {
    cdf(x, || bell(x))
}

/// The function and `e^(-x^2/2)`.
#[inline(always)]
pub(super) fn short<T: Lane>(x: T) -> [T; 2] {
    let bell = bell(x);
    [cdf(x, || bell), bell]
}

/// The function by `erf`.
#[inline(always)]
pub(super) fn long_cdf<T: Lane + Vector<Elem: Tables>>(x: T) -> T {
    let y = T::Elem::erf(x * T::splat(FRAC_1_SQRT_2));
    y.mul_add(T::splat(0.5), T::splat(0.5))
}

/// The function by `erf`, and `e^(-x^2/2)`.
#[inline(always)]
pub(super) fn long<T: Lane + Vector<Elem: Tables>>(x: T) -> [T; 2] {
    [long_cdf(x), bell(x)]
}

#[cfg(test)]
mod tests {
    use crate::simd::{Float, Lane, Level, MapBody, map_slice};
    use crate::special::erfc;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Fun {
        Cdf,
        First,
        Bell,
    }

    impl MapBody for Fun {
        #[inline(always)]
        fn f<T: Lane>(&self, x: T) -> T {
            match self {
                Fun::Cdf => x.normal_cdf(),
                Fun::First => x.normal()[0],
                Fun::Bell => x.normal()[1],
            }
        }
    }

    fn map<T: Float>(level: Level, fun: Fun, x: &[T]) -> Vec<f64> {
        let mut y = vec![T::default(); x.len()];
        map_slice(level, &fun, x, &mut y);
        y.into_iter().map(T::to_f64).collect()
    }

    fn check<T: Float>(level: Level, most: f64, tail: f64) {
        let points = (-40_000..=40_000).map(|i| f64::from(i) * 3e-4);
        let x: Vec<T> = points.chain([20.0, 300.0, -300.0]).map(T::splat).collect();
        for fun in [Fun::Cdf, Fun::First, Fun::Bell] {
            for (x, y) in x.iter().zip(map(level, fun, &x)) {
                let x = x.to_f64();
                let right = match fun {
                    Fun::Bell => (-0.5 * x * x).exp(),
                    _ => 0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
                };
                let error = (y - right).abs();
                assert!(error <= most, "{level:?} {fun:?}({x}) = {y}, not {right}");
                let counts = fun != Fun::Bell && (-4.0..0.0).contains(&x);
                assert!(
                    !counts || error <= tail * right,
                    "{level:?} {fun:?}({x}) = {y}, not {right}"
                );
            }
        }
        let ends = [f64::NEG_INFINITY, f64::INFINITY, f64::NAN].map(T::splat);
        let [low, high, none] = map(level, Fun::First, &ends)[..] else {
            unreachable!("three of three")
        };
        assert!(low == 0.0 && high == 1.0 && none.is_nan());
    }

    #[test]
    fn it_is_near_the_distribution_function_at_every_level() {
        for level in Level::available() {
            check::<f32>(level, 1e-7, 2e-5);
            check::<f64>(level, 3e-16, 1e-11);
        }
    }

    #[test]
    fn bits_depend_on_the_element_alone_and_not_on_what_is_asked_for() {
        for level in Level::available() {
            // Vectors of central elements, of tail elements and of both.
            let at = |i: i32| f64::from(i % 16 - 8) * if i % 48 < 16 { 0.25 } else { 0.6 };
            let x: Vec<f32> = (0..143).map(|i| at(i) as f32).collect();
            let all = map(level, Fun::Cdf, &x);
            assert_eq!(all, map(level, Fun::First, &x), "{level:?}");
            for (&x, y) in x.iter().zip(all) {
                assert_eq!(map(level, Fun::Cdf, &[x]), [y], "{level:?} {x}");
            }
        }
    }
}
