//! The only room that asks the machine: memory, CPU features and the environment.

pub(crate) mod alloc;
pub(crate) mod cpu;
mod pages;
