//! Correlations of images with small kernels; `README.md` beside this file tells how and why.

mod ahead;
mod axis;
mod correlate;
mod dots;
mod field;
mod finish;
mod five;
mod gradient;
mod lines;
mod plan;
mod pointwise;
mod tile;
mod weights;
mod winograd;

pub use axis::{Axis, Tap};
pub use correlate::{Correlation, correlate};
pub use gradient::{WeightGradient, weight_gradient};
pub use weights::Weights;
