//! Losses with kernels of their own.

pub mod bce;
pub mod cross_entropy;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [bce::catalogue(), cross_entropy::catalogue()].concat()
}
