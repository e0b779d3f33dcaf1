//! Rows brought to mean 0 and variance 1, or to mean square 1, and the gradient of that.

use super::{across, part, put, sum, total};
use crate::dtype::Element;
use crate::simd::{Float, Kernel, Lane, Num, Simd, Vector};

/// `y = (x - mean) / sqrt(variance + eps) * weight + bias` for each row of `len` elements.
pub(crate) struct Norm<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) weight: Option<&'a [T]>,
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) y: &'a mut [T],
    pub(crate) len: usize,
    pub(crate) eps: f64,
    /// Whether the mean is taken away first; without it the mean square takes the variance's place.
    pub(crate) centred: bool,
}

/// What a row is shifted and scaled by. The variance is taken about the mean that was found, in a
/// second pass over the cached row, so nothing cancels.
#[inline(always)]
fn statistics<T: Float + Element, S: Simd>(x: &[T], eps: f64, centred: bool) -> [T; 2] {
    let n = x.len() as f64;
    let mean = if centred { sum::<T, S>(x) / n } else { 0.0 };
    let mean = <T as Element>::from_f64(mean);
    let m = <T::Vec<S> as Vector>::repeat(mean);
    let square = |sum, x: T::Vec<S>, _| (x - m).mul_add(x - m, sum);
    let variance = total::<T, S>(x, x, mean, square) / n;
    [
        mean,
        <T as Element>::from_f64(1.0 / (variance + eps).sqrt()),
    ]
}

impl<T: Float + Element> Kernel for Norm<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let rows = self.x.chunks_exact(self.len);
        for (x, y) in rows.zip(self.y.chunks_exact_mut(self.len)) {
            let [mean, scale] = statistics::<T, S>(x, self.eps, self.centred);
            let (mean, scale) = (Vector::repeat(mean), Vector::repeat(scale));
            for i in (0..x.len()).step_by(lanes) {
                let mut v = (part::<T, S>(&x[i..], T::default()) - mean) * scale;
                if let Some(w) = self.weight {
                    let w = part::<T, S>(&w[i..], T::default());
                    v = match self.bias {
                        Some(b) => v.mul_add(w, part::<T, S>(&b[i..], T::default())),
                        None => v * w,
                    };
                }
                put::<T, S>(v, &mut y[i..]);
            }
        }
    }
}

/// The gradient of [`Norm`] for the cotangent `g` of its result: `dx` row by row, and the rows' share
/// of the gradients of weight and bias, added to `sums`.
pub(crate) struct NormGrad<'a, T> {
    pub(crate) g: &'a [T],
    pub(crate) x: &'a [T],
    /// The weight, and where the gradients of weight and bias are added up.
    pub(crate) weight: Option<(&'a [T], [&'a mut [T]; 2])>,
    pub(crate) dx: &'a mut [T],
    pub(crate) len: usize,
    pub(crate) eps: f64,
    pub(crate) centred: bool,
}

impl<T: Float + Element> Kernel for NormGrad<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let n = self.len as f64;
        let rows = self.g.chunks_exact(self.len);
        let rows = rows.zip(self.x.chunks_exact(self.len));
        for ((g, x), dx) in rows.zip(self.dx.chunks_exact_mut(self.len)) {
            let [mean, scale] = statistics::<T, S>(x, self.eps, self.centred);
            // With a = g * weight: dx = scale * (a - mean(a) - x^ * mean(a * x^)).
            let [a, ax] = match &mut self.weight {
                Some((w, [dw, db])) => weighted::<T, S>([g, x, w], [dw, db, dx], mean, scale),
                None => {
                    dx.copy_from_slice(g);
                    plain::<T, S>(g, x, mean, scale)
                }
            };
            let shift = if self.centred { a / n } else { 0.0 };
            let [shift, slope] = [shift, ax / n].map(<T as Element>::from_f64);
            finish::<T, S>(dx, x, [mean, scale, shift, slope]);
        }
    }
}

/// The sums of `g` and of `g * x^`.
#[inline(always)]
fn plain<T: Float + Element, S: Simd>(g: &[T], x: &[T], mean: T, scale: T) -> [f64; 2] {
    let m = <T::Vec<S> as Vector>::repeat(mean);
    let along = total::<T, S>(g, x, T::default(), |sum, g: T::Vec<S>, x| {
        g.mul_add(x - m, sum)
    });
    [sum::<T, S>(g), along * Element::to_f64(scale)]
}

/// `a = g * weight` into the last place, with its sum and that of `a * x^`, while `g * x^` and `g` are
/// added to the gradients of weight and bias.
#[inline(always)]
fn weighted<T: Float + Element, S: Simd>(
    [g, x, w]: [&[T]; 3],
    [dw, db, a]: [&mut [T]; 3],
    mean: T,
    scale: T,
) -> [f64; 2] {
    let (lanes, zero) = (T::Vec::<S>::LANES, T::default());
    let (mean, scale) = (Vector::repeat(mean), Vector::repeat(scale));
    let mut totals = [0.0; 2];
    let mut start = 0;
    while start < g.len() {
        let end = g.len().min(start + super::BLOCK);
        let mut sums = [<T::Vec<S> as Num>::splat(0.0); 2];
        for i in (start..end).step_by(lanes) {
            let v = part::<T, S>(&g[i..], zero);
            let unit = (part::<T, S>(&x[i..], zero) - mean) * scale;
            let scaled = v * part::<T, S>(&w[i..], zero);
            sums[0] = sums[0] + scaled;
            sums[1] = scaled.mul_add(unit, sums[1]);
            put::<T, S>(v.mul_add(unit, part::<T, S>(&dw[i..], zero)), &mut dw[i..]);
            put::<T, S>(v + part::<T, S>(&db[i..], zero), &mut db[i..]);
            put::<T, S>(scaled, &mut a[i..]);
        }
        for i in 0..2 {
            totals[i] += across::<T, S>(sums[i]);
        }
        start = end;
    }
    totals
}

/// `a = scale * (a - shift - x^ * slope)`.
#[inline(always)]
fn finish<T: Float, S: Simd>(a: &mut [T], x: &[T], [mean, scale, shift, slope]: [T; 4]) {
    let (lanes, zero) = (T::Vec::<S>::LANES, T::default());
    let [mean, scale, shift] = [mean, scale, shift].map(|v| <T::Vec<S> as Vector>::repeat(v));
    let slope = scale * Vector::repeat(slope);
    for i in (0..x.len()).step_by(lanes) {
        let away = (part::<T, S>(&x[i..], zero) - mean) * slope;
        let v = (part::<T, S>(&a[i..], zero) - shift - away) * scale;
        put::<T, S>(v, &mut a[i..]);
    }
}
