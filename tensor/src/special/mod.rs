//! Special functions in f64: what the C library of a machine may lack, written from their series.
//!
//! They favour accuracy over speed: a series with positive terms, an asymptotic expansion, and a
//! recurrence that leads from one to the other.

mod bessel;
mod error;
mod gamma;

pub use bessel::{i0, i0e, i1, i1e};
pub use error::{erfc, erfcx, erfinv, log_ndtr, ndtri};
pub use gamma::{digamma, lgamma, polygamma};

#[cfg(test)]
mod tests;
