//! Why a model decides as it does: attributions, rules, causal graphs and pictures.
//!
//! A model here is a closure, so anything that answers can be explained: a network of this
//! workspace, a loaded file, a service. The rooms:
//! - [`attribution`] tells how much each feature of an input carries to a score, by its gradients;
//! - [`surrogate`] asks a model for its classes and tells them as a small tree and as if-then
//!   rules, with the share of rows on which the rules agree with the model;
//! - [`causal`] finds which columns of a table the data leaves connected, by the PC algorithm;
//! - [`picture`] draws bars, curves and graphs as SVG text;
//! - [`report`] binds text, tables and pictures into one HTML page.
//!
//! The statistics read a [`Table`], a borrowed matrix of `f64` with column names.
//!
//! ```
//! use lepton_explain::report::Report;
//! use lepton_explain::surrogate::{Surrogate, SurrogateOptions};
//! use lepton_explain::{Result, Table};
//!
//! // The model: any closure that gives each row of a table its class.
//! let model = |t: &Table<'_>| -> Result<Vec<usize>> {
//!     Ok((0..t.rows()).map(|i| usize::from(t.at(i, 0) + t.at(i, 1) > 60.0)).collect())
//! };
//! let columns = ["age", "bmi"].map(String::from);
//! let values: Vec<f64> = (0..200).flat_map(|i| [f64::from(i % 50), f64::from(i * 7 % 41)]).collect();
//! let (seen, held_out) = values.split_at(300);
//! let (seen, held_out) = (Table::new(&columns, seen)?, Table::new(&columns, held_out)?);
//!
//! let surrogate = Surrogate::fit(model, &seen, SurrogateOptions::default())?;
//! let classes = ["low", "high"].map(String::from);
//! let rules = surrogate.rules(model, &held_out, &classes)?;
//! let fidelity = rules.fidelity();
//! assert!(fidelity.share() >= 0.9 && fidelity.share() > fidelity.always_one_class(), "{rules}");
//! let page = Report::new("Who is at risk?")
//!     .text(&format!("The model {fidelity}."))
//!     .pre(&rules.with_units(&["years", "kg/m²"])?.to_string())
//!     .html();
//! assert!(page.contains("years"));
//! # Ok::<(), lepton_explain::Error>(())
//! ```
//!
//! **Invariants.** Nothing here writes a file or prints: pictures and reports are returned as text.
//! The same input and seed give the same bytes. What rests on a sample says so: a surrogate comes
//! with its fidelity, a rule with its coverage, a discovered graph with "association, not cause".
#![forbid(unsafe_code)]

pub mod attribution;
pub mod causal;
pub mod picture;
pub mod report;
pub mod surrogate;
mod table;
mod text;

pub use lepton_tensor::{Error, Result};
pub use table::Table;
