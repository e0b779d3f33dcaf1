//! Small, readable, private AI in pure Rust: a tensor and autodiff engine with compression, explanation and federated learning.
