//! Picking and placing elements by index.

pub mod embedding;
pub mod gather;
pub mod indexing;
pub mod scatter;
