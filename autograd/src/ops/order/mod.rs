//! Sorting and what follows from an order: quantiles, modes, searches.

pub mod quantile;
pub mod sort;
