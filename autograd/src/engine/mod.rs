//! The machine that every op runs in: the contract, the one door, the graph and its walk, the scope.
//!
//! `op` states what an op is, `elementwise` its short forms, `catalogue` which ops exist. `apply` is
//! the door that every op passes; `node` is what it records and `backward` the walk over it. `lift`
//! carries batches and dual numbers through the same door, `scope` what holds while a closure runs.

pub(crate) mod apply;
pub(crate) mod attrs;
pub(crate) mod backward;
pub(crate) mod case;
pub(crate) mod catalogue;
pub(crate) mod elementwise;
pub(crate) mod jvp;
pub(crate) mod lift;
pub(crate) mod node;
pub(crate) mod op;
pub(crate) mod param;
pub(crate) mod scope;
#[cfg(feature = "testing")]
pub(crate) mod subject;
pub(crate) mod var;
pub(crate) mod watch;
