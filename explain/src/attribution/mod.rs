//! How much each input feature carries to a score: so far the rules by which paths are sampled.

mod quadrature;

pub use quadrature::Quadrature;
