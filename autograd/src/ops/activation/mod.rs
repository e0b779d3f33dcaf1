//! Activations of networks, and softmax.

pub mod composed;
pub mod relu;
pub mod shrink;
pub mod softmax;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [relu::catalogue(), shrink::catalogue(), softmax::catalogue()].concat()
}
