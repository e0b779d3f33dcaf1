//! The links of a chain.

use super::tiles::{MapTile, ZipTile};
use crate::Tensor;

/// Links in one chain at most: the chain keeps their inputs alive, and each input is a stream of its own
/// from memory.
pub(super) const MAX_LINKS: usize = 16;

/// A kernel with its other input, if it has one; the value so far is its first or its second argument.
pub(super) enum Link<T> {
    /// `f(value)`.
    Map(Box<dyn MapTile<T>>),
    /// `f(value, other)`.
    ZipLhs(Box<dyn ZipTile<T>>, Tensor),
    /// `f(other, value)`.
    ZipRhs(Box<dyn ZipTile<T>>, Tensor),
}
