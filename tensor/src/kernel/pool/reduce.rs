//! Windows reduced to one number each, in one pass.

use super::axis::PoolAxis;
use super::combine::Combine;
use super::lines::Lines;
use super::pairs;
use super::planes::planes;
use crate::simd::{Float, Kernel, Level, Num, Simd, Vector};

/// Writes the reduced windows of images, divided by the product of their row's and column's divisor
/// where there are any.
pub(super) fn reduce<T: Float, C: Combine>(
    level: Level,
    how: C,
    x: &[T],
    axes: [PoolAxis; 2],
    divisors: Option<[&[f64]; 2]>,
    out: &mut [T],
) {
    let [r, c] = axes;
    let (image, plane) = (r.size * c.size, r.out * c.out);
    planes(out, plane, image, |first, out| {
        level.dispatch(PoolReduce {
            how,
            x: &x[first * image..][..out.len() / plane * image],
            axes,
            divisors,
            out,
        });
    });
}

/// Whole images of one task.
struct PoolReduce<'a, T, C> {
    /// How elements combine.
    how: C,
    /// The images.
    x: &'a [T],
    /// Rows and columns.
    axes: [PoolAxis; 2],
    /// What sums are divided by, for each row and each column of windows.
    divisors: Option<[&'a [f64]; 2]>,
    /// The results.
    out: &'a mut [T],
}

impl<T: Float, C: Combine> Kernel for PoolReduce<'_, T, C> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [rows, columns] = self.axes;
        let _ = self.how;
        let outside = <T as Num>::splat(C::OUTSIDE);
        let mut lines = Lines::new(columns, outside);
        let image = rows.size * columns.size;
        let pairs = pairs::fit(columns);
        let outputs = self.out.chunks_exact_mut(rows.out * columns.out);
        for (p, plane) in outputs.enumerate() {
            let image = &self.x[p * image..][..image];
            for (o, out) in plane.chunks_exact_mut(columns.out).enumerate() {
                if pairs {
                    pairs::reduce::<T, S, C>(self.axes, o, image, out);
                } else {
                    down::<T, S, C>(rows, o, image, &mut lines.inside()[..columns.size]);
                    lines.cut::<S>();
                    across::<T, S, C>(&lines, out);
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

/// The columns of a row of windows, each reduced to one element.
#[inline(always)]
fn down<T: Float, S: Simd, C: Combine>(rows: PoolAxis, o: usize, image: &[T], line: &mut [T]) {
    let (lanes, width) = (T::Vec::<S>::LANES, line.len());
    let taps = rows.inside(o);
    if taps.is_empty() || width == 0 {
        return line.fill(<T as Num>::splat(C::OUTSIDE));
    }
    let top = rows.place(o, taps.start) * width;
    let (step, n) = (rows.dilation * width, taps.len());
    if width < lanes {
        let mut sum: T::Vec<S> = Vector::load_first(&image[top..][..width]);
        for r in 1..n {
            let row = &image[top + r * step..][..width];
            sum = C::combine(sum, Vector::load_first(row));
        }
        return sum.store_first(line);
    }
    // The last vector overlaps the one before it.
    for x in (0..width).step_by(lanes) {
        let x = x.min(width - lanes);
        let mut sum: T::Vec<S> = Vector::load(&image[top + x..]);
        for r in 1..n {
            sum = C::combine(sum, Vector::load(&image[top + r * step + x..]));
        }
        sum.store(&mut line[x..]);
    }
}

/// The windows, from the reduced columns.
#[inline(always)]
fn across<T: Float, S: Simd, C: Combine>(lines: &Lines<T>, out: &mut [T]) {
    let lanes = T::Vec::<S>::LANES;
    let n = out.len();
    let mut i = 0;
    while i < n {
        let mut sum = lines.vector::<S>(lines.taps[0], i);
        for &tap in &lines.taps[1..] {
            sum = C::combine(sum, lines.vector::<S>(tap, i));
        }
        if i + lanes <= n {
            sum.store(&mut out[i..]);
        } else {
            sum.store_first(&mut out[i..]);
        }
        i += lanes;
    }
}
