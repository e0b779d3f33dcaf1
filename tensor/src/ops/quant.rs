//! Integer codes of floats, and products of codes with exact sums.

use crate::kernel::gemm::{MatMut, MatRef};
use crate::kernel::gemm_i8::{PackedBytes, gemm_i8};
use crate::{DType, Tensor, simd};

/// Codes `clamp(rint(x / scale) + zero, low, high)` of f32 values, as i8 or u8; NaN becomes `zero`.
///
/// The quotient is a product with the reciprocal in f32, rounding is half to even, and the zero
/// point is added after rounding (the convention of PyTorch and ONNX Runtime).
pub fn quantize(x: &Tensor, scale: f32, zero: i32, [low, high]: [i32; 2], dtype: DType) -> Tensor {
    let x = x.contiguous();
    let src = x.as_slice::<f32>().expect("contiguous");
    let inverse = 1.0 / scale;
    let code = |v: f32| {
        ((v * inverse).round_ties_even() as i32)
            .saturating_add(zero)
            .clamp(low, high)
    };
    match dtype {
        DType::U8 => Tensor::build(x.shape(), |out: &mut [u8]| {
            out.iter_mut()
                .zip(src)
                .for_each(|(q, &v)| *q = code(v) as u8)
        }),
        _ => Tensor::build(x.shape(), |out: &mut [i8]| {
            out.iter_mut()
                .zip(src)
                .for_each(|(q, &v)| *q = code(v) as i8)
        }),
    }
}

/// `a [m, k]` (i8 or u8) times `w [n, k]` (i8) transposed, as i32 sums that never saturate.
pub fn matmul_i8(a: &Tensor, w: &Tensor) -> Tensor {
    let (m, k, n) = (a.shape()[0], a.shape()[1], w.shape()[0]);
    let (a, w) = (a.contiguous(), w.contiguous());
    let packed =
        PackedBytes::new(MatRef::rows_of(w.as_slice::<i8>().expect("contiguous"), [n, k]).t());
    Tensor::build(&[m, n], |out: &mut [i32]| {
        let c = MatMut::rows_of(out, [m, n]);
        match a.dtype() {
            DType::U8 => gemm_i8(
                simd::level(),
                MatRef::rows_of(a.as_slice::<u8>().expect("contiguous"), [m, k]),
                &packed,
                c,
            ),
            _ => gemm_i8(
                simd::level(),
                MatRef::rows_of(a.as_slice::<i8>().expect("contiguous"), [m, k]),
                &packed,
                c,
            ),
        }
    })
}
