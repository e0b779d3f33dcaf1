//! Layers.

mod activation;
mod conv;
mod dropout;
mod linear;
mod weight;

pub use activation::{Gelu, LeakyRelu, LogSoftmax, Relu, Sigmoid, Tanh};
pub use conv::Conv2d;
pub use dropout::{Dropout, Flatten};
pub use linear::Linear;
pub use weight::{Weight, WeightForm};
