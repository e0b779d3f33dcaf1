//! The kernels: the whole seam between a device and what is above it.
//!
//! Each function takes tensors that a shape rule has accepted and returns new ones; nothing above
//! reads elements behind its back. Elementwise work runs on contiguous tiles ([`map`], [`zip`]);
//! strides and broadcasting are the tile loads in `walk`. Work is split by shape, so the bits of
//! a result do not depend on the number of threads.

mod attention;
mod conv;
mod copy;
mod elementwise;
mod matmul;
mod norm;
mod pool;
mod random;
mod softmax;

pub use crate::kernel::index::{Meet, gather, index_add, scatter, scatter_add, take, take_rows};
pub use crate::kernel::linalg::svd;
pub use crate::kernel::linalg::{cholesky, slogdet, solve};
pub use crate::kernel::optim::{AdamStep, SgdStep, adam_step, sgd_step};
pub use crate::kernel::quant::{
    Codes, LINEAR_I8_INPUTS, LinearI8, dequantize, linear_i8, matmul_i8, pack_i8, quantize,
};
pub use crate::kernel::reduce::{Extreme, Fold, arg_reduce, reduce};
pub use crate::kernel::scan::{arg_scan, cumsum};
pub use crate::kernel::sort::sort;
pub use crate::kernel::window::{Window, col2im, im2col};
pub use attention::{Attention, attention, attention_grad};
pub use conv::{conv2d, conv2d_input, conv2d_weight};
pub use copy::{arange, assign, cast, cat, copy, copy_into, full};
pub use elementwise::{CompareBody, IntMap, IntZip, all_finite, compare, map, select, zip};
pub use matmul::{Activation, linear, matmul};
pub use norm::{Norm, layer_norm, layer_norm_grad};
pub use pool::{
    Divisor, Pool, avg_pool2d, avg_pool2d_back, max_pool2d, max_pool2d_back, max_pool2d_pick,
};
pub use random::{normal, uniform};
pub use softmax::{cross_entropy, cross_entropy_grad, softmax, softmax_grad};
