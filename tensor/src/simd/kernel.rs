//! The two contracts: a computation written once, and an instruction set that it is compiled for.

use super::{Lane, Vector};

/// The most elements that a vector of any level holds.
pub const MAX_LANES: usize = 16;

/// A computation written once for every instruction set.
///
/// A kernel is a struct whose fields are its arguments; [`dispatch`](super::dispatch) runs it at the best level of
/// the machine.
///
/// ```
/// use lepton_tensor::simd::{dispatch, Kernel, Num, Simd, Vector};
/// /// `x = x / (1 + |x|)` on whole vectors.
/// struct Softsign<'a>(&'a mut [f32]);
/// impl Kernel for Softsign<'_> {
///     type Out = usize;
///     #[inline(always)]
///     fn run<S: Simd>(self, _: S) -> usize {
///         let lanes = S::F32::LANES;
///         for part in self.0.chunks_exact_mut(lanes) {
///             let x = S::F32::load(part);
///             (x / (S::F32::repeat(1.0) + x.abs())).store(part);
///         }
///         lanes
///     }
/// }
/// let mut x = [1.0; 16];
/// assert!(dispatch(Softsign(&mut x)) >= 4);
/// assert_eq!(x, [0.5; 16]);
/// ```
pub trait Kernel {
    /// What it returns.
    type Out;
    /// True when wider registers gain nothing; the portable level alone is compiled then.
    const SCALAR: bool = false;
    /// The body; mark it `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Out;
}

/// An instruction set: its vector types and the shell that compiles a body with its features.
pub trait Simd: Copy + Send + Sync + 'static {
    /// Rows of a matrix product's tile, two vectors wide, whose sums fit into the registers.
    const TILE_ROWS: usize;
    /// Whether row kernels software-prefetch the next row; the hardware prefetcher of some levels' processors
    /// follows by itself, and prefetches cost instructions.
    const PREFETCH_ROWS: bool;
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
