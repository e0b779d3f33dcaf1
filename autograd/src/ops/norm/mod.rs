//! Normalisation of rows.

pub mod layer_norm;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    layer_norm::catalogue()
}
