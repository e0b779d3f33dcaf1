//! Tables: read from CSV, turned into numbers and back into answers, parted, and judged by.
//!
//! A [`Table`] is what a file says: named columns of numbers, truth values or text, with the line each
//! row came from, so that every later complaint can name its place. [`Features`] turns columns into a
//! row-major `f32` matrix and remembers how, [`TargetSpec`] does the same for the column to predict,
//! and both serialise, because a saved model is useless without them. [`split`] parts rows by seed, and
//! [`metrics`] judges predictions.
//!
//! ```
//! use lepton_tabular::{Features, Method, ReadOptions, Table};
//! let text = "age,site,ill\n63,Basel,yes\n,Bern,no\n41,Basel,no\n";
//! let table = Table::read(text.as_bytes(), "visits.csv", &ReadOptions::default())?;
//! let features = Features::fit(&table.without(&["ill"])?, Method::Standard)?;
//! assert_eq!(features.names(), ["age", "site=Basel", "site=Bern"]);
//! let x = features.encode(&table)?;
//! assert_eq!((x.rows, x.cols), (3, 3));
//! assert_eq!(x.row(1), [0.0, 0.0, 1.0]); // the missing age became the training median, which scales to 0
//! # Ok::<(), lepton_tensor::Error>(())
//! ```
//!
//! **Invariants.** Nothing here knows of networks or gradients, opens a file or prints: bytes come from a
//! reader, notes go back to the caller. What is learnt from a table comes from its training rows alone.
//! A complaint about a cell names file, line and column.

#![forbid(unsafe_code)]

mod answers;
mod column;
mod features;
mod foreign;
mod format;
mod header;
mod idle;
mod labels;
pub mod metrics;
mod number;
mod origin;
mod prepared;
mod reader;
mod records;
mod scale;
mod sniff;
pub mod split;
mod table;
mod target;

pub use answers::Answers;
pub use features::{Encoding, Feature, Features, Matrix};
pub use foreign::{Foreign, HEAD, foreign};
pub use format::CellFormat;
pub use idle::LeftOut;
pub use number::Decimal;
pub use prepared::{Part, Plan, Prepared};
pub use reader::ReadOptions;
pub use scale::{Method, Scale, Scaling};
pub use table::{Cells, Column, Table};
pub use target::{Outcome, Target, TargetSpec, Task};
