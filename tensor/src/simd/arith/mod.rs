//! Arithmetic given as a list of steps, run in registers.
//!
//! A kernel for each op reads and writes memory, or L1, once an op. Ops of a single instruction are
//! recognised here ([`symbolic`] finds out which), so a chain of them is one pass: each block of vectors is
//! loaded once, goes through all steps, and is stored once. Choosing the step for eight vectors at a time
//! costs less than a cache line takes to arrive.

mod op;
mod run;
mod symbolic;

pub(crate) use op::ArithOp;
pub(crate) use run::{ArithStep, Operand, run, run_in_place};
pub(crate) use symbolic::{SingleOp, Term, of_map, of_zip};
