//! Benchmarks of lepton, and its half of the comparison with other engines.
//!
//! A [`Case`] is a named piece of work: how much there is of it ([`Work`]), and a set-up that makes
//! the inputs and returns one iteration. [`find`] knows the cases by name and reads ad-hoc ones such
//! as `gemm:64x784x256`; [`measure`] takes the samples. The program `compare` prints them as JSON
//! lines, and the suites under `benches/` watch kernels, tape and training steps over time.
//!
//! An iteration is what a user would write, on [`lepton_autograd::Var`]: its result is a fresh tensor
//! whose bytes exist when the iteration ends. Inputs are uniform in `[-1, 1)` and fixed by a seed.
//!
//! ```
//! use lepton_benches::find;
//! let case = find("gemm:3x4x5")?;
//! assert_eq!(case.start()().shape(), [3, 5]);
//! assert!(find("gemm:3x4").is_err());
//! # Ok::<(), String>(())
//! ```

#![deny(unsafe_code)]

pub mod ab;
mod adhoc;
#[expect(unsafe_code, reason = "the trait of allocators is unsafe to implement")]
pub mod alloc;
mod case;
mod cases;
pub mod check;
mod clock;
pub mod count;
pub mod harness;
pub mod inputs;
pub mod jsonl;
pub mod machine;
mod measure;
pub mod modules;
pub mod peers;
pub mod record;
pub mod registry;
pub mod report;
pub mod row;
pub mod show;
pub mod stats;
mod suite;

pub use case::{Case, Check, Id, Iteration, Unit, Work};
pub use cases::{find, known, sum};
pub use clock::Clock;
pub use harness::Harness;
pub use measure::{Effort, Measured, measure, samples};
pub use suite::{small, suite};
