//! The only room that asks the machine: CPU features and the environment.

pub(crate) mod cpu;
