//! Rows brought to mean 0 and variance 1, or to mean square 1, and the gradient of that.

use super::vectors::{BLOCK, across, get, set, sum, total};
use crate::dtype::Element;
use crate::simd::{Float, Kernel, Lane, MAX_LANES, Num, Simd, Vector, prefetch_next};

/// `y = (x - mean) / sqrt(variance + eps) * weight + bias` for each row of `len` elements.
pub(crate) struct Norm<'a, T> {
    /// The rows.
    pub(crate) x: &'a [T],
    /// A factor for each place of a row.
    pub(crate) weight: Option<&'a [T]>,
    /// An addend for each place of a row.
    pub(crate) bias: Option<&'a [T]>,
    /// The result.
    pub(crate) y: &'a mut [T],
    /// Elements of a row.
    pub(crate) len: usize,
    /// Added to the variance.
    pub(crate) eps: f64,
    /// Whether the mean is taken away first; without it the mean square takes the variance's place.
    pub(crate) centred: bool,
}

/// How a row is normalised: `(x - mean) * scale + shift`.
#[derive(Clone, Copy)]
struct Statistics {
    mean: f64,
    scale: f64,
    /// What the mean that the type can hold misses, times `-scale`.
    shift: f64,
}

/// What a row is shifted and scaled by. The variance is taken about the mean that was found, in a
/// second pass over the cached row, so nothing cancels.
#[inline(always)]
fn statistics<T: Float + Element, S: Simd>(x: &[T], eps: f64, centred: bool) -> Statistics {
    let n = x.len() as f64;
    let mean = if centred { sum::<T, S>(x) / n } else { 0.0 };
    let mean = <T as Element>::from_f64(mean);
    let m = <T::Vec<S> as Vector>::repeat(mean);
    let square = |sum, x: T::Vec<S>, _| (x - m).mul_add(x - m, sum);
    let mut variance = total::<T, S>(x, x, mean, square) / n;
    let (far, mut missed) = (Element::to_f64(mean), 0.0);
    // A mean of many deviations has lost digits that matter: the mean of the distances from it has them.
    if centred && variance * FAR < far * far {
        missed = total::<T, S>(x, x, mean, |sum, x, _| sum + (x - m)) / n;
        variance = (variance - missed * missed).max(0.0);
    }
    let spread = variance + eps;
    if !(spread > 1e8 * T::TINY && spread < f64::INFINITY)
        && let Some(extreme) = extreme(x, eps, centred)
    {
        return extreme;
    }
    let scale = 1.0 / spread.sqrt();
    Statistics {
        mean: far,
        scale,
        shift: -missed * scale,
    }
}

/// The square of how many deviations from 0 a mean is called far.
const FAR: f64 = 256.0;

/// [`statistics`] of a row whose squares leave the normal numbers: by way of the largest element, in f64.
#[cold]
#[inline(never)]
fn extreme<T: Element>(x: &[T], eps: f64, centred: bool) -> Option<Statistics> {
    let top = x.iter().fold(0f64, |top, x| top.max(x.to_f64().abs()));
    if top == 0.0 || !x.iter().all(|x| x.to_f64().is_finite()) {
        return None;
    }
    let (n, parts) = (x.len() as f64, || x.iter().map(|x| x.to_f64() / top));
    let mean = if centred {
        parts().fold(0.0, |sum, x| sum + x) / n
    } else {
        0.0
    };
    let variance = parts().fold(0.0, |sum, x| sum + (x - mean) * (x - mean)) / n;
    let scale = 1.0 / (top * variance.sqrt()).hypot(eps.sqrt());
    let held = T::from_f64(mean * top).to_f64();
    Some(Statistics {
        mean: held,
        scale,
        shift: (held - mean * top) * scale,
    })
}

