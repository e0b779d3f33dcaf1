//! Reductions over axes, running ones, and statistics.

pub mod cumprod;
pub mod cumulative;
pub mod logcumsumexp;
pub mod logsumexp;
pub mod norm2;
pub mod product;
pub mod statistics;
pub mod sum;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        cumulative::catalogue(),
        cumprod::catalogue(),
        logcumsumexp::catalogue(),
        logsumexp::catalogue(),
        norm2::catalogue(),
        product::catalogue(),
        sum::catalogue(),
    ]
    .concat()
}
