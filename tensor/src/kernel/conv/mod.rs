//! Correlations of images with small kernels; `README.md` beside this file tells how and why.

mod axis;
mod direct;
mod dots;
mod finish;
mod lines;
mod padded_image;
mod plan;
mod pointwise;
mod prefetch;
mod tile;
mod weight_gradient;
mod weights;
mod winograd;
mod winograd_1d;

pub use axis::{Axis, Tap};
pub use direct::{Correlation, correlate};
pub use weight_gradient::{WeightGradient, weight_gradient};
pub use weights::Weights;
