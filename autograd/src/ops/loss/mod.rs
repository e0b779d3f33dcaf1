//! Losses with kernels of their own.

pub mod cross_entropy;
