//! Correlations of images with small kernels; `README.md` beside this file tells how and why. This file
//! chooses the algorithm.

mod axis;
mod direct;
mod dots;
mod finish;
mod lines;
mod padded_image;
mod plan;
mod pointwise;
mod prefetch;
mod problem;
mod tile;
mod weight_gradient;
mod weights;
mod winograd;
mod winograd_1d;

use super::matrix::MatMut;
pub use axis::{Axis, Tap};
pub use problem::Correlation;
pub use weight_gradient::{WeightGradient, weight_gradient};
pub use weights::Weights;

use crate::simd::{Float, Level};

/// Writes the correlation to `out`: a row for each image and output channel, in which output
/// `[r, c]` stands where the axes say, rows of the result being `columns` long.
///
/// Each sum runs over input channels and taps in an order that the shapes of the weights fix, so its
/// bits depend neither on threads nor on the other images.
///
/// ```
/// use lepton_tensor::kernel::conv::{Axis, Correlation, Weights, correlate};
/// use lepton_tensor::kernel::gemm::MatMut;
/// use lepton_tensor::simd::level;
/// let x = [1.0f32, 2.0, 3.0, 4.0]; // one image of one row
/// let w = [10.0, 1.0];
/// let rows = Axis::forward(1, 1, [1, 1, 0, 1]);
/// let columns = Axis::forward(4, 3, [2, 1, 0, 1]);
/// let job = Correlation {
///     x: &x,
///     images: 1,
///     groups: 1,
///     inputs: 1,
///     outputs: 1,
///     weights: Weights { data: &w, group: 2, out: 2, input: 2 },
///     taps: [2, 1],
///     axes: [&rows, &columns],
///     bias: None,
/// };
/// let mut y = [0.0; 3];
/// correlate(level(), &job, MatMut::rows_of(&mut y, [1, 3]), 3);
/// assert_eq!(y, [12.0, 23.0, 34.0]);
/// ```
///
/// # Panics
/// Where a slice is shorter than the shapes say.
pub fn correlate<T: Float>(level: Level, job: &Correlation<T>, out: MatMut<T>, columns: usize) {
    let [down, across] = job.axes;
    if job.images * job.groups * job.outputs * down.out * across.out == 0 {
        return;
    }
    assert!(
        out.shape()[0] == job.images * job.groups * job.outputs
            && (down.first + (down.out - 1) * down.spread) * columns
                + (across.first + (across.out - 1) * across.spread)
                < out.shape()[1]
            && across.first + (across.out - 1) * across.spread < columns,
        "correlate: outputs {} by {} do not fit a result of {:?}",
        down.out,
        across.out,
        out.shape()
    );
    if winograd::applies(job) {
        winograd::correlate(level, job, &out, columns);
    } else if winograd_1d::applies(level, job) {
        winograd_1d::correlate(level, job, &out, columns);
    } else if pointwise::applies(job, out.shape()[1]) {
        pointwise::correlate(level, job, out);
    } else {
        direct::correlate(level, job, out, columns);
    }
}
