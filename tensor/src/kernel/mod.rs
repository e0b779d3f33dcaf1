//! Kernels that are more than one loop over slices.

pub mod gemm;
