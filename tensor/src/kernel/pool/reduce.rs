//! Windows joined to one number each, in one pass.

use super::lines::Lines;
use super::{PoolAxis, pairs, planes};
use crate::simd::{Float, Kernel, Lane, Level, Num, Simd, Vector};

/// How the elements of a window are joined.
pub(super) trait Join: Copy + Send + Sync {
    /// What lies outside the image.
    const OUTSIDE: f64;
    /// Two parts of a window.
    fn join<V: Lane>(a: V, b: V) -> V;
}

/// The larger, NaN first.
#[derive(Clone, Copy)]
pub(super) struct Largest;

impl Join for Largest {
    const OUTSIDE: f64 = f64::NEG_INFINITY;
    #[inline(always)]
    fn join<V: Lane>(a: V, b: V) -> V {
        a.max(b)
    }
}

/// The sum.
#[derive(Clone, Copy)]
pub(super) struct Total;

impl Join for Total {
    const OUTSIDE: f64 = 0.0;
    #[inline(always)]
    fn join<V: Lane>(a: V, b: V) -> V {
        a + b
    }
}

/// Writes the joined windows of images, divided by the product of their row's and column's divisor
/// where there are any.
pub(super) fn fold<T: Float, J: Join>(
    level: Level,
    how: J,
    x: &[T],
    axes: [PoolAxis; 2],
    divisors: Option<[&[f64]; 2]>,
    out: &mut [T],
) {
    let [r, c] = axes;
    let (image, plane) = (r.size * c.size, r.out * c.out);
    planes(out, plane, image, |first, out| {
        level.dispatch(Fold {
            how,
            x: &x[first * image..][..out.len() / plane * image],
            axes,
            divisors,
            out,
        });
    });
}

struct Fold<'a, T, J> {
    how: J,
    x: &'a [T],
    axes: [PoolAxis; 2],
    divisors: Option<[&'a [f64]; 2]>,
    out: &'a mut [T],
}

impl<T: Float, J: Join> Kernel for Fold<'_, T, J> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [rows, columns] = self.axes;
        let _ = self.how;
        let outside = <T as Num>::splat(J::OUTSIDE);
        let mut lines = Lines::new(columns, outside);
        let image = rows.size * columns.size;
        let pairs = pairs::fit(columns);
        let outputs = self.out.chunks_exact_mut(rows.out * columns.out);
        for (p, plane) in outputs.enumerate() {
            let image = &self.x[p * image..][..image];
            for (o, out) in plane.chunks_exact_mut(columns.out).enumerate() {
                if pairs {
                    pairs::fold::<T, S, J>(self.axes, o, image, out);
                } else {
                    down::<T, S, J>(rows, o, image, &mut lines.inside()[..columns.size]);
                    lines.cut::<S>();
                    across::<T, S, J>(&lines, out);
                }
                if let Some([r, c]) = self.divisors {
                    for i in 0..out.len() {
                        out[i] = out[i] / <T as Num>::splat(r[o] * c[i]);
                    }
                }
            }
        }
    }
}

/// The columns of a row of windows, each joined to one element.
#[inline(always)]
fn down<T: Float, S: Simd, J: Join>(rows: PoolAxis, o: usize, image: &[T], line: &mut [T]) {
    let (lanes, width) = (T::Vec::<S>::LANES, line.len());
    let taps = rows.inside(o);
    if taps.is_empty() || width == 0 {
        return line.fill(<T as Num>::splat(J::OUTSIDE));
    }
    let top = rows.place(o, taps.start) * width;
    let (step, n) = (rows.dilation * width, taps.len());
    if width < lanes {
        let mut sum: T::Vec<S> = Vector::load_first(&image[top..][..width]);
        for r in 1..n {
            let row = &image[top + r * step..][..width];
            sum = J::join(sum, Vector::load_first(row));
        }
        return sum.store_first(line);
    }
    // The last vector overlaps the one before it.
    for x in (0..width).step_by(lanes) {
        let x = x.min(width - lanes);
        let mut sum: T::Vec<S> = Vector::load(&image[top + x..]);
        for r in 1..n {
            sum = J::join(sum, Vector::load(&image[top + r * step + x..]));
        }
        sum.store(&mut line[x..]);
    }
}

/// The windows, from the joined columns.
#[inline(always)]
fn across<T: Float, S: Simd, J: Join>(lines: &Lines<T>, out: &mut [T]) {
    let lanes = T::Vec::<S>::LANES;
    let n = out.len();
    let mut i = 0;
    while i < n {
        let mut sum = lines.vector::<S>(lines.taps[0], i);
        for &tap in &lines.taps[1..] {
            sum = J::join(sum, lines.vector::<S>(tap, i));
        }
        if i + lanes <= n {
            sum.store(&mut out[i..]);
        } else {
            sum.store_first(&mut out[i..]);
        }
        i += lanes;
    }
}
