//! Reductions over axes, running ones, and statistics.

pub mod logsumexp;
pub mod product;
pub mod statistics;
pub mod sum;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        logsumexp::catalogue(),
        product::catalogue(),
        sum::catalogue(),
    ]
    .concat()
}
