//! 1 x 1 kernels: each image is a matrix, channels by places, and its result is the product of the weights
//! with it.

use super::axis::Axis;
use super::problem::Correlation;
use crate::kernel::gemm::{Epilogue, MatMut, MatRef, RowBias, batched};
use crate::simd::{Float, Level};

/// Whether every output is one place of the image, and the results fill the rows of a matrix of as many
/// `columns`.
pub(super) fn applies<T>(job: &Correlation<T>, columns: usize) -> bool {
    job.axes.iter().all(|a| is_itself(a)) && columns == job.axes[0].size * job.axes[1].size
}

/// Whether output `o` is place `o` times one tap.
fn is_itself(axis: &Axis) -> bool {
    axis.taps.len() == 1
        && axis.taps[0].at == 0
        && axis.out == axis.size
        && [axis.step, axis.spread, axis.first] == [1, 1, 0]
}

/// [`correlate`](super::correlate()) of a `job` to which this [`applies`].
pub(super) fn correlate<T: Float>(level: Level, job: &Correlation<T>, out: MatMut<T>) {
    let [_, places] = out.shape();
    let tap: usize = (0..2).map(|a| job.axes[a].taps[0].id * job.taps[a]).sum();
    let w = &job.weights;
    let weights = |i: usize| {
        let (shape, strides) = ([job.outputs, job.inputs], [w.out, w.input]);
        let first = i % job.groups * w.group + tap;
        MatRef::new(w.data, first, shape, strides.map(|s| s as isize))
    };
    let image = |i: usize| {
        let first = i * job.inputs * places;
        MatRef::new(job.x, first, [job.inputs, places], [places as isize, 1])
    };
    let bias = job.bias.unwrap_or(&[]).chunks(job.outputs);
    let bias: Vec<_> = bias.map(RowBias).collect();
    let finish = |i: usize| bias.get(i % job.groups).map(|b| b as &dyn Epilogue<T>);
    batched(
        level,
        job.images * job.groups,
        weights,
        image,
        out,
        false,
        finish,
    );
}
