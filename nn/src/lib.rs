//! Neural networks for lepton: modules, losses, optimisers, training, programs and files.
//!
//! The second floor of the house, on `lepton-autograd`, with the tables of `lepton-tabular`. Three types
//! to know:
//!
//! - [`Module`], a value with parameters and a forward pass; a plain struct and one line of
//!   [`module!`] make one;
//! - [`Optimizer`], which visits the parameters and moves them in place;
//! - [`Program`], a traced module: it runs without the module's code, is saved, read and rewritten.
//!
//! ```
//! use lepton_nn::{Adam, Mlp, Module, Optimizer, Params, Rng, cross_entropy};
//! use lepton_autograd::Var;
//! let x = Var::new(&[0.0f32, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], &[4, 2]);
//! let xor = Var::new(&[0i64, 1, 1, 0], &[4]);
//! let mut net = Mlp::new(&[2, 16, 2], &mut Rng::new(1));
//! let mut adam = Adam::new(0.05)?;
//! for _ in 0..200 {
//!     let mut grads = cross_entropy(&net.forward(&x), &xor).backward();
//!     adam.step(&mut net, &mut grads)?;
//! }
//! assert_eq!(net.forward(&x).argmax(-1).to_vec::<i64>()?, [0, 1, 1, 0]);
//! assert_eq!(net.num_params(), 2 * 16 + 16 + 16 * 2 + 2);
//! # Ok::<(), lepton_tensor::Error>(())
//! ```
//!
//! **Invariants.** `forward` is pure: mode and random draws come from a scope. Names of parameters
//! are PyTorch's and live here and above. Files are opened in [`files`] only, and a file claims
//! nothing that is believed. Nothing prints; progress goes to an [`Observer`].

#![forbid(unsafe_code)]

pub mod files;
mod layers;
mod loss;
mod mlp;
mod module;
mod optim;
mod params;
mod program;
mod scope;
mod summary;
mod tabular;
mod trainer;

pub use layers::{
    AvgPool2d, Conv2d, Dropout, Embedding, Flatten, Gelu, GroupNorm, LayerNorm, LeakyRelu, Linear,
    LogSoftmax, MaxPool2d, MultiheadAttention, Relu, RmsNorm, Sigmoid, Tanh, Weight, WeightForm,
};
pub use lepton_tensor::random::Rng;
pub use loss::{bce_with_logits, cross_entropy, mse};
pub use mlp::Mlp;
pub use module::{Module, Sequential};
pub use optim::{Adam, Optimizer, Sgd};
pub use params::{Buffer, Item, ItemMut, Params, Path, Visit, VisitMut};
pub use program::{Instruction, Program, Size};
pub use scope::{eval, is_training, train};
pub use summary::{Row, Summary, summary};
pub use tabular::TabularModel;
pub use trainer::{Epoch, History, Observer, Trainer};
