//! Matrix products, factorisations, equations.

pub mod einsum;
pub mod matmul;
pub mod solve;
