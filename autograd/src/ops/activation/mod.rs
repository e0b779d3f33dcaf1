//! Activations of networks, and softmax.

pub mod relu;
pub mod shrink;
pub mod softmax;
