//! Training without sharing rows: partition, rounds, strategies and differential privacy.

pub mod accountant;
mod dp_sgd;
pub mod partition;
mod state;
mod strategy;

pub use dp_sgd::{ClippedSum, DpSgd};
pub use state::State;
pub use strategy::{ClientUpdate, FedAvg, Strategy};
