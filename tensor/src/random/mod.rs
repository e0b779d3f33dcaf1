//! Counter-based random numbers: element `i` of a stream is a function of `(seed, stream, i)`.
//!
//! [`Philox`] and [`Threefry`] are the block functions of Salmon, Moraes, Dror and Shaw, "Parallel
//! random numbers: as easy as 1, 2, 3" (SC 2011). A fill may be cut anywhere and computed by any
//! thread with the same result. [`Rng`] walks one stream in order; [`Rng::fork`] opens an
//! independent one, its key being Threefry of the parent's, so forking draws nothing.
//!
//! These generators are for simulation and training, not for cryptography.

mod block;
mod rng;

pub use block::{Philox, Philox64, Threefry};
pub use rng::Rng;

#[cfg(test)]
mod tests;
