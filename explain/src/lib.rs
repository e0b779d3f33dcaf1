//! Why a model decides as it does: attributions, rules, causal graphs and pictures.
//!
//! The rooms: [`surrogate`] asks a model for its answers and tells them as a small tree and as
//! if-then rules, with the share of rows on which the rules agree with the model. [`causal`] finds
//! which variables the data leaves connected. [`picture`] draws, [`report`] binds everything into
//! one HTML page. The statistics read a [`Table`], a borrowed matrix of `f64` with column names.
//!
//! **Invariant:** nothing here writes a file or prints; pictures and reports are returned as text.
#![forbid(unsafe_code)]

pub mod causal;
pub mod picture;
pub mod report;
pub mod surrogate;
mod table;
mod text;

pub use table::Table;
