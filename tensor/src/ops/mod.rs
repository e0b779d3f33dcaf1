//! The kernels as functions of tensors: the whole seam between a device and what is above it.
//!
//! Each function takes tensors that a shape rule has accepted and returns new ones; nothing above reads elements
//! behind its back. The functions here are thin: they match the dtype, bring inputs to the layout that the algorithm
//! wants, make the result, and hand slices to [`crate::kernel`]. What they have in common:
//!
//! - **Shapes** are checked by the caller; a function panics, or answers nonsense, on shapes that no rule accepts.
//! - **What depends on values** (an index out of range, a singular matrix) is a `Result`.
//! - **Layouts.** Any strides are accepted, also negative and zero ones. Matrix products read them in place; other
//!   functions copy a strided input first, or load it by tiles ([`map`], [`zip`]).
//! - **Reuse.** Functions that take `&mut Tensor`, or a tensor by value, write over memory that nobody else can see.
//! - **Bits.** Work is split by shape, so the bits of a result do not depend on the number of threads.
//! - **Backward kernels** are called as the forward one, with `_backward` behind it.
//!
//! ```
//! use lepton_tensor::{Tensor, ops};
//! let x = Tensor::from_vec(vec![3.0f32, 1.0, 2.0, 0.5, 0.25, 0.125], &[2, 3])?;
//! // A transposed view is read through its strides; the result is contiguous.
//! let (values, indices) = ops::sort(&x.transpose(0, 1)?, 0, false);
//! assert_eq!(values.to_f64(), [1.0, 0.125, 2.0, 0.25, 3.0, 0.5]);
//! assert_eq!(indices.to_vec::<i64>()?, [1, 2, 2, 1, 0, 0]);
//! # Ok::<(), lepton_tensor::Error>(())
//! ```

mod attention;
mod conv;
mod copy;
mod elementwise;
mod gather;
mod matmul;
mod norm;
mod optim;
mod pool;
mod quantize;
mod random;
mod scatter;
mod softmax;
mod window;

pub use crate::kernel::gemm_i8::PackedBytes;
pub use crate::kernel::index::ScatterReduce;
pub use crate::kernel::linalg::svd;
pub use crate::kernel::linalg::{cholesky, cofactors, det, slogdet, solve};
pub use crate::kernel::norm2::norm2;
pub use crate::kernel::quant::QuantParams;
pub use crate::kernel::reduce::{Extreme, ReduceOp, arg_reduce, reduce};
pub use crate::kernel::scan::{arg_scan, cumprod, cumsum, logcumsumexp, recurrence};
pub use crate::kernel::sort::{search_sorted, sort};
pub use attention::{Attention, attention, attention_backward};
pub use conv::{conv2d, conv2d_input_backward, conv2d_weight_backward};
pub use copy::{arange, assign, cast, cat, copy, copy_into, full};
pub use elementwise::{CompareBody, IntMap, IntZip, all_finite, compare, lerp, map, select, zip};
pub use gather::{gather, take, take_rows};
pub use matmul::{Activation, linear, matmul};
pub use norm::{Norm, layer_norm, layer_norm_backward};
pub use optim::{AdamStep, SgdStep, adam_step, sgd_step};
pub use pool::{
    Divisor, Pool, avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward,
    max_pool2d_double_backward,
};
pub use quantize::{
    LINEAR_I8_INPUTS, LinearI8, dequantize, linear_i8, matmul_i8, pack_i8, quantize,
};
pub use random::{normal, uniform};
pub use scatter::{index_add, scatter, scatter_add};
pub use softmax::{cross_entropy, cross_entropy_backward, logsumexp, softmax, softmax_backward};
pub use window::{Window, col2im, im2col};
