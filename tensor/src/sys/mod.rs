//! The only room that asks the machine: memory, threads, CPU features and the environment.

pub(crate) mod alloc;
pub(crate) mod cpu;
pub(crate) mod fork;
mod pages;
