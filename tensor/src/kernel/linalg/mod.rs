//! Linear algebra on small matrices, in f64 inside.

mod eliminate;
mod svd;

pub use eliminate::{cholesky, slogdet, solve};
pub use svd::svd;
