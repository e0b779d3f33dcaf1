//! Linear algebra on small matrices, in f64 inside.

mod determinant;
mod eliminate;
mod svd;

pub use determinant::{cofactors, det};
pub use eliminate::{cholesky, slogdet, solve};
pub use svd::svd;
