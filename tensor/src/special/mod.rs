//! Special functions in f64: what the C library of a machine may lack, written from their series.
//!
//! They favour accuracy over speed: a series with positive terms, an asymptotic expansion, and a
//! recurrence that leads from one to the other. Names are SciPy's, where it has one.
//!
//! | functions | accuracy |
//! |---|---|
//! | [`erfc`], [`erfcx`], [`normal_cdf`], [`log_ndtr`] | relative, also in the tail |
//! | [`erfinv`], [`ndtri`] | to a few units in the last place |
//! | [`lgamma`], [`digamma`], [`polygamma`] | 1e-13, relative or absolute |
//! | [`i0`], [`i0e`], [`i1`], [`i1e`] | relative 1e-14 |
//!
//! Elementwise kernels take `erf` and the normal distribution function from [`Lane`](crate::simd::Lane), which are
//! vectorised; these here are for single numbers.

mod bessel;
mod error;
mod gamma;
mod normal;

pub use bessel::{i0, i0e, i1, i1e};
pub use error::{erfc, erfcx, erfinv, log_ndtr, ndtri};
pub use gamma::{digamma, lgamma, polygamma};
pub use normal::{normal_cdf, normal_mass, normal_two_sided};

#[cfg(test)]
mod tests;
