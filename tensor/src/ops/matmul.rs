//! Products of matrices, with an epilogue while the result is in cache.

use std::num::Wrapping;

use crate::dtype::Element;
use crate::kernel::gemm::{self, Bias, Epilogue, Identity, MatMut, MatRef, Relu};
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
///
/// ```
/// use lepton_tensor::ops::{Activation, matmul};
/// use lepton_tensor::Tensor;
/// let a = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
/// let bias = Tensor::from_vec(vec![0.0f32, -20.0], &[2])?;
/// assert_eq!(matmul(&a, &a, None, Activation::None).to_f64(), [7.0, 10.0, 15.0, 22.0]);
/// let y = matmul(&a, &a, Some(&bias), Activation::Relu);
/// assert_eq!(y.to_f64(), [7.0, 0.0, 15.0, 2.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
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

/// The shape of `a b`.
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

/// `x [m, k]` times the transpose of `w [n, k]`, plus `bias [n]`, then `activation`: a dense layer
/// with its weights as they are stored. The bits are those of [`matmul`] with `w` transposed.
///
/// ```
/// use lepton_tensor::ops::{Activation, linear};
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_vec(vec![1.0f32, 2.0], &[1, 2])?;
/// let w = Tensor::from_vec(vec![1.0f32, 0.0, 0.0, 1.0, 1.0, 1.0], &[3, 2])?; // a row for each output
/// assert_eq!(linear(&x, &w, None, Activation::None).to_f64(), [1.0, 2.0, 3.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Panics
/// When `x` holds integers; shape rules refuse that before.
pub fn linear(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Tensor {
    match x.dtype() {
        DType::F32 => one(matrix::<f32>(x), matrix(w).t(), bias, activation),
        DType::F64 => one(matrix::<f64>(x), matrix(w).t(), bias, activation),
        other => unreachable!("the shape rule lets only floats through, not {other}"),
    }
}

/// A tensor of two axes as a matrix.
fn matrix<T: Element>(x: &Tensor) -> MatRef<'_, T> {
    let (shape, strides) = (x.shape(), x.strides());
    MatRef::new(
        x.storage::<T>(),
        x.offset(),
        [shape[0], shape[1]],
        [strides[0], strides[1]],
    )
}

/// What follows a product, on the caller's stack.
enum BoundEpilogue<'a, T> {
    Nothing,
    Relu(gemm::Apply<Relu>),
    Bias(Bias<'a, T, Identity>),
    BiasRelu(Bias<'a, T, Relu>),
}

impl<'a, T: Float + Element> BoundEpilogue<'a, T> {
    /// The epilogue of a contiguous `bias` and an `activation`.
    fn new(bias: Option<&'a Tensor>, activation: Activation) -> Self {
        let bias = bias.map(|b| b.as_slice::<T>().expect("contiguous"));
        match (bias, activation) {
            (None, Activation::None) => BoundEpilogue::Nothing,
            (None, Activation::Relu) => BoundEpilogue::Relu(gemm::Apply(Relu)),
            (Some(b), Activation::None) => BoundEpilogue::Bias(Bias::new(b, Identity)),
            (Some(b), Activation::Relu) => BoundEpilogue::BiasRelu(Bias::new(b, Relu)),
        }
    }

    /// As the kernels take it; nothing where there is nothing to do.
    fn epilogue(&self) -> Option<&dyn Epilogue<T>> {
        match self {
            BoundEpilogue::Nothing => None,
            BoundEpilogue::Relu(f) => Some(f),
            BoundEpilogue::Bias(f) => Some(f),
            BoundEpilogue::BiasRelu(f) => Some(f),
        }
    }
}

/// One product, which needs no list of matrices: for few rows that list would be most of the work.
fn one<T: Float + Element>(
    a: MatRef<T>,
    b: MatRef<T>,
    bias: Option<&Tensor>,
    activation: Activation,
) -> Tensor {
    let bias = bias.map(Tensor::contiguous);
    let finish = BoundEpilogue::<T>::new(bias.as_ref(), activation);
    let shape = [a.shape()[0], b.shape()[1]];
    Tensor::build(&shape, |out: &mut [T]| {
        let c = MatMut::rows_of(out, shape);
        gemm::gemm(simd::level(), a, b, c, false, finish.epilogue());
    })
}

/// Products of floats, one for each index of the batch axes.
fn float<T: Float + Element>(
    a: &Tensor,
    b: &Tensor,
    bias: Option<&Tensor>,
    activation: Activation,
) -> Tensor {
    if a.rank() == 2 {
        return one::<T>(matrix(a), matrix(b), bias, activation);
    }
    let level = simd::level();
    let bias = bias.map(Tensor::contiguous);
    let finish = BoundEpilogue::<T>::new(bias.as_ref(), activation);
    let (sa, sb) = (a.storage::<T>(), b.storage::<T>());
    let ((at_a, shape_a, strides_a), (at_b, shape_b, strides_b)) = (matrices(a), matrices(b));
    let rows = at_a.len() * shape_a[0];
    Tensor::build(&out_shape(a, b), |out: &mut [T]| {
        let of_a = |i: usize| MatRef::new(sa, at_a[i], shape_a, strides_a);
        let of_b = |i: usize| MatRef::new(sb, at_b[i], shape_b, strides_b);
        gemm::batched(
            level,
            at_a.len(),
            of_a,
            of_b,
            MatMut::rows_of(out, [rows, shape_b[1]]),
            false,
            |_| finish.epilogue(),
        );
    })
}

/// Products of integers, by their own `step(x, y, sum)`: a plain loop, since models have none of them.
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
