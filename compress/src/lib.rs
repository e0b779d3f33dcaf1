//! Smaller models with lepton: distillation, pruning and quantisation.
//!
//! A sibling of the explaining and the federated crates, on `lepton-nn`. The usual order is the
//! order of the modules: a small model learns from a large one ([`Distillation`]), loses the neurons
//! that contribute least ([`prune_neurons_on`]), and its program is rewritten to 8-bit integers
//! ([`quantize_program`]). Three types to know:
//!
//! - [`QuantParams`], how 8-bit codes stand for numbers; [`Range`] and the observers choose them;
//! - [`Program`](lepton_nn::Program), a traced module: what quantisation takes and gives back;
//! - [`Report`], what a model weighs layer by layer, before and after.
//!
//! ```
//! use lepton_autograd::{DType, Tensor, Var};
//! use lepton_compress::{Distillation, Report, prune_neurons_on, quantize_program};
//! use lepton_nn::{Adam, Mlp, Module, Program, Rng, Trainer};
//! let mut rng = Rng::new(1);
//! let x = Tensor::from_vec((0..800).map(|i| (i as f32 * 0.37).sin()).collect(), &[200, 4])?;
//! let teacher = Mlp::new(&[4, 64, 3], &mut rng);
//! let mut student = Mlp::new(&[4, 16, 3], &mut rng);
//! let (way, mut adam) = (Distillation::new(2.0, 1.0)?, Adam::new(0.02)?);
//! let trainer = Trainer { epochs: 30, batch: 50, seed: 0 };
//! way.fit(&teacher, &mut student, &mut adam, &x, None, &trainer, &mut ())?;
//! // Half of the neurons go; a few more epochs heal what that cost.
//! let mut small = prune_neurons_on(&student, &x, 0.5)?.net;
//! way.fit(&teacher, &mut small, &mut Adam::new(0.02)?, &x, None, &trainer, &mut ())?;
//! let program = Program::trace(&small, &[1, 4], DType::F32)?;
//! let int8 = quantize_program(&program, &x)?;
//! let rows = Var::from(x);
//! let (a, b) = (teacher.forward(&rows).argmax(-1), int8.run(&[rows])?[0].argmax(-1));
//! let same = a.eq(&b).to_dtype(DType::F32).mean(&[]).item()?;
//! assert!(same > 0.9, "{same}");
//! let first = Program::trace(&teacher, &[1, 4], DType::F32)?;
//! println!("{}", Report::new(&first, &int8));
//! # Ok::<(), lepton_tensor::Error>(())
//! ```
//!
//! **Invariants.** Codes are plain i8 and u8 tensors; what they mean belongs to the layer. Sums of
//! codes are exact 32-bit integers and never saturate, on any machine, so the integer program gives
//! the same bits everywhere but for one f32 product and sum per element. A row's answer does not
//! depend on the rows beside it. Whatever is called smaller has fewer bytes: [`Masks`] alone do not.

#![forbid(unsafe_code)]

mod distill;
mod observer;
pub mod ops;
mod prune;
mod quantize;
mod report;

pub use distill::Distillation;
pub use lepton_tensor::ops::QuantParams;
pub use observer::{MinMax, MovingAverage, Range, RangeObserver, quantize_rows};
pub use ops::catalogue;
pub use prune::{
    Masked, Masks, Neuron, Pruned, PrunedLayer, keep_neurons, neuron_scores, neuron_scores_on,
    prune_neurons, prune_neurons_on,
};
pub use quantize::{quantize_program, quantize_program_with};
pub use report::{Report, Size};
