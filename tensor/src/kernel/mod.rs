//! Kernels that are more than one loop over slices.

pub mod gemm;
pub mod gemm_i8;
pub(crate) mod rows;
