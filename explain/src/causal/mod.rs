//! Which variables the data leaves connected, and which way an edge can only point.
//!
//! [`pc`] asks a table which pairs of columns stay dependent whatever is held fixed, and answers
//! with a [`Graph`]: an equivalence class of causal diagrams, in which an undirected edge may point
//! either way. It rests on assumptions no table can prove: that no common cause is missing, that
//! relations are linear with Gaussian noise (within each class, where a column holds classes), that
//! no path cancels another. So the graph carries the words [`NOTE`] in every printed form, with a
//! warning where the tests contradict each other. [`pc_bootstrap`] tells how often each edge and its
//! direction recur when the rows are drawn anew. [`correlation`] is the statistics below it.

mod bootstrap;
mod columns;
pub mod correlation;
mod cpdag;
mod distribution;
mod graph;
mod logistic;
mod meek;
mod mixed;
mod pc;
mod print;
mod skeleton;

pub use bootstrap::{Bootstrap, BootstrapOptions, Recurrence, pc_bootstrap};
pub use columns::ColumnKind;
pub use graph::{Edge, Graph};
pub use pc::{Discovery, PcOptions, Tests, pc, pc_with};
pub use skeleton::Separation;

/// What a discovered graph says of itself wherever it is printed or drawn.
pub const NOTE: &str = "association, not cause";
