//! Products of matrices, with an epilogue while the result is in cache.

use std::num::Wrapping;

use crate::dtype::Element;
use crate::kernel::gemm::{self, Bias, Epilogue, Identity, MatRef, Relu};
use crate::simd::{self, Float};
use crate::{DType, Shape, Tensor};

/// What happens to each element of a product before it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
}

/// `a [.., m, k]` times `b [.., k, n]`, batch axes equal, plus `bias [n]`, then `activation`.
///
/// Transposed and repeated operands are read through their strides. Integers multiply and add with
/// wrapping, without bias and activation.
pub fn matmul(a: &Tensor, b: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Tensor {
    match a.dtype() {
        DType::F32 => float::<f32>(a, b, bias, activation),
        DType::F64 => float::<f64>(a, b, bias, activation),
        DType::I64 => integers(a, b, |x: i64, y, s: i64| {
            (Wrapping(x) * Wrapping(y) + Wrapping(s)).0
        }),
        DType::I32 => integers(a, b, |x: i32, y, s: i32| {
            (Wrapping(x) * Wrapping(y) + Wrapping(s)).0
        }),
        DType::I8 => integers(a, b, |x: i8, y, s: i8| {
            (Wrapping(x) * Wrapping(y) + Wrapping(s)).0
        }),
        DType::U8 => integers(a, b, |x: u8, y, s: u8| {
            (Wrapping(x) * Wrapping(y) + Wrapping(s)).0
        }),
        DType::Bool => integers(a, b, |x: bool, y, s: bool| x & y | s),
    }
}

fn out_shape(a: &Tensor, b: &Tensor) -> Shape {
    let mut shape: Shape = a.shape().into();
    shape[a.rank() - 1] = b.shape()[b.rank() - 1];
    shape
}

/// The matrices of `x`'s batch: one offset each, and the shape and strides they share.
pub(super) fn matrices(x: &Tensor) -> (Vec<usize>, [usize; 2], [isize; 2]) {
    let cut = x.rank() - 2;
    let layout = x.layout();
    let (shape, strides) = (layout.shape(), layout.strides());
    let count = shape[..cut].iter().product::<usize>();
    let mut offsets = Vec::with_capacity(count);
    for i in 0..count {
        let (mut rest, mut at) = (i, layout.offset() as isize);
        for a in (0..cut).rev() {
            at += (rest % shape[a]) as isize * strides[a];
            rest /= shape[a];
        }
        offsets.push(at as usize);
    }
    (
        offsets,
        [shape[cut], shape[cut + 1]],
        [strides[cut], strides[cut + 1]],
    )
}

fn float<T: Float + Element>(
    a: &Tensor,
    b: &Tensor,
    bias: Option<&Tensor>,
    activation: Activation,
) -> Tensor {
    let level = simd::level();
    let bias = bias.map(Tensor::contiguous);
    let bias = bias
        .as_ref()
        .map(|b| b.as_slice::<T>().expect("contiguous"));
    let finish: Option<Box<dyn Epilogue<T> + '_>> = match (bias, activation) {
        (None, Activation::None) => None,
        (None, Activation::Relu) => Some(Box::new(gemm::Activation(Relu))),
        (Some(b), Activation::None) => Some(Box::new(Bias::new(b, Identity))),
        (Some(b), Activation::Relu) => Some(Box::new(Bias::new(b, Relu))),
    };
    let (sa, sb) = (a.storage::<T>(), b.storage::<T>());
    let ((at_a, shape_a, strides_a), (at_b, shape_b, strides_b)) = (matrices(a), matrices(b));
    Tensor::build(&out_shape(a, b), |out: &mut [T]| {
        let of_a = |i: usize| MatRef::new(sa, at_a[i], shape_a, strides_a);
        let of_b = |i: usize| MatRef::new(sb, at_b[i], shape_b, strides_b);
        gemm::batched(
            level,
            at_a.len(),
            [shape_a[0], shape_b[1]],
            of_a,
            of_b,
            out,
            false,
            finish.as_deref(),
        );
    })
}

fn integers<T: Element>(a: &Tensor, b: &Tensor, step: impl Fn(T, T, T) -> T) -> Tensor {
    let (x, y) = (a.contiguous(), b.contiguous());
    let (x, y) = (
        x.as_slice::<T>().expect("contiguous"),
        y.as_slice::<T>().expect("contiguous"),
    );
    let r = a.rank();
    let (m, k, n) = (a.shape()[r - 2], a.shape()[r - 1], b.shape()[r - 1]);
    Tensor::build(&out_shape(a, b), |out: &mut [T]| {
        for (i, o) in out.iter_mut().enumerate() {
            let (row, col, batch) = (i / n, i % n, i / n / m);
            *o = (0..k).fold(T::default(), |s, j| {
                step(x[row * k + j], y[(batch * k + j) * n + col], s)
            });
        }
    })
}
