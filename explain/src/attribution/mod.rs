//! How much each input feature carries to a score.
//!
//! A model is explained through its *score*: a closure from a batch `[rows, ..]` to one number a
//! row, `[rows]`, such as `|x| model.forward(x).select(1, class)`. Explain logits rather than
//! probabilities: where a softmax is sure its slope vanishes. A score always gets as many rows as
//! the input has, in their order, so it may treat each in its own way (each its own class); but one
//! row must not influence another (no statistics over the batch).
//!
//! [`gradient`] is the slope at the input, [`gradient_times_input`] scales it by the input, and
//! integrated gradients follow the slope from a reference to the input, so that the parts add up to
//! the difference of the scores: [`PiecewiseLinear`] exactly for networks of rectifiers,
//! [`IntegratedGradients`] by quadrature for smooth ones.

mod gradient;
mod integrated;
mod kinks;
mod line;
mod piecewise;
mod quadrature;

pub use gradient::{gradient, gradient_times_input};
pub use integrated::IntegratedGradients;
pub use line::Attribution;
pub use piecewise::PiecewiseLinear;
pub use quadrature::Quadrature;
