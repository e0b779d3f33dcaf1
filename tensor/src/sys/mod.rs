//! The only room that talks to the machine: memory, threads, CPU features and the environment.
//!
//! Everything else in the crate is a function of its arguments, and builds where there is no such machine. A port
//! (WASM, another allocator, another thread pool) replaces what is here.

pub(crate) mod alloc;
pub(crate) mod cpu;
pub(crate) mod fork;
mod pages;
