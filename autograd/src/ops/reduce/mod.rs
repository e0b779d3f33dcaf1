//! Reductions over axes, running ones, and statistics.

pub mod logsumexp;
pub mod product;
pub mod statistics;
pub mod sum;
