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

#![forbid(unsafe_code)]

mod adhoc;
mod case;
mod cases;
mod clock;
pub mod inputs;
pub mod jsonl;
pub mod machine;
mod measure;
pub mod modules;
pub mod peers;
pub mod show;
pub mod suite;

pub use case::{Case, Iteration, Work};
pub use cases::{find, known, sum};
pub use clock::Clock;
pub use measure::{Measured, measure};
