//! The tensor: the handle, its views, and its conversions.
//!
//! A handle is one pointer to a shape, strides, an offset and a storage (`handle.rs`). Views share the storage under
//! another layout (`views.rs`, `axes.rs`); conversions copy (`convert.rs`). What computes is in [`crate::ops`].

mod axes;
mod convert;
mod handle;
mod views;

pub use axes::infer_shape;
pub use handle::Tensor;
