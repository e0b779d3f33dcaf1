//! Training without sharing rows: partition, rounds, strategies and differential privacy.
//!
//! Several parties hold rows that may not leave them. Each trains the common model on its own rows
//! and sends back parameters only; a server averages them, round after round. Parameters can still
//! give rows away, so a client may clip each row's gradient and add noise, and an accountant says
//! what that is worth.
//!
//! Three types to know:
//!
//! - [`Federation`] runs rounds of [`Client`]s under a [`Strategy`] and keeps a privacy ledger for
//!   each of them;
//! - [`DpSgd`] and [`ClippedSum`] make a gradient private;
//! - [`accountant`] turns noise, sampling rate and steps into `(epsilon, delta)`, and back.
//!
//! ```
//! use lepton_federated::{DpSgd, accountant, partition};
//! // Five hospitals with unlike patients, and the noise that 50 steps need for epsilon 3.
//! let diagnosis: Vec<usize> = (0..500).map(|row| row % 2).collect();
//! let hospitals = partition::dirichlet(&diagnosis, 5, 1.0, 20, 7)?;
//! assert_eq!(hospitals.len(), 5);
//! let sigma = accountant::noise_multiplier(3.0, 1e-5, 1.0, 50)?;
//! let private = DpSgd::new(1.0, sigma, 1.0)?;
//! assert!(private.noise_multiplier > 9.0);
//! # Ok::<(), lepton_tensor::Error>(())
//! ```
//!
//! **Invariants.** Whatever is summed is summed in `f64` and in order of client and row, so the
//! bits do not depend on threads or on who answers first. Epsilon is always an upper bound; there
//! is no estimate beside it. What a client sends is checked before it is used. The noise is a
//! seeded simulation: a deployment needs a secure generator and integer noise (see [`DpSgd`]).

pub mod accountant;
mod dp_sgd;
pub mod partition;
mod per_sample;
mod round;
mod state;
mod strategy;

pub use dp_sgd::{ClippedSum, DpSgd};
pub use per_sample::{clipped_sum, per_sample_grads};
pub use round::{Client, Federation, Observer, Round, Task, Trained};
pub use state::State;
pub use strategy::{ClientUpdate, FedAvg, Strategy};
