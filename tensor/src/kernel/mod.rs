//! Kernels that are more than one loop over slices.

pub(crate) mod attention;
pub mod gemm;
pub mod gemm_i8;
pub(crate) mod rows;
