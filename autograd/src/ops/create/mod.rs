//! Making values: constants, casts, random numbers.

pub mod cast;
pub(crate) mod promotion;
pub mod random;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [cast::catalogue(), random::catalogue()].concat()
}
