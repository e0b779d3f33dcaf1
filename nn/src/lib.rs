//! Neural networks for lepton: modules, losses, optimisers, data, training, programs and model files.

pub mod data;
pub mod files;