impl<T: Float + Element> Kernel for Norm<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let rows = self.x.chunks_exact(self.len);
        for (x, y) in rows.zip(self.y.chunks_exact_mut(self.len)) {
            let row = Row::<T, S>::new(x, self.eps, self.centred);
            let affine = (self.weight, self.bias);
            let whole = x.len() / lanes * lanes;
            for i in (0..whole).step_by(lanes) {
                prefetch_next::<S, _>(x, i);
                prefetch_next::<S, _>(y, i);
                row.write::<true>(i, affine, y);
            }
            if whole < x.len() {
                row.write::<false>(whole, affine, y);
            }
        }
    }
}

/// A row, and what it is shifted and scaled by.
struct Row<'a, T: Float, S: Simd> {
    /// The elements.
    x: &'a [T],
    /// The mean, or 0 where it is not taken away.
    mean: T::Vec<S>,
    /// The reciprocal of the standard deviation.
    scale: T::Vec<S>,
    shift: T::Vec<S>,
}

impl<'a, T: Float + Element, S: Simd> Row<'a, T, S> {
    /// A row with its statistics.
    #[inline(always)]
    fn new(x: &'a [T], eps: f64, centred: bool) -> Self {
        let found = statistics::<T, S>(x, eps, centred);
        Row {
            x,
            mean: Num::splat(found.mean),
            scale: Num::splat(found.scale),
            shift: Num::splat(found.shift),
        }
    }

    /// The normalised elements from `i` on.
    #[inline(always)]
    fn unit<const WHOLE: bool>(&self, i: usize) -> T::Vec<S> {
        (get::<T, S, WHOLE>(&self.x[i..]) - self.mean).mul_add(self.scale, self.shift)
    }

    /// Writes a vector of the result from `i` on.
    #[inline(always)]
    fn write<const WHOLE: bool>(
        &self,
        i: usize,
        (weight, bias): (Option<&[T]>, Option<&[T]>),
        y: &mut [T],
    ) {
        let mut v = self.unit::<WHOLE>(i);
        if let Some(w) = weight {
            let w = get::<T, S, WHOLE>(&w[i..]);
            v = match bias {
                Some(b) => v.mul_add(w, get::<T, S, WHOLE>(&b[i..])),
                None => v * w,
            };
        }
        set::<T, S, WHOLE>(v, &mut y[i..]);
    }
}

/// The gradient of [`Norm`] for the cotangent `g` of its result: `dx` row by row, and the rows' share
/// of the gradients of weight and bias, added to `sums`.
pub(crate) struct NormBackward<'a, T> {
    /// The cotangent of the result.
    pub(crate) g: &'a [T],
    /// The rows.
    pub(crate) x: &'a [T],
    /// The weight, and where the gradients of weight and bias are added up.
    pub(crate) weight: Option<(&'a [T], [&'a mut [T]; 2])>,
    /// The rows' gradient.
    pub(crate) dx: &'a mut [T],
    /// Elements of a row.
    pub(crate) len: usize,
    /// Added to the variance.
    pub(crate) eps: f64,
    /// As in [`Norm`].
    pub(crate) centred: bool,
}

impl<T: Float + Element> Kernel for NormBackward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let n = self.len as f64;
        let rows = self.g.chunks_exact(self.len);
        let rows = rows.zip(self.x.chunks_exact(self.len));
        for ((g, x), dx) in rows.zip(self.dx.chunks_exact_mut(self.len)) {
            let row = Row::<T, S>::new(x, self.eps, self.centred);
            // With a = g * weight: dx = scale * (a - mean(a) - x^ * mean(a * x^)).
            let [a, ax] = match &mut self.weight {
                Some((w, [dw, db])) => row.weighted([g, w], [dw, db, dx]),
                None => {
                    dx.copy_from_slice(g);
                    row.plain(g)
                }
            };
            row.finish(dx, if self.centred { a / n } else { 0.0 }, ax / n);
        }
    }
}

