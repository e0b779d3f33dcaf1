//! The mean of each window, and its transpose.

use super::lines::Lines;
use super::reduce::{Total, fold};
use super::{PoolAxis, planes};
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
/// # Panics
/// Where there are fewer images than results.
pub fn average<T: Float>(level: Level, job: Average<T>, out: &mut [T]) {
    fold(level, Total, job.x, job.axes, Some(job.divisors), out);
}

/// Writes the images' gradient from that of the windows' means, `job.x`.
///
/// # Panics
/// Where there are fewer windows than results.
pub fn average_back<T: Float>(level: Level, job: Average<T>, out: &mut [T]) {
    let [r, c] = job.axes;
    let (image, plane) = (r.size * c.size, r.out * c.out);
    planes(out, image, plane, |first, out| {
        let x = &job.x[first * plane..][..out.len() / image * plane];
        let job = Average { x, ..job };
        level.dispatch(Back { job, out });
    });
}

struct Back<'a, T> {
    job: Average<'a, T>,
    out: &'a mut [T],
}

impl<T: Float> Kernel for Back<'_, T> {
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
