//! Kernels that are more than one loop over slices.

pub mod conv;
pub mod gemm;
pub mod gemm_i8;
<<<<<<< HEAD
pub(crate) mod transpose;
pub mod pool;
=======
pub(crate) mod attention;
pub mod gemm;
pub mod gemm_i8;
pub(crate) mod rows;
>>>>>>> rows
