//! Making values: constants, casts, random numbers.

pub mod cast;
pub mod random;
