//! Random tensors as a pure function of seed, stream and index.

use crate::dtype::Element;
use crate::random::Philox;
use crate::threads::GRAIN;
use crate::{DType, Tensor, threads};

/// Uniform values in `[0, 1)` of a float dtype.
///
/// ```
/// use lepton_tensor::{DType, ops};
/// let x = ops::uniform(7, 0, &[1000], DType::F32);
/// assert!(x.to_f64().iter().all(|v| (0.0..1.0).contains(v)));
/// assert_eq!(x.to_f64(), ops::uniform(7, 0, &[1000], DType::F32).to_f64()); // a function of its arguments
/// ```
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
///
/// ```
/// use lepton_tensor::{DType, ops};
/// let x = ops::normal(7, 0, &[10_000], DType::F64).to_f64();
/// let mean = x.iter().sum::<f64>() / 1e4;
/// assert!(mean.abs() < 0.05);
/// ```
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

/// A tensor filled by `part(first, elements)`, in parallel.
fn fill<T: Element>(shape: &[usize], part: impl Fn(u64, &mut [T]) + Sync) -> Tensor {
    Tensor::build(shape, |out: &mut [T]| {
        threads::parallel_chunks(out, GRAIN, |i, chunk| part((i * GRAIN) as u64, chunk));
    })
}
