//! Picking and placing elements by index.

pub mod embedding;
pub mod gather;
pub mod indexing;
pub(crate) mod positions;
pub mod scatter;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [gather::catalogue(), scatter::catalogue()].concat()
}