impl<T: Float + Element, S: Simd> Row<'_, T, S> {
    /// The sums of `g` and of `g * x^`.
    #[inline(always)]
    fn plain(&self, g: &[T]) -> [f64; 2] {
        let step = |sum, g: T::Vec<S>, x| (g * self.scale).mul_add(x - self.mean, sum);
        let (all, along) = (sum::<T, S>(g), total::<T, S>(g, self.x, T::default(), step));
        let mut shift = [T::default(); MAX_LANES];
        self.shift.store(&mut shift);
        [all, along + Element::to_f64(shift[0]) * all]
    }

    /// `a = g * weight` into the last place, with its sum and that of `a * x^`, while `g * x^` and `g`
    /// are added to the gradients of weight and bias.
    #[inline(always)]
    fn weighted(&self, [g, w]: [&[T]; 2], [dw, db, a]: [&mut [T]; 3]) -> [f64; 2] {
        // One length for all, so that one check is enough for all.
        let n = self.x.len();
        let (g, w, dw, db, a) = (&g[..n], &w[..n], &mut dw[..n], &mut db[..n], &mut a[..n]);
        let lanes = T::Vec::<S>::LANES;
        let mut totals = [0.0; 2];
        let mut start = 0;
        while start < n {
            let end = n.min(start + BLOCK);
            let mut sums = [<T::Vec<S> as Num>::splat(0.0); 2];
            let mut i = start;
            while i + lanes <= end {
                prefetch_next::<S, _>(self.x, i);
                prefetch_next::<S, _>(g, i);
                prefetch_next::<S, _>(a, i);
                self.weigh::<true>(i, [g, w], [dw, db, a], &mut sums);
                i += lanes;
            }
            if i < end {
                self.weigh::<false>(i, [g, w], [dw, db, a], &mut sums);
            }
            for i in 0..2 {
                totals[i] += across::<T, S>(sums[i]);
            }
            start = end;
        }
        totals
    }

    /// One vector of [`Row::weighted`], from `i` on.
    #[inline(always)]
    fn weigh<const WHOLE: bool>(
        &self,
        i: usize,
        [g, w]: [&[T]; 2],
        [dw, db, a]: [&mut [T]; 3],
        sums: &mut [T::Vec<S>; 2],
    ) {
        let (v, unit) = (get::<T, S, WHOLE>(&g[i..]), self.unit::<WHOLE>(i));
        let scaled = v * get::<T, S, WHOLE>(&w[i..]);
        sums[0] = sums[0] + scaled;
        sums[1] = scaled.mul_add(unit, sums[1]);
        let slope = v.mul_add(unit, get::<T, S, WHOLE>(&dw[i..]));
        set::<T, S, WHOLE>(slope, &mut dw[i..]);
        set::<T, S, WHOLE>(v + get::<T, S, WHOLE>(&db[i..]), &mut db[i..]);
        set::<T, S, WHOLE>(scaled, &mut a[i..]);
    }

    /// `a = scale * (a - shift - x^ * slope)`.
    #[inline(always)]
    fn finish(&self, a: &mut [T], shift: f64, slope: f64) {
        let n = self.x.len();
        let (a, lanes) = (&mut a[..n], T::Vec::<S>::LANES);
        let by = [shift, slope].map(<T::Vec<S> as Num>::splat);
        let whole = n / lanes * lanes;
        for i in (0..whole).step_by(lanes) {
            self.bring::<true>(i, a, by);
        }
        if whole < n {
            self.bring::<false>(whole, a, by);
        }
    }

    /// One vector of [`Row::finish`], from `i` on.
    #[inline(always)]
    fn bring<const WHOLE: bool>(&self, i: usize, a: &mut [T], [shift, slope]: [T::Vec<S>; 2]) {
        let away = self.unit::<WHOLE>(i) * slope;
        let v = (get::<T, S, WHOLE>(&a[i..]) - shift - away) * self.scale;
        set::<T, S, WHOLE>(v, &mut a[i..]);
    }
}
