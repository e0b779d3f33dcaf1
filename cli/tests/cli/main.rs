//! The `lepton` command as a user meets it: what it prints, what it writes, how it refuses.

mod demo;
mod folder;
mod inspect;
mod outputs;
mod refused;
mod tables;
mod train;
