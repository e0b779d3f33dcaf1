//! N-dimensional arrays for lepton: layouts, dtypes, SIMD kernels, threads and randomness.
//!
//! This is the ground floor of the house. It knows shapes and elements, and no gradients. Three
//! types to know:
//!
//! - [`Tensor`], a cheap handle on shared storage with a shape and strides; views are free;
//! - [`DType`] and [`Device`], known at run time, so models are written once;
//! - [`Error`], one sentence that says what, where and what to do.
//!
//! What computes is in [`ops`], about twenty kernels: the whole seam to a device. They are written
//! on the vocabulary of [`simd`] (one body per kernel, compiled per instruction set) and split over
//! threads by shape ([`threads`]), so the same bits come from any number of threads.
//!
//! ```
//! use lepton_tensor::{DType, Device, Tensor, ops};
//! let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
//! let sums = ops::reduce(ops::Fold::Sum, &x, &[0]);
//! assert_eq!(sums.to_vec::<f32>()?, [4.0, 6.0]);
//! let shape_only = Tensor::zeros(&[1000, 1000], DType::F32, Device::Meta)?;
//! assert_eq!(shape_only.numel(), 1_000_000);
//! # Ok::<(), lepton_tensor::Error>(())
//! ```
//!
//! **Invariants.** `unsafe` stands only in `simd`, `kernel`, `sys` and `storage`. Only `sys` asks
//! the machine. One function multiplies dimensions ([`numel`]); bytes are reached through one
//! accessor; nothing is written through a shared handle.

mod device;
pub mod dtype;
mod error;
mod fusion;
pub mod kernel;
pub mod layout;
pub mod ops;
mod print;
pub mod random;
pub mod simd;
pub mod special;
mod storage;
mod sys;
mod tensor;
pub mod threads;

pub use device::Device;
pub use dtype::DType;
pub use error::{Error, ErrorKind, Result};
pub use layout::{Layout, Meta, Shape, numel};
pub use tensor::{Tensor, infer_shape};

/// Bytes held by tensors now, and the most so far, in whole blocks of the pool.
pub fn memory_usage() -> (usize, usize) {
    sys::alloc::usage()
}

/// Starts the count of the most bytes anew.
pub fn reset_peak_memory() {
    sys::alloc::reset_peak();
}
