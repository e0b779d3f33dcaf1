//! N-dimensional arrays for lepton: layouts, dtypes, SIMD kernels, threads and randomness.
//!
//! This is the ground floor of the house. It knows shapes and elements, and no gradients. Three
//! types to know:
//!
//! - [`Tensor`], a cheap handle on shared storage with a shape and strides; views are free;
//! - [`DType`] and [`Device`], known at run time, so models are written once;
//! - [`Error`], one sentence that says what, where and what to do.
//!
//! ```
//! use lepton_tensor::{DType, Device, Tensor, ops};
//! let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
//! let sums = ops::reduce(ops::ReduceOp::Sum, &x, &[0]);
//! assert_eq!(sums.to_vec::<f32>()?, [4.0, 6.0]);
//! let shape_only = Tensor::zeros(&[1000, 1000], DType::F32, Device::Meta)?;
//! assert_eq!(shape_only.numel(), 1_000_000);
//! # Ok::<(), lepton_tensor::Error>(())
//! ```
//!
//! # The rooms, from the outside in
//!
//! - [`ops`] is the seam to a device: some sixty functions that take tensors whose shapes a rule of the crate
//!   above has accepted. Code above this crate computes by them and reads elements through nothing else.
//! - `fusion` defers elementwise ops on large tensors, so that a chain of them is one pass over memory.
//! - [`kernel`] has the algorithms, on slices and matrices: matrix products, convolutions, pooling, attention,
//!   rows, reductions, linear algebra, quantised products.
//! - [`simd`] is the vocabulary they are written in: one body per kernel, compiled for each instruction set
//!   and chosen once at run time.
//! - [`threads`] splits loops by shape, never by the number of threads, so the same bits come from any number.
//! - [`random`] is counter-based: element `i` of a stream is a function of seed, stream and `i`.
//! - [`special`] has the functions of mathematics that a C library may lack.
//! - `sys` talks to the machine: memory, CPU features, threads, the environment.
//!
//! # Macros
//!
//! Generics first; a macro stands only where Rust has no other way to write a table once. [`match_dtype`] binds a
//! run-time dtype to a type; `elements!` lists the element types; the instruction wrappers and the two register
//! tables under `simd` differ in names only.
//!
//! # Invariants
//!
//! - `unsafe` stands only in `simd`, `kernel`, `sys` and `storage`: the compiler refuses it elsewhere.
//! - Only `sys` talks to the machine.
//! - One function multiplies dimensions ([`numel`]), with a check.
//! - Bytes are reached through one accessor, `storage`.
//! - Nothing is written through a shared handle.
//! - The same seed gives the same bits on 1, 2 or 7 threads; SIMD levels may differ in the last bits.

#![deny(unsafe_code)]

mod device;
pub mod dtype;
mod error;
mod fusion;
#[expect(
    unsafe_code,
    reason = "kernels cut one result among tasks, and keep tiles in registers"
)]
pub mod kernel;
pub mod layout;
pub mod ops;
mod print;
pub mod random;
#[expect(
    unsafe_code,
    reason = "instructions of a level, called by who holds its token"
)]
pub mod simd;
pub mod special;
#[expect(unsafe_code, reason = "bytes are viewed as elements in this one file")]
mod storage;
#[expect(
    unsafe_code,
    reason = "memory from the system, and loops shared with other threads"
)]
mod sys;
mod tensor;
pub mod threads;

pub use device::Device;
pub use dtype::DType;
pub use error::{Error, ErrorKind, Result};
pub use layout::{Layout, Meta, Shape, numel};
pub use tensor::{Tensor, infer_shape};

/// Bytes held by tensors now, and the most so far, in whole blocks of the pool.
///
/// ```
/// use lepton_tensor::{DType, Device, Tensor, memory_usage};
/// let x = Tensor::zeros(&[1 << 20], DType::F32, Device::Cpu)?;
/// let (_, peak) = memory_usage();
/// assert!(peak >= 4 << 20);
/// # drop(x);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn memory_usage() -> (usize, usize) {
    sys::alloc::usage()
}

/// Starts the count of the most bytes anew.
pub fn reset_peak_memory() {
    sys::alloc::reset_peak();
}
