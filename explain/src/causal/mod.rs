//! Which variables the data leaves connected, and which way an edge can only point.
//!
//! [`pc`] asks a table which pairs of columns stay dependent whatever is held fixed, and answers
//! with a [`Graph`]: an equivalence class of causal diagrams, in which an undirected edge may point
//! either way. It rests on assumptions no table can prove: that no common cause is missing, that
//! relations are linear with Gaussian noise, that no path cancels another. So the graph carries
//! the words [`NOTE`] in every printed form. [`correlation`] is the statistics below it.

pub mod correlation;
mod graph;
mod meek;
mod normal;
mod pc;

pub use graph::{Edge, Graph};
pub use pc::{Discovery, PcOptions, pc, pc_with};

/// What a discovered graph says of itself wherever it is printed or drawn.
pub const NOTE: &str = "association, not cause";
