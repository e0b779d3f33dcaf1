//! Functions of functions (gradients, Jacobians, Hessians), traces, and tracked code in parallel.

pub(crate) mod functional;
pub(crate) mod parallel;
pub(crate) mod trace;
