//! Sorting and what follows from an order: quantiles, modes, searches.

pub mod quantile;
pub mod search;
pub mod sort;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        quantile::catalogue(),
        search::catalogue(),
        sort::catalogue(),
    ]
    .concat()
}
