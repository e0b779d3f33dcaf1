//! The logarithm of the sum of a row's exponentials, and the cross entropy of rows of logits and one class each.

use super::softmax::{highest, log_powers, powers, scale};
use crate::dtype::Element;
use crate::simd::{Float, Kernel, Simd};

/// `ln sum e^x - x[class]` for each row of `len` logits; every class is below `len`.
pub(crate) struct Entropy<'a, T> {
    /// The logits, row after row.
    pub(crate) x: &'a [T],
    /// A class for each row.
    pub(crate) classes: &'a [usize],
    /// An entropy for each row.
    pub(crate) y: &'a mut [T],
    /// Elements of a row.
    pub(crate) len: usize,
}

impl<T: Float + Element> Kernel for Entropy<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let rows = self.x.chunks_exact(self.len).zip(self.classes);
        for ((x, &class), y) in rows.zip(self.y) {
            let top = highest::<T, S>(x);
            let log = log_powers::<T, S>(x, top);
            // The distance from the largest first: both may be large, and their difference small.
            let down = Element::to_f64(top) - Element::to_f64(x[class]);
            *y = <T as Element>::from_f64(log + down);
        }
    }
}

/// `ln sum e^x` for each row of `len` elements.
pub(crate) struct LogSumExp<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
    pub(crate) len: usize,
}

impl<T: Float + Element> Kernel for LogSumExp<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (x, y) in self.x.chunks_exact(self.len).zip(self.y) {
            let top = highest::<T, S>(x);
            let high = Element::to_f64(top);
            // An infinite shift would give inf - inf.
            *y = if high.is_finite() {
                <T as Element>::from_f64(log_powers::<T, S>(x, top) + high)
            } else {
                let nan = x.iter().find(|x| Element::to_f64(**x).is_nan());
                *nan.unwrap_or(&top)
            };
        }
    }
}

/// The gradient for the cotangent `g` of each row's entropy: `g (softmax(x) - 1 at the class)`.
pub(crate) struct EntropyBackward<'a, T> {
    /// A cotangent for each row.
    pub(crate) g: &'a [T],
    /// The logits, row after row.
    pub(crate) x: &'a [T],
    /// A class for each row.
    pub(crate) classes: &'a [usize],
    /// The logits' gradient.
    pub(crate) dx: &'a mut [T],
    /// Elements of a row.
    pub(crate) len: usize,
}

impl<T: Float + Element> Kernel for EntropyBackward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let rows = self.x.chunks_exact(self.len).zip(self.classes).zip(self.g);
        for (((x, &class), &g), dx) in rows.zip(self.dx.chunks_exact_mut(self.len)) {
            let total = powers::<T, S, true>(x, highest::<T, S>(x), dx);
            scale::<T, S>(dx, Element::to_f64(g) / total);
            dx[class] = dx[class] - g;
        }
    }
}
