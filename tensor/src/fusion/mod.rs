//! Chains of elementwise ops over large tensors, computed in one pass; `README.md` beside this file
//! tells how and why.

pub(crate) mod chain;
mod pass;
pub(crate) mod tiles;
