//! Training without sharing rows: partition, rounds, strategies and differential privacy.

pub mod accountant;
