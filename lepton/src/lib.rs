//! Small, readable, private AI in pure Rust: a tensor and autodiff engine with compression, explanation and federated learning.

pub use lepton_nn as nn;
pub use lepton_tensor::{Error, ErrorKind, Result};
