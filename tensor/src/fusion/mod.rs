//! Chains of elementwise ops over large tensors, computed in one pass; `README.md` beside this file
//! tells how and why.

pub(crate) mod chain;
pub(crate) mod deferred;
mod link;
mod pass;
pub(crate) mod tiles;
