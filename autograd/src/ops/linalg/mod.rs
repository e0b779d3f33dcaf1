//! Matrix products, factorisations, equations.

pub mod determinant;
pub mod einsum;
pub mod matmul;
pub mod solve;
pub mod svd;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        svd::catalogue(),
        determinant::catalogue(),
        matmul::catalogue(),
        solve::catalogue(),
    ]
    .concat()
}
