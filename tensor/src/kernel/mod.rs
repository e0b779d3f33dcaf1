//! The algorithms: kernels that are more than one loop over slices.
//!
//! They work on slices, on matrices with strides ([`gemm::MatRef`], [`gemm::MatMut`]) and on a
//! [`Level`](crate::simd::Level) that the caller chose; only the kernels along an axis and the factorisations, which
//! are simple loops, take tensors. Rooms with a story have a `README.md` beside their code:
//!
//! - `gemm`: products of matrices, blocked for the caches (`gemm/README.md`); `gemm_i8`: of 8-bit integers, exact;
//! - `conv`: convolutions and their gradients (`conv/README.md`); `pool`: pooling; `window`: images as columns;
//! - `attention`: softmax attention in tiles (`attention/README.md`);
//! - `rows`: softmax, norms and cross entropy, which visit a row several times while it is cached;
//! - `reduce`, `scan`, `sort`, `index`: along an axis;
//! - `linalg`: factorisations of small matrices, in f64 inside;
//! - `optim`: the updates of optimisers; `quant`: 8-bit codes of floats;
//! - `transpose`, `tile_load`, `scratch`, `split`: what the others share.
//!
//! A fast form may be less clear here than elsewhere; then the clear one is its test's oracle.

pub(crate) mod attention;
pub mod conv;
pub mod gemm;
pub mod gemm_i8;
pub(crate) mod index;
pub(crate) mod linalg;
mod matrix;
pub(crate) mod norm2;
pub(crate) mod optim;
pub mod pool;
pub(crate) mod quant;
pub(crate) mod reduce;
pub(crate) mod rows;
pub(crate) mod scan;
mod scratch;
pub(crate) mod sort;
mod split;
pub(crate) mod tile_load;
pub(crate) mod transpose;
pub(crate) mod window;
