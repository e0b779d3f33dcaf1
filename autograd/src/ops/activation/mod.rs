//! Activations of networks, and softmax.

pub mod composed;
pub mod gelu;
pub mod relu;
pub mod shrink;
pub mod sigmoid;
pub mod softmax;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        gelu::catalogue(),
        relu::catalogue(),
        shrink::catalogue(),
        sigmoid::catalogue(),
        softmax::catalogue(),
    ]
    .concat()
}
