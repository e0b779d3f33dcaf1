//! Kernels that are more than one loop over slices.

pub(crate) mod attention;
pub mod conv;
pub mod gemm;
pub mod gemm_i8;
pub(crate) mod index;
pub(crate) mod linalg;
mod matrix;
pub(crate) mod optim;
pub mod pool;
pub(crate) mod quant;
pub(crate) mod reduce;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod sort;
pub(crate) mod tile_load;
pub(crate) mod transpose;
pub(crate) mod window;
