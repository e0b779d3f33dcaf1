//! Every op, each in one place: its function, shape rule, derivative, batching and test cases.
//!
//! A folder is a room of the house, a file holds a family and ends its head with the list of its ops. What no
//! list names cannot be applied, and a list that nobody collects does not compile.

pub mod activation;
pub mod attention;
pub mod conv;
pub mod create;
pub mod elementwise;
pub mod index;
pub mod linalg;
pub mod loss;
pub mod norm;
pub mod order;
pub mod pool;
pub mod reduce;
pub mod shape;

use crate::Entry;

/// All ops of this crate, room by room.
pub fn catalogue() -> Vec<Entry> {
    [
        activation::catalogue(),
        attention::catalogue(),
        conv::catalogue(),
        create::catalogue(),
        elementwise::catalogue(),
        index::catalogue(),
        linalg::catalogue(),
        loss::catalogue(),
        norm::catalogue(),
        order::catalogue(),
        pool::catalogue(),
        reduce::catalogue(),
        shape::catalogue(),
    ]
    .concat()
}
