//! Other shapes of the same elements: reshaping, slicing, joining, rearranging.

pub mod diagonal;
pub mod join;
pub mod rearrange;
pub mod reshape;
pub mod slicing;
pub mod unbind;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        reshape::catalogue(),
        slicing::catalogue(),
        unbind::catalogue(),
    ]
    .concat()
}
