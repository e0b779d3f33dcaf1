//! Layers.

mod activation;
mod attention;
mod conv;
mod dropout;
mod embedding;
mod linear;
mod norm;
mod pool;
mod weight;

pub use activation::{Gelu, LeakyRelu, LogSoftmax, Relu, Sigmoid, Tanh};
pub use attention::MultiheadAttention;
pub use conv::Conv2d;
pub use dropout::{Dropout, Flatten};
pub use embedding::Embedding;
pub use linear::Linear;
pub use norm::{GroupNorm, LayerNorm, RmsNorm};
pub use pool::{AvgPool2d, MaxPool2d};
pub use weight::{Weight, WeightForm};
