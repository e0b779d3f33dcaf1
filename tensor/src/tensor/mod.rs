//! The tensor: the handle and its views.

mod axes;
mod handle;

pub use axes::infer_shape;
pub use handle::Tensor;
