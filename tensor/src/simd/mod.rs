//! One generic body per kernel, compiled once per instruction set, chosen once at run time.
//!
//! A kernel is a struct whose fields are its arguments ([`Kernel`]). [`dispatch`] runs it at the best [`Level`]
//! of this machine; `LEPTON_SIMD=portable|avx2|avx512` overrides the choice, and [`with_level`] does so
//! for one closure on one thread. Holding a level's token *is* the proof that the CPU has it.
//!
//! Bodies are written in a small vocabulary:
//!
//! - [`Num`] and [`Lane`]: arithmetic, comparisons, selection, and the functions of `math`. Scalars and the vectors of
//!   every level implement both, so one body serves all of them.
//! - [`Vector`]: loads and stores. The tail of a slice runs as a padded vector, so an element's bits do not depend on
//!   where it stands.
//! - [`MapBody`] and [`ZipBody`]: elementwise functions of one or two inputs, run over slices by [`map_slice`],
//!   [`zip_slice`] and their in-place forms.
//!
//! ```
//! use lepton_tensor::simd::{Lane, Level, MapBody, map_slice};
//! #[derive(Clone, Copy)]
//! struct Logit;
//! impl MapBody for Logit {
//!     #[inline(always)]
//!     fn f<T: Lane>(&self, x: T) -> T {
//!         (x / (T::splat(1.0) - x)).ln()
//!     }
//! }
//! for level in Level::available() {
//!     let mut y = [0.0f64; 3];
//!     map_slice(level, &Logit, &[0.5, 0.75, 0.25], &mut y);
//!     assert!(y[0] == 0.0 && (y[1] - 3f64.ln()).abs() < 1e-15 && (y[2] + 3f64.ln()).abs() < 1e-15);
//! }
//! ```
//!
//! Two habits keep bodies fast: mark every step `#[inline(always)]`, and never hand a closure to
//! an iterator adaptor inside a kernel (it would be compiled without the level's features).

pub(crate) mod arith;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bodies;
mod columns;
mod float;
mod kernel;
mod lane;
mod lane_sum;
mod level;
mod math;
mod non_temporal;
mod pair;
mod portable;
mod prefetch;
mod reduce;
mod register;
mod scalar;
mod short_copy;
mod slice;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
pub(crate) use bodies::{MaxBody, SumBody};
pub(crate) use columns::fold_rows;
pub use float::Float;
pub use kernel::{Kernel, MAX_LANES, Simd};
pub use lane::{Lane, Libm, Libm2, Num, Vector};
pub(crate) use lane_sum::{fold_lanes, sum_lanes, sum_lanes_of_each};
pub use level::{Level, dispatch, level, with_level};
pub(crate) use non_temporal::NonTemporal;
use portable::Portable;
pub(crate) use prefetch::{exceeds_cache, prefetch, prefetch_l2, prefetch_next};
pub(crate) use reduce::Partial;
pub use reduce::{dot, max_slice, reduce_slice, sum_slice};
pub(crate) use short_copy::copy_short;
pub use slice::{
    MapBody, ZipBody, map_in_place, map_slice, zip_in_place_left, zip_in_place_right, zip_slice,
};
pub(crate) use slice::{elements_before_aligned, map_stored, zip_stored};
pub(crate) use slice::{load as load_part, store as store_part};

#[cfg(test)]
mod tests;
