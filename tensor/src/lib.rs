//! N-dimensional arrays for lepton: layouts, dtypes, SIMD kernels, threads and counter-based randomness.

mod error;
pub mod random;
pub mod simd;
mod sys;

pub use error::{Error, ErrorKind, Result};
