//! The machine: what it is, and how fast it can be.

mod fingerprint;

pub use fingerprint::Fingerprint;
