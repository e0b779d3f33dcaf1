//! One generic body per kernel, compiled once per instruction set, chosen once at run time.
//!
//! A kernel is a struct whose fields are its arguments. [`dispatch`] runs it at the best [`Level`]
//! of this machine; `LEPTON_SIMD=portable|avx2|avx512` overrides the choice, and [`with_level`] does so
//! for one closure on one thread. Holding a level's token *is* the proof that the CPU has it.
//!
//! Two habits keep bodies fast: mark every step `#[inline(always)]`, and never hand a closure to
//! an iterator adaptor inside a kernel (it would be compiled without the level's features).

pub(crate) mod arith;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod columns;
mod erf;
mod float;
mod lane;
mod level;
mod math;
mod normal;
mod pair;
mod portable;
mod prefetch;
mod reduce;
mod register;
mod scalar;
mod slice;
mod stream;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
pub(crate) use columns::fold_rows;
pub use float::Float;
pub use lane::{Lane, Libm, Libm2, Num, Vector};
pub use level::{Level, dispatch, level, with_level};
use portable::Portable;
pub(crate) use prefetch::{is_far, prefetch, prefetch_far, prefetch_next};
pub(crate) use reduce::{MaxBody, Partial, SumBody};
pub use reduce::{dot, max_slice, reduce_slice, sum_slice};
pub use slice::{
    MapBody, ZipBody, map_in_place, map_slice, zip_in_place_left, zip_in_place_right, zip_slice,
};
pub(crate) use slice::{copy_short, load as load_part, store as store_part};
pub(crate) use slice::{map_past, uneven, zip_past};
pub(crate) use stream::Past;

/// The most elements that a vector of any level holds.
pub const MAX_LANES: usize = 16;

/// A computation written once for every instruction set.
pub trait Kernel {
    /// What it returns.
    type Out;
    /// The body; mark it `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Out;
}

/// An instruction set: its vector types and the shell that compiles a body with its features.
pub trait Simd: Copy + Send + Sync + 'static {
    /// Rows of a matrix product's tile, two vectors wide, whose sums fit into the registers.
    const TILE_ROWS: usize;
    /// Whether kernels over rows ask for the next row: the processors of some levels foresee it, and are
    /// only held up.
    const ASKS: bool;
    /// A vector of f32.
    type F32: Lane + Vector<Elem = f32>;
    /// A vector of f64.
    type F64: Lane + Vector<Elem = f64>;
    /// What an elementwise loop takes of f32 at once: a vector, or several where a step's result comes too
    /// late for the next one (see `pair.rs`).
    type WideF32: Lane + Vector<Elem = f32>;
    /// What an elementwise loop takes of f64 at once.
    type WideF64: Lane + Vector<Elem = f64>;
    /// Runs `kernel` compiled with this set's features.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Out;
}

#[cfg(test)]
mod tests;
