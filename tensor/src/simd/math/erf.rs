//! The error function in f64, by the rational pieces of fdlibm's `s_erf.c`.
//!
//! `erf x` is `x + x p/q (x^2)` below 0.84375, `c + p/q (|x| - 1)` below 1.25, then
//! `1 - exp(-x^2 - 0.5625 + p/q (1/x^2)) / |x|` with two sets of coefficients, and 1 from 6 on.
//! The pieces are chosen by select; one division serves all of them.

#![allow(
    clippy::excessive_precision,
    reason = "coefficients stand as they were published or fitted"
)]

use crate::simd::Lane;

/// The error function.
#[inline(always)]
pub(super) fn erf<T: Lane>(x: T) -> T {
    let a = x.abs();
    let (middle, tail) = (T::splat(0.84375).le(a), T::splat(1.25).le(a));

    // The tail is costly and rare; an element's bits do not depend on whether its vector has one.
    let z = a * a;
    let mut p = fraction(z, INNER);
    if T::any(middle) {
        p = pick(middle, fraction(a - T::splat(1.0), MIDDLE), p);
    }
    if T::any(tail) {
        let z = T::splat(1.0) / z;
        let outer = T::splat(1.0 / 0.35).le(a);
        p = pick(tail, pick(outer, fraction(z, OUTER), fraction(z, TAIL)), p);
    }
    let r = p.0 / p.1;

    let mut y = x.mul_add(r, x);
    if T::any(middle) {
        y = T::select(middle, (r + T::splat(AT_ONE)).copysign(x), y);
    }
    if T::any(tail) {
        // erf needs exp's relative error only times 1 - erf, so x^2 need not be exact.
        let e = (r - T::splat(0.5625) - z).exp() / a;
        let e = T::select(a.lt(T::splat(6.0)), T::splat(1.0) - e, T::splat(1.0));
        y = T::select(tail, e.copysign(x), y);
    }
    y
}

/// Coefficients of numerator and denominator, the constant term first.
type Rational = [&'static [f64]; 2];

/// erf(1), rounded to 24 bits as the fit of `MIDDLE` expects it.
const AT_ONE: f64 = 8.45062911510467529297e-1;

const INNER: Rational = [
    &[
        1.28379167095512558561e-1,
        -3.25042107247001499370e-1,
        -2.84817495755985104766e-2,
        -5.77027029648944159157e-3,
        -2.37630166566501626084e-5,
    ],
    &[
        1.0,
        3.97917223959155352819e-1,
        6.50222499887672944485e-2,
        5.08130628187576562776e-3,
        1.32494738004321644526e-4,
        -3.96022827877536812320e-6,
    ],
];

const MIDDLE: Rational = [
    &[
        -2.36211856075265944077e-3,
        4.14856118683748331666e-1,
        -3.72207876035701323847e-1,
        3.18346619901161753674e-1,
        -1.10894694282396677476e-1,
        3.54783043256182359371e-2,
        -2.16637559486879084300e-3,
    ],
    &[
        1.0,
        1.06420880400844228286e-1,
        5.40397917702171048937e-1,
        7.18286544141962662868e-2,
        1.26171219808761642112e-1,
        1.36370839120290507362e-2,
        1.19844998467991074170e-2,
    ],
];

const TAIL: Rational = [
    &[
        -9.86494403484714822705e-3,
        -6.93858572707181764372e-1,
        -1.05586262253232909814e1,
        -6.23753324503260060396e1,
        -1.62396669462573470355e2,
        -1.84605092906711035994e2,
        -8.12874355063065934246e1,
        -9.81432934416914548592,
    ],
    &[
        1.0,
        1.96512716674392571292e1,
        1.37657754143519042600e2,
        4.34565877475229228821e2,
        6.45387271733267880336e2,
        4.29008140027567833386e2,
        1.08635005541779435134e2,
        6.57024977031928170135,
        -6.04244152148580987438e-2,
    ],
];

const OUTER: Rational = [
    &[
        -9.86494292470009928597e-3,
        -7.99283237680523006574e-1,
        -1.77579549177547519889e1,
        -1.60636384855821916062e2,
        -6.37566443368389627722e2,
        -1.02509513161107724954e3,
        -4.83519191608651397019e2,
    ],
    &[
        1.0,
        3.03380607434824582924e1,
        3.25792512996573918826e2,
        1.53672958608443695994e3,
        3.19985821950859553908e3,
        2.55305040643316442583e3,
        4.74528541206955367215e2,
        -2.24409524465858183362e1,
    ],
];

/// Numerator and denominator at `x`.
#[inline(always)]
fn fraction<T: Lane>(x: T, [p, q]: Rational) -> (T, T) {
    (horner(x, p), horner(x, q))
}

/// The polynomial with these coefficients, by Horner's rule.
#[inline(always)]
fn horner<T: Lane>(x: T, c: &[f64]) -> T {
    let mut y = T::splat(c[c.len() - 1]);
    for i in (0..c.len() - 1).rev() {
        y = y.mul_add(x, T::splat(c[i]));
    }
    y
}

/// `a` where `m`, else `b`.
#[inline(always)]
fn pick<T: Lane>(m: T::Mask, a: (T, T), b: (T, T)) -> (T, T) {
    (T::select(m, a.0, b.0), T::select(m, a.1, b.1))
}
