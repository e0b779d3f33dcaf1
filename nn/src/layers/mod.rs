//! Layers.

mod activation;
mod conv;
mod dropout;
mod linear;
mod pool;
mod weight;

pub use activation::{Gelu, LeakyRelu, LogSoftmax, Relu, Sigmoid, Tanh};
pub use conv::Conv2d;
pub use dropout::{Dropout, Flatten};
pub use linear::Linear;
pub use pool::{AvgPool2d, MaxPool2d};
pub use weight::{Weight, WeightForm};
