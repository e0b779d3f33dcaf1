//! Reading and adding at indices. An index outside its axis is an error, never a wild read.

mod combine;
mod places;
mod rows;

pub use combine::ScatterReduce;
pub(crate) use combine::{add, combine};
pub(crate) use places::{check_positions, places, position};
pub(crate) use rows::{add_rows, copy_rows};
