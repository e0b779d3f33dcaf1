//! The largest element of each window, and where it stands.

use super::fold::{Largest, fold};
use super::lines::Lines;
use super::{PoolAxis, planes};
use crate::simd::{Float, Kernel, Lane, Level, MAX_LANES, Num, Simd, Vector};

/// Images in which windows are searched, each of `axes[0].size` by `axes[1].size`.
#[derive(Clone, Copy, Debug)]
pub struct Max<'a, T> {
    /// The images, one after the other.
    pub x: &'a [T],
    /// Rows and columns.
    pub axes: [PoolAxis; 2],
}

impl<T> Max<'_, T> {
    fn sizes(&self) -> [usize; 2] {
        let [r, c] = self.axes;
        [r.size * c.size, r.out * c.out]
    }
}

/// Writes the largest element of each window, NaN where there is one.
///
/// # Panics
/// Where there are fewer images than results.
pub fn max<T: Float>(level: Level, job: Max<T>, out: &mut [T]) {
    fold(level, Largest, job.x, job.axes, None, out);
}

/// Writes the gradient of images from `g`, that of the windows' largest elements: it goes to the
/// first of equals.
///
/// # Panics
/// Where there are fewer images or windows than results.
pub fn max_back<T: Float>(level: Level, job: Max<T>, g: &[T], out: &mut [T]) {
    let [image, plane] = job.sizes();
    planes(out, image, plane, |first, out| {
        let x = &job.x[first * image..][..out.len()];
        let g = &g[first * plane..][..out.len() / image * plane];
        let job = Max { x, ..job };
        level.dispatch(Back { job, g, out });
    });
}

/// Writes for each window the element of `t`, images like `job.x`, at the place of the window's
/// first largest element of `job.x`; 0 where the window is empty.
///
/// # Panics
/// Where there are fewer images than results.
pub fn max_pick<T: Float>(level: Level, job: Max<T>, t: &[T], out: &mut [T]) {
    let [image, plane] = job.sizes();
    planes(out, plane, image, |first, out| {
        let images = first * image..(first + out.len() / plane) * image;
        let (x, t) = (&job.x[images.clone()], &t[images]);
        let job = Max { x, ..job };
        level.dispatch(Pick { job, t, out });
    });
}

struct Back<'a, T> {
    job: Max<'a, T>,
    g: &'a [T],
    out: &'a mut [T],
}

impl<T: Float> Kernel for Back<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [rows, columns] = self.job.axes;
        let mut places = Places::new(self.job.axes);
        self.out.fill(T::default());
        let (image, plane) = (rows.size * columns.size, rows.out * columns.out);
        for (p, out) in self.out.chunks_exact_mut(image).enumerate() {
            let x = &self.job.x[p * image..][..image];
            let g = &self.g[p * plane..][..plane];
            for (o, g) in g.chunks_exact(columns.out).enumerate() {
                places.find::<S>(x, o);
                for i in 0..columns.out {
                    if let Some(y) = out.get_mut(places.at[i]) {
                        *y = *y + g[i];
                    }
                }
            }
        }
    }
}

struct Pick<'a, T> {
    job: Max<'a, T>,
    t: &'a [T],
    out: &'a mut [T],
}

impl<T: Float> Kernel for Pick<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [rows, columns] = self.job.axes;
        let mut places = Places::new(self.job.axes);
        let image = rows.size * columns.size;
        let outputs = self.out.chunks_exact_mut(rows.out * columns.out);
        for (p, out) in outputs.enumerate() {
            let x = &self.job.x[p * image..][..image];
            let t = &self.t[p * image..][..image];
            for (o, out) in out.chunks_exact_mut(columns.out).enumerate() {
                places.find::<S>(x, o);
                for i in 0..columns.out {
                    out[i] = t.get(places.at[i]).copied().unwrap_or_default();
                }
            }
        }
    }
}

/// The places of the first largest elements of a row of windows.
struct Places<T> {
    axes: [PoolAxis; 2],
    /// The image's rows that the windows meet, one for each row of a window.
    lines: Vec<Lines<T>>,
    /// Each tap's distance in the image from its window's first place.
    distance: Vec<usize>,
    /// Of each window: the place in the image, or one behind it where there is none.
    at: Vec<usize>,
}

impl<T: Float> Places<T> {
    fn new([rows, columns]: [PoolAxis; 2]) -> Places<T> {
        let outside = <T as Num>::splat(f64::NEG_INFINITY);
        let line = |_| Lines::new(columns, outside);
        let distance = (0..rows.kernel * columns.kernel).map(|t| {
            let (r, c) = (t / columns.kernel, t % columns.kernel);
            r * rows.dilation * columns.size + c * columns.dilation
        });
        Places {
            axes: [rows, columns],
            lines: (0..rows.kernel).map(line).collect(),
            distance: distance.collect(),
            at: vec![0; columns.out],
        }
    }

    /// Searches row `o` of windows of image `x`.
    #[inline(always)]
    fn find<S: Simd>(&mut self, x: &[T], o: usize) {
        let [rows, columns] = self.axes;
        let (lanes, width) = (T::Vec::<S>::LANES, columns.size);
        let down = rows.inside(o);
        for r in down.clone() {
            let lines = &mut self.lines[r];
            let row = &x[rows.place(o, r) * width..][..width];
            lines.inside()[..width].copy_from_slice(row);
            lines.cut();
        }
        let none = <T::Vec<S> as Num>::splat(-1.0);
        let mut i = 0;
        while i < columns.out {
            let (mut best, mut tap) = (<T::Vec<S> as Num>::splat(f64::NEG_INFINITY), none);
            for r in down.clone() {
                for c in 0..columns.kernel {
                    let lines = &self.lines[r];
                    let v = lines.vector::<S>(lines.taps[c], i);
                    let further = best.lt(v) | (v.is_nan() & !best.is_nan());
                    best = Num::select(further, v, best);
                    let this = <T::Vec<S> as Num>::splat((r * columns.kernel + c) as f64);
                    tap = Num::select(further, this, tap);
                }
            }
            let mut taps = [T::default(); MAX_LANES];
            tap.store(&mut taps);
            for l in 0..lanes.min(columns.out - i) {
                self.at[i + l] = match taps[l].to_f64() {
                    t if t >= 0.0 => self.place(o, i + l, t as usize),
                    _ => self.first(o, i + l, x.len()),
                };
            }
            i += lanes;
        }
    }

    /// The place of tap `t`, which lies inside the image.
    #[inline(always)]
    fn place(&self, o: usize, i: usize, t: usize) -> usize {
        let [rows, columns] = self.axes;
        let window = o * rows.stride * columns.size + i * columns.stride;
        window + self.distance[t] - rows.padding * columns.size - columns.padding
    }

    /// The first place of a window of which nothing is larger than negative infinity, `none` where it
    /// lies outside altogether.
    #[cold]
    fn first(&self, o: usize, i: usize, none: usize) -> usize {
        let [rows, columns] = self.axes;
        let (down, across) = (rows.inside(o), columns.inside(i));
        if down.is_empty() || across.is_empty() {
            return none;
        }
        rows.place(o, down.start) * columns.size + columns.place(i, across.start)
    }
}
