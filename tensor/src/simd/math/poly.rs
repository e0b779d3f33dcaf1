//! Polynomials.

use std::f64::consts::LN_2;

use crate::simd::Lane;

/// `c[0] + c[1] x + c[2] x^2 + ..` by Horner's rule.
#[inline(always)]
pub(super) fn poly<T: Lane, const N: usize>(x: T, c: [f64; N]) -> T {
    let mut y = T::splat(c[N - 1]);
    for i in (0..N - 1).rev() {
        y = y.mul_add(x, T::splat(c[i]));
    }
    y
}

/// The same as two polynomials in `x^2`, of the even and of the odd powers: half as many steps wait for each
/// other. One product more, where `x^2` is not there already.
#[inline(always)]
pub(super) fn halves<T: Lane, const N: usize>(x: T, c: [f64; N]) -> T {
    let square = x * x;
    let every_other = |last: usize| {
        let mut y = T::splat(c[last]);
        for i in (0..last).rev().skip(1).step_by(2) {
            y = y.mul_add(square, T::splat(c[i]));
        }
        y
    };
    let [even, odd] = match N % 2 {
        0 => [every_other(N - 2), every_other(N - 1)],
        _ => [every_other(N - 1), every_other(N - 2)],
    };
    odd.mul_add(x, even)
}

/// The coefficients of `2^f = 1 + f ln 2 + f^2 P(f)` from those of `e^r = 1 + r + r^2 P(r)`.
pub(super) const fn base_2<const N: usize>(mut tail: [f64; N]) -> [f64; N] {
    let (mut i, mut power) = (0, LN_2 * LN_2);
    while i < N {
        tail[i] *= power;
        power *= LN_2;
        i += 1;
    }
    tail
}
