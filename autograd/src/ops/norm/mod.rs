//! Normalisation of rows.

pub mod layer_norm;
