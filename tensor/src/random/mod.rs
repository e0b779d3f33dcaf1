//! Counter-based random numbers: element `i` of a stream is a function of `(seed, stream, i)`.
//!
//! [`Philox`] and [`Threefry`] are the block functions of Salmon, Moraes, Dror and Shaw, "Parallel
//! random numbers: as easy as 1, 2, 3" (SC 2011). A fill may be cut anywhere and computed by any
//! thread with the same result. [`Rng`] walks one stream in order; [`Rng::fork`] opens an
//! independent one, its key being Threefry of the parent's, so forking draws nothing.
//!
//! ```
//! use lepton_tensor::random::{Philox, Rng};
//! let mut x = [0.0f32; 4];
//! Philox::stream(42, 0).uniform_f32(0, &mut x); // elements 0 to 3 of stream 0 of seed 42
//! let mut rng = Rng::new(42);                   // the same stream, walked in order
//! let (dropout, shuffling) = (rng.fork(1), rng.fork(2));
//! assert_ne!(rng.next_u64(), dropout.clone().next_u64());
//! # let _ = shuffling;
//! ```
//!
//! These generators are for simulation and training, not for cryptography.

mod block;
mod rng;

pub use block::{Philox, Philox64, Threefry};
pub use rng::Rng;

#[cfg(test)]
mod tests;
