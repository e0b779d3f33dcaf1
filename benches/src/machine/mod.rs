//! The machine: what it is, and how fast it can be.

mod fingerprint;
mod roof;

pub use fingerprint::Fingerprint;
pub use roof::Roof;
