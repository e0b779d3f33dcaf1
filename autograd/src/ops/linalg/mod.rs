//! Matrix products, factorisations, equations.

pub mod determinant;
pub mod einsum;
pub mod matmul;
pub mod solve;

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        determinant::catalogue(),
        matmul::catalogue(),
        solve::catalogue(),
    ]
    .concat()
}
