//! lepton beside its peers: the JSON lines of all programs, what is wanted, and the table of ratios.

mod memory;
mod neighbours;
mod ratios;
mod targets;
mod timed;

pub use memory::memory;
pub use neighbours::neighbours;
pub use ratios::ratios;
pub use targets::{Target, targets};
pub use timed::{Best, Timed};
