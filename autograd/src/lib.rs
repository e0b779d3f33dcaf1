//! Differentiation of any order for lepton: variables, ops, traces and the gradient checker.
//!
//! The first floor of the house: it stands on `lepton-tensor` and knows nothing of layers or files.
//! Three types to know:
//!
//! - [`Var`], a tensor and, when it takes part in a gradient, an edge to where it came from;
//! - [`Op`], the contract that every operation fulfils in one place: shape rule, computation,
//!   derivative, batching, test cases;
//! - [`Grads`], gradients by the identity of a leaf or a [`Param`].
//!
//! ```
//! use lepton_autograd::{Tensor, Var, jvp, vmap};
//! let x = Var::leaf(Tensor::from_vec(vec![1.0f64, 2.0], &[2])?);
//! let loss = (&x * &x * &x).sum(&[]);
//! // Reverse mode, twice: gradients are variables.
//! let g = loss.grads(&[x.clone()]).remove(0);
//! let h = g.sum(&[]).grads(&[x.clone()]).remove(0);
//! assert_eq!(g.to_vec::<f64>()?, [3.0, 12.0]);
//! assert_eq!(h.to_vec::<f64>()?, [6.0, 12.0]);
//! // Forward mode, and a function of one example over a batch.
//! let (_, t) = jvp(|x| vec![x[0].sin()], &[Var::scalar(0.0f64)], &[Var::scalar(1.0f64)])?;
//! assert_eq!(t[0].item()?, 1.0);
//! let y = vmap(|x| vec![x[0].sum(&[])], &[Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])])?;
//! assert_eq!(y[0].to_vec::<f32>()?, [3.0, 7.0]);
//! # Ok::<(), lepton_tensor::Error>(())
//! ```
//!
//! The rooms: `engine` (contract, door, graph, backward walk; start with its `README.md`), [`ops`] by
//! family, `transform` (functions of functions, traces), `inspect` (counts, pictures, gradcheck),
//! `testing` (the derived tests).
//!
//! **Invariants.** [`apply`] is the only door: shape rules, recording, batching, tracing, anomaly
//! mode and counting live there. A `vjp` is written in `Var` operations, so derivatives of any order
//! follow. Ops hold no `Var`; a node holds what [`Op::keeps`] lists and nothing else. Nothing is
//! written in place through a shared handle. The order of additions never depends on threads.

#![forbid(unsafe_code)]

mod engine;
mod inspect;
pub mod ops;
#[cfg(feature = "testing")]
pub mod testing;
mod transform;

pub use engine::apply::{apply, apply_dyn};
pub use engine::attrs::{Attr, Attrs, Field};
pub use engine::backward::vjp;
pub use engine::case::{Case, Gradient, distinct, floats, indices, truths};
pub use engine::catalogue::{Entry, Listed, make_op};
pub use engine::elementwise::{Binary, Map, Unary, Zip};
pub use engine::lift::{jvp, vmap};
pub use engine::node::Saved;
pub use engine::op::{AnyOp, Cost, Ins, Keeps, Op, Outs};
pub use engine::param::{Grads, Param, ParamId, ParamMap, with_params};
pub use engine::scope::{enable_grad, enter_above, is_recording, no_grad, with_above};
pub use engine::var::Var;
pub use engine::watch::{Watch, watch};
pub use inspect::anomaly::detect_anomaly;
pub use inspect::count::{Counts, count};
pub use inspect::gradcheck::{GradcheckOptions, gradcheck};
pub use lepton_tensor::ops::Divisor;
pub use lepton_tensor::{
    DType, Device, Error, ErrorKind, Meta, Result, Shape, Tensor, infer_shape,
};
pub use ops::attention::AttentionOptions;
pub use ops::catalogue;
pub use ops::conv::ConvOptions;
pub use ops::index::positions::Index;
pub use ops::index::scatter::Reduction;
pub use ops::order::quantile::Interpolation;
pub use ops::pool::{AvgPoolOptions, MaxPoolOptions};
pub use ops::shape::reshape::broadcast_shape;
pub use transform::functional::{grad, hessian, hvp, jacobian};
pub use transform::parallel::parallel;
pub use transform::trace::{Step, Trace, ValueId, trace};
