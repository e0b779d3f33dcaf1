//! The largest element of each window, and where it stands.

use super::axis::PoolAxis;
use super::combine::Largest;
use super::lines::Lines;
use super::pairs;
use super::planes::planes;
use super::reduce::reduce;
use crate::simd::{Float, Kernel, Level, MAX_LANES, Num, Simd, Vector};

/// Images in which windows are searched, each of `axes[0].size` by `axes[1].size`.
#[derive(Clone, Copy, Debug)]
pub struct Max<'a, T> {
    /// The images, one after the other.
    pub x: &'a [T],
    /// Rows and columns.
    pub axes: [PoolAxis; 2],
}

impl<T> Max<'_, T> {
    /// Elements of an image, and its windows.
    fn sizes(&self) -> [usize; 2] {
        let [r, c] = self.axes;
        [r.size * c.size, r.out * c.out]
    }
}

/// Writes the largest element of each window, NaN where there is one.
///
/// ```
/// use lepton_tensor::kernel::pool::{Max, PoolAxis, max};
/// use lepton_tensor::simd::level;
/// let axis = |size, out| PoolAxis { size, out, kernel: 2, stride: 2, padding: 0, dilation: 1 };
/// let axes = [axis(2, 1), axis(4, 2)];
/// let x = [1.0f32, 5.0, 2.0, 2.0, 0.0, 3.0, 4.0, 0.0]; // an image of 2 x 4
/// let mut y = [0.0; 2];
/// max(level(), Max { x: &x, axes }, &mut y);
/// assert_eq!(y, [5.0, 4.0]);
/// ```
///
/// # Panics
/// Where there are fewer images than results.
pub fn max<T: Float>(level: Level, job: Max<T>, out: &mut [T]) {
    reduce(level, Largest, job.x, job.axes, None, out);
}

/// Writes the gradient of images from `g`, that of the windows' largest elements: it goes to the
/// first of equals.
///
/// ```
/// use lepton_tensor::kernel::pool::{Max, PoolAxis, max_backward};
/// use lepton_tensor::simd::level;
/// let axis = |size, out| PoolAxis { size, out, kernel: 2, stride: 2, padding: 0, dilation: 1 };
/// let axes = [axis(2, 1), axis(4, 2)];
/// let x = [1.0f32, 5.0, 2.0, 2.0, 0.0, 3.0, 4.0, 0.0]; // an image of 2 x 4
/// let mut dx = [9.0; 8];
/// max_backward(level(), Max { x: &x, axes }, &[10.0, 20.0], &mut dx);
/// assert_eq!(dx, [0.0, 10.0, 0.0, 0.0, 0.0, 0.0, 20.0, 0.0]);
/// ```
///
/// # Panics
/// Where there are fewer images or windows than results.
pub fn max_backward<T: Float>(level: Level, job: Max<T>, g: &[T], out: &mut [T]) {
    let [image, plane] = job.sizes();
    planes(out, image, plane, |first, out| {
        let x = &job.x[first * image..][..out.len()];
        let g = &g[first * plane..][..out.len() / image * plane];
        let job = Max { x, ..job };
        level.dispatch(MaxBackward { job, g, out });
    });
}

/// Writes for each window the element of `t`, images like `job.x`, at the place of the window's
/// first largest element of `job.x`; 0 where the window is empty.
///
/// ```
/// use lepton_tensor::kernel::pool::{Max, PoolAxis, max_double_backward};
/// use lepton_tensor::simd::level;
/// let axis = |size, out| PoolAxis { size, out, kernel: 2, stride: 2, padding: 0, dilation: 1 };
/// let axes = [axis(2, 1), axis(2, 1)];
/// let mut y = [0.0];
/// max_double_backward(level(), Max { x: &[1.0f32, 5.0, 2.0, 2.0], axes }, &[0.1, 0.2, 0.3, 0.4], &mut y);
/// assert_eq!(y, [0.2]);
/// ```
///
/// # Panics
/// Where there are fewer images than results.
pub fn max_double_backward<T: Float>(level: Level, job: Max<T>, t: &[T], out: &mut [T]) {
    let [image, plane] = job.sizes();
    planes(out, plane, image, |first, out| {
        let images = first * image..(first + out.len() / plane) * image;
        let (x, t) = (&job.x[images.clone()], &t[images]);
        let job = Max { x, ..job };
        level.dispatch(MaxDoubleBackward { job, t, out });
    });
}

/// Whole images of one task.
struct MaxBackward<'a, T> {
    /// The images.
    job: Max<'a, T>,
    /// The windows' gradient.
    g: &'a [T],
    /// The images' gradient.
    out: &'a mut [T],
}

impl<T: Float> Kernel for MaxBackward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [rows, columns] = self.job.axes;
        let lanes = T::Vec::<S>::LANES;
        let mut search = Search::new(self.job.axes);
        let mut share = Lines::new(columns, T::default());
        let (image, plane) = (rows.size * columns.size, rows.out * columns.out);
        // Rows that one row of windows meets at most are written once, in order.
        let apart = (rows.kernel - 1) * rows.dilation < rows.stride;
        let pairs = pairs::fit(columns);
        for (p, out) in self.out.chunks_exact_mut(image).enumerate() {
            if !apart {
                out.fill(T::default());
            }
            let mut next = 0;
            let x = &self.job.x[p * image..][..image];
            let g = &self.g[p * plane..][..plane];
            for (o, g) in g.chunks_exact(columns.out).enumerate() {
                for r in rows.inside(o).filter(|_| apart) {
                    // Between windows, and between their rows, there is nothing.
                    let row = rows.place(o, r);
                    out[next * columns.size..row * columns.size].fill(T::default());
                    next = row + 1;
                }
                if apart && pairs {
                    pairs::max_backward::<T, S>(self.job.axes, o, x, g, out);
                    continue;
                }
                search.find::<S>(x, o);
                for r in rows.inside(o) {
                    share.clear();
                    for i in (0..columns.out).step_by(lanes) {
                        let g: T::Vec<S> = match g[i..].len() {
                            n if n < lanes => Vector::load_first(&g[i..]),
                            _ => Vector::load(&g[i..]),
                        };
                        search.share::<S>(&mut share, r, i, g);
                    }
                    let row = &mut out[rows.place(o, r) * columns.size..][..columns.size];
                    share.join::<S>(row, !apart);
                }
            }
            if apart {
                out[next * columns.size..].fill(T::default());
            }
        }
    }
}

