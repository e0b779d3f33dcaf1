//! Kernels that are more than one loop over slices.

pub(crate) mod attention;
pub mod conv;
pub mod gemm;
pub mod gemm_i8;
pub mod pool;
pub(crate) mod rows;
pub(crate) mod transpose;
mod view;
