//! Training without sharing rows: partition, rounds, strategies and differential privacy.
//!
//! Several parties hold rows that may not leave them. Each trains the common model on its own rows
//! and sends back parameters only; a server averages them, round after round. Parameters can still
//! give rows away, so a client may clip each row's gradient and add noise, and an accountant says
//! what that is worth: to one row, against those who do not have the seed of the noise.
//!
//! Three types to know:
//!
//! - [`Federation`] runs rounds of [`Client`]s under a [`Strategy`] and keeps a privacy [`Ledger`]
//!   that goes by their ids, and outlives it;
//! - [`ModuleClient`] owns rows and trains any module on them, plainly or with [`DpSgd`]: the
//!   gradient of each row shortened, the sum made noisy ([`clipped_sum`]);
//! - [`accountant`] turns noise, sampling rate and steps into `(epsilon, delta)`, and back.
//!
//! ```
//! use lepton_federated::{DpSgd, FedAvg, Federation, Local, ModuleClient, State};
//! use lepton_federated::{accountant, partition};
//! use lepton_autograd::{Tensor, Var};
//! use lepton_nn::{Mlp, Module, Rng, cross_entropy};
//!
//! // 600 patients with two findings, ill where their sum is above 0, in five unlike hospitals.
//! let rng = &mut Rng::new(1);
//! let x: Vec<f32> = (0..1200).map(|_| rng.normal() as f32).collect();
//! let ill: Vec<usize> = x.chunks(2).map(|p| usize::from(p[0] + p[1] > 0.0)).collect();
//! let y = Tensor::from_vec(ill.iter().map(|&c| c as i64).collect(), &[600])?;
//! let x = Tensor::from_vec(x, &[600, 2])?;
//! let parts = partition::dirichlet(&ill, 5, 1.0, 20, 7)?;
//!
//! // Each adds the noise itself that 30 steps over all its rows need for epsilon 3.
//! let sigma = accountant::noise_multiplier(3.0, 1e-5, 1.0, 30)?;
//! let local = Local::Private { steps: 1, dp: DpSgd::new(0.5, sigma, 1.0)? };
//! let mut net = Mlp::new(&[2, 8, 2], rng);
//! let hospitals = ModuleClient::share_out(&net, cross_entropy, (&x, &y), &parts, 2.0, local)?;
//!
//! // The server is sent models, never rows. A number is a published seed: for simulations.
//! let mut federation = Federation::new(State::of(&net)?, FedAvg, 7).averaging(10);
//! federation.run(&hospitals, 30, &mut ())?;
//! federation.averaged()?.load_into(&mut net)?;
//!
//! assert!(federation.epsilon(1e-5)?.values().all(|&e| e <= 3.0));
//! let said = net.forward(&Var::from(x)).argmax(-1).to_vec::<i64>()?;
//! let right = said.iter().zip(&ill).filter(|(s, i)| **s == **i as i64).count();
//! assert!(right > 540, "{right} of 600");
//! # Ok::<(), lepton_tensor::Error>(())
//! ```
//!
//! **What an epsilon here is worth.** It speaks of one row that contributes or contributes nothing,
//! with the same public number of rows; a client with many rows is protected far less than each of
//! them (see [`DpSgd`]). It holds against those who do not know the seed. In this simulation the
//! server makes every client's noise from one seed, so neither the server nor, where the seed is
//! published, anyone else is among them; [`NoiseSeed::secret`] draws one that is not shown. A
//! deployment needs noise that the client draws for itself, from a secure generator and on integers.
//!
//! **Invariants.** Whatever is summed is summed in `f64` and in order of client id and row, so the
//! bits do not depend on threads or on who answers first. Epsilon is always an upper bound, infinite
//! where none can be computed; there is no estimate beside it. What a client sends is checked before
//! it is used, and nothing that it says of its own reaches another: a fault is one of a few fixed
//! sentences. From one seed no two clients, rounds or models meet the same noise.

#![forbid(unsafe_code)]

pub mod accountant;
mod client;
mod clipped_sum;
mod dp_sgd;
mod federation;
mod ledger;
mod noise;
pub mod partition;
mod per_sample;
mod records;
mod round;
mod state;
mod strategy;

pub use client::{Local, ModuleClient};
pub use clipped_sum::ClippedSum;
pub use dp_sgd::DpSgd;
pub use federation::Federation;
pub use ledger::Ledger;
pub use noise::NoiseSeed;
pub use per_sample::{clipped_sum, per_sample_grads};
pub use round::{Client, Fault, Observer, Round, Task, Trained};
pub use state::State;
pub use strategy::{ClientUpdate, FedAvg, Strategy};