/// Whole images of one task.
struct MaxDoubleBackward<'a, T> {
    /// The images.
    job: Max<'a, T>,
    /// The images that elements are taken from.
    t: &'a [T],
    /// An element for each window.
    out: &'a mut [T],
}

impl<T: Float> Kernel for MaxDoubleBackward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [rows, columns] = self.job.axes;
        let mut search = Search::new(self.job.axes);
        let image = rows.size * columns.size;
        let outputs = self.out.chunks_exact_mut(rows.out * columns.out);
        for (p, out) in outputs.enumerate() {
            let x = &self.job.x[p * image..][..image];
            let t = &self.t[p * image..][..image];
            for (o, out) in out.chunks_exact_mut(columns.out).enumerate() {
                search.find::<S>(x, o);
                for i in 0..columns.out {
                    out[i] = search.place(o, i).map_or(T::default(), |at| t[at]);
                }
            }
        }
    }
}

/// The taps with which a row of windows meets its first largest elements.
struct Search<T> {
    /// Rows and columns.
    axes: [PoolAxis; 2],
    /// The image's rows that the windows meet, one for each row of a window.
    lines: Vec<Lines<T>>,
    /// Of each window: the first of its columns inside the image; negative infinity where there is none.
    first: Vec<T>,
    /// Of each window: its tap, counted row by row; negative where it lies outside altogether.
    taps: Vec<T>,
}

impl<T: Float> Search<T> {
    /// For windows along these axes.
    fn new([rows, columns]: [PoolAxis; 2]) -> Search<T> {
        let outside = <T as Num>::splat(f64::NEG_INFINITY);
        let line = |_| Lines::new(columns, outside);
        let room = columns.out + MAX_LANES;
        let mut first = vec![outside; room];
        for (i, first) in first[..columns.out].iter_mut().enumerate() {
            let taps = columns.inside(i);
            if !taps.is_empty() {
                *first = <T as Num>::splat(taps.start as f64);
            }
        }
        Search {
            axes: [rows, columns],
            lines: (0..rows.kernel).map(line).collect(),
            first,
            taps: vec![outside; room],
        }
    }

    /// Searches row `o` of windows of image `x`.
    #[inline(always)]
    fn find<S: Simd>(&mut self, x: &[T], o: usize) {
        let [rows, columns] = self.axes;
        let (lanes, width) = (T::Vec::<S>::LANES, columns.size);
        let down = rows.inside(o);
        let outside = <T::Vec<S> as Num>::splat(f64::NEG_INFINITY);
        let first = match down.is_empty() {
            true => outside,
            false => <T::Vec<S> as Num>::splat((down.start * columns.kernel) as f64),
        };
        for r in down.clone() {
            self.lines[r].read::<S>(&x[rows.place(o, r) * width..][..width]);
        }
        for i in (0..columns.out).step_by(lanes) {
            // Where nothing is larger than negative infinity, the first place is that of the largest.
            let mut tap = first + Vector::load(&self.first[i..]);
            let mut best = outside;
            for r in down.clone() {
                let lines = &self.lines[r];
                for c in 0..columns.kernel {
                    let v = lines.vector::<S>(lines.taps[c], i);
                    // Larger or NaN, and none was NaN before.
                    let further = !v.le(best) & best.eq(best);
                    best = Num::select(further, v, best);
                    let this = <T::Vec<S> as Num>::splat((r * columns.kernel + c) as f64);
                    tap = Num::select(further, this, tap);
                }
            }
            tap.store(&mut self.taps[i..]);
        }
    }

    /// Adds those elements of `g` to row `r` of the windows from `i` on whose windows have their tap there.
    #[inline(always)]
    fn share<S: Simd>(&self, row: &mut Lines<T>, r: usize, i: usize, g: T::Vec<S>) {
        let columns = self.axes[1];
        let taps: T::Vec<S> = Vector::load(&self.taps[i..]);
        for c in 0..columns.kernel {
            let this = <T::Vec<S> as Num>::splat((r * columns.kernel + c) as f64);
            let zero = <T::Vec<S> as Num>::splat(0.0);
            let part = Num::select(taps.eq(this), g, zero);
            row.add::<S>(row.taps[c], i, part);
        }
    }

    /// The place of window `i`'s tap in the image, row `o` of windows being searched.
    #[inline(always)]
    fn place(&self, o: usize, i: usize) -> Option<usize> {
        let ([rows, columns], tap) = (self.axes, self.taps[i].to_f64());
        let tap = (tap >= 0.0).then_some(tap as usize)?;
        let (r, c) = (tap / columns.kernel, tap % columns.kernel);
        Some(rows.place(o, r) * columns.size + columns.place(i, c))
    }
}
