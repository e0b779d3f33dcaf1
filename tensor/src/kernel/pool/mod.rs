//! Pooling: one pass over each image, rows first.
//!
//! A window's rows are reduced first, as whole rows of the image whose elements are adjacent; then its
//! columns, in a row that lies in L1 with its strides taken apart (see `lines.rs`), or in registers where
//! windows are two columns wide (`pairs.rs`).

mod average;
mod axis;
mod combine;
mod lines;
mod max;
mod pairs;
mod planes;
mod reduce;

pub use average::{Average, average, average_backward};
pub use axis::PoolAxis;
pub use max::{Max, max, max_backward, max_double_backward};
