//! The mean of each window, and its transpose.

use super::axis::PoolAxis;
use super::combine::Total;
use super::lines::Lines;
use super::planes::planes;
use super::reduce::reduce;
use crate::simd::{Float, Kernel, Level, Num, Simd};

/// Windows of images and what the sum of each is divided by.
#[derive(Clone, Copy, Debug)]
pub struct Average<'a, T> {
    /// Images to average, or gradients of their windows' means, one after the other.
    pub x: &'a [T],
    /// Rows and columns.
    pub axes: [PoolAxis; 2],
    /// A number for each window's row, and one for its column; they are multiplied.
    pub divisors: [&'a [f64]; 2],
}

/// Writes the mean of each window of the images `job.x`.
///
/// ```
/// use lepton_tensor::kernel::pool::{Average, PoolAxis, average};
/// use lepton_tensor::simd::level;
/// let axis = |size, out| PoolAxis { size, out, kernel: 2, stride: 2, padding: 0, dilation: 1 };
/// let axes = [axis(2, 1), axis(4, 2)];
/// let x = [1.0f32, 5.0, 2.0, 2.0, 0.0, 3.0, 4.0, 0.0]; // an image of 2 x 4
/// let (rows, columns) = ([2.0], [2.0, 2.0]);
/// let mut y = [0.0; 2];
/// average(level(), Average { x: &x, axes, divisors: [&rows, &columns] }, &mut y);
/// assert_eq!(y, [2.25, 2.0]);
/// ```
///
/// # Panics
/// Where there are fewer images than results.
pub fn average<T: Float>(level: Level, job: Average<T>, out: &mut [T]) {
    reduce(level, Total, job.x, job.axes, Some(job.divisors), out);
}

/// Writes the images' gradient from that of the windows' means, `job.x`.
///
/// ```
/// use lepton_tensor::kernel::pool::{Average, PoolAxis, average_backward};
/// use lepton_tensor::simd::level;
/// let axis = |size, out| PoolAxis { size, out, kernel: 2, stride: 2, padding: 0, dilation: 1 };
/// let (rows, columns) = ([2.0], [2.0, 2.0]);
/// let job = Average { x: &[4.0f32, 8.0], axes: [axis(2, 1), axis(4, 2)], divisors: [&rows, &columns] };
/// let mut dx = [0.0; 8];
/// average_backward(level(), job, &mut dx);
/// assert_eq!(dx, [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
/// ```
///
/// # Panics
/// Where there are fewer windows than results.
pub fn average_backward<T: Float>(level: Level, job: Average<T>, out: &mut [T]) {
    let [r, c] = job.axes;
    let (image, plane) = (r.size * c.size, r.out * c.out);
    planes(out, image, plane, |first, out| {
        let x = &job.x[first * plane..][..out.len() / image * plane];
        let job = Average { x, ..job };
        level.dispatch(AverageBackward { job, out });
    });
}

/// Whole images of one task.
struct AverageBackward<'a, T> {
    /// The windows' gradients.
    job: Average<'a, T>,
    /// The images' gradient.
    out: &'a mut [T],
}

impl<T: Float> Kernel for AverageBackward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [rows, columns] = self.job.axes;
        let width = columns.size;
        let mut lines = Lines::new(columns, T::default());
        let mut share = vec![T::default(); columns.out];
        self.out.fill(T::default());
        let plane = rows.out * columns.out;
        for (p, out) in self.out.chunks_exact_mut(rows.size * width).enumerate() {
            let g = &self.job.x[p * plane..][..plane];
            for (o, g) in g.chunks_exact(columns.out).enumerate() {
                let (down, across) = (self.job.divisors[0][o], self.job.divisors[1]);
                for i in 0..columns.out {
                    share[i] = g[i] / <T as Num>::splat(down * across[i]);
                }
                lines.inside()[..width].fill(T::default());
                lines.spread(&share);
                let line = &lines.inside()[..width];
                for tap in rows.inside(o) {
                    let row = &mut out[rows.place(o, tap) * width..][..width];
                    for i in 0..width {
                        row[i] = row[i] + line[i];
                    }
                }
            }
        }
    }
}
