//! Kernels that are more than one loop over slices.

pub mod conv;
pub mod gemm;
pub mod gemm_i8;
pub mod pool;
