//! Random tensors as a pure function of seed, stream and index.

use crate::dtype::Element;
use crate::kernel::tile_load::GRAIN;
use crate::random::Philox;
use crate::{DType, Tensor, threads};

/// Uniform values in `[0, 1)` of a float dtype.
pub fn uniform(seed: u64, stream: u64, shape: &[usize], dtype: DType) -> Tensor {
    let philox = Philox::stream(seed, stream);
    match dtype {
        DType::F64 => fill(shape, |first, out: &mut [f64]| {
            philox.uniform_f64(first, out)
        }),
        _ => super::cast(
            &fill(shape, |first, out: &mut [f32]| {
                philox.uniform_f32(first, out)
            }),
            dtype,
        ),
    }
}

/// Standard normal values of a float dtype.
pub fn normal(seed: u64, stream: u64, shape: &[usize], dtype: DType) -> Tensor {
    let philox = Philox::stream(seed, stream);
    match dtype {
        DType::F64 => fill(shape, |first, out: &mut [f64]| {
            philox.normal_f64(first, out)
        }),
        _ => super::cast(
            &fill(shape, |first, out: &mut [f32]| {
                philox.normal_f32(first, out)
            }),
            dtype,
        ),
    }
}

fn fill<T: Element>(shape: &[usize], part: impl Fn(u64, &mut [T]) + Sync) -> Tensor {
    Tensor::build(shape, |out: &mut [T]| {
        threads::parallel_chunks(out, GRAIN, |i, chunk| part((i * GRAIN) as u64, chunk));
    })
}
