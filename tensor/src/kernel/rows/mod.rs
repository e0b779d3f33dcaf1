//! Kernels over rows: a row is read from memory once, and every further pass finds it in the cache.
//!
//! Each kernel is a struct over many rows, so that the level is chosen once for all of them. A row's
//! tail runs as a padded vector; sums go through four vectors at a time in blocks of 1,024, whose
//! totals are added in f64, so their order depends on the row's length alone.

mod entropy;
mod norm;
mod softmax;
mod vectors;

pub(crate) use entropy::{Entropy, EntropyBackward, LogSumExp};
pub(crate) use norm::{Norm, NormBackward};
pub(crate) use softmax::{Softmax, SoftmaxBackward, SoftmaxKind, power, scale, top};
pub(crate) use vectors::{dot, part, put, sum, total};

#[cfg(test)]
mod tests;
