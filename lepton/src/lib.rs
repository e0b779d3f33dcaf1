//! Small, readable, private AI in pure Rust.
//!
//! This crate is the front door: it holds no code of its own, only the rooms of the house under one
//! name. [`tensor`] has arrays and kernels, [`autograd`] gradients of any order, [`tabular`] tables and
//! what becomes of their columns, [`nn`] layers, training and model files. Three rooms stand on these, each behind a feature of its name
//! that is on by default: [`compress`] makes models smaller, [`explain`] says why they decide as they
//! do, [`federated`] trains where rows may not leave their owners. [`prelude`] has the names that most
//! programs use.
//!
//! From a table to a judged model:
//!
//! ```
//! # std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
//! use lepton::prelude::*;
//!
//! let table = read_csv("data/wine.csv", &ReadOptions::default())?;
//! let plan = Plan { target: "class", task: None, scaling: Method::Standard, test: 0.2 };
//! let data = Prepared::new(&table, &plan, &mut Rng::new(1))?;
//! let mut net = Mlp::new(&[data.features.width(), 32, data.target.outputs()], &mut Rng::new(2));
//! let (x, y) = data.train.tensors()?;
//! let trainer = Trainer { epochs: 50, batch: 16, seed: 3 };
//! trainer.fit(&mut net, &mut Adam::new(0.003)?, (&x, &y), None, cross_entropy, &mut ())?;
//! let (x, _) = data.test.tensors()?;
//! let answers = data.target.answers(&net.forward(&x.into()).to_vec()?)?;
//! let scores = answers.judge(&data.target, &data.test.y)?;
//! assert!(scores[0].0 == "accuracy" && scores[0].1 > 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The calls in it hold for other models too. A module is a plain struct whose `forward` is
//! mathematics on [`autograd::Var`]; a loss is a function of two of them; `loss.backward()` gives
//! gradients by parameter, and an optimiser moves the parameters by them. A [`nn::Program`] is a
//! module traced: it runs without the module's code, is saved as JSON beside safetensors, and is
//! what compression rewrites.
//!
//! **Invariants.** A build needs nothing but cargo. One seed gives one result, whatever the number of
//! threads. Nothing here prints; progress goes to an observer that you write. A wrong shape is a bug
//! and panics at your line with a full sentence; what comes from outside is an [`Error`] with one.

#![forbid(unsafe_code)]

pub use lepton_autograd as autograd;
#[cfg(feature = "compress")]
pub use lepton_compress as compress;
#[cfg(feature = "explain")]
pub use lepton_explain as explain;
#[cfg(feature = "federated")]
pub use lepton_federated as federated;
pub use lepton_nn as nn;
pub use lepton_tabular as tabular;
pub use lepton_tensor as tensor;
pub use lepton_tensor::{Error, ErrorKind, Result};

/// The names that most programs use: `use lepton::prelude::*`.
///
/// `Result` and `Error` are not among them: a program has its own.
pub mod prelude {
    pub use lepton_autograd::{DType, Device, Grads, Param, Tensor, Var, no_grad};
    pub use lepton_nn::files::read_csv;
    pub use lepton_nn::{
        Adam, Dropout, Epoch, History, Linear, Mlp, Module, Observer, Optimizer, Params, Program,
        Relu, Rng, Sequential, Sgd, TabularModel, Trainer, bce_with_logits, cross_entropy, module,
        mse,
    };
    pub use lepton_tabular::{
        Answers, Features, Method, Plan, Prepared, ReadOptions, Table, Target, TargetSpec, Task,
    };
}

/// The examples of `README.md` and `CONTRIBUTING.md`, so that they compile and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../CONTRIBUTING.md")]
    struct Contributing;
}
