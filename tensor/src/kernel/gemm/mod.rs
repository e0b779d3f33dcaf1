//! Matrix products in f32 and f64; `README.md` beside this file tells how and why. This file chooses the
//! algorithm.

mod blocked;
mod epilogue;
mod gemv;
mod job;
mod micro;
mod operands;
mod pack;
mod prefetch;
mod rhs;
mod tile_shape;
mod transposed;

use std::marker::PhantomData;

pub use super::matrix::{MatMut, MatRef};
pub(crate) use epilogue::RowBias;
pub use epilogue::{Addend, Apply, Bias, Epilogue, Identity, Relu};
use job::{Job, Threading};
use tile_shape::{GetTileShape, TileShape};

use crate::simd::{Float, Level};
use crate::threads::parallel_for;

/// The most columns beside whole tiles that are dot products instead.
const DOTS: usize = 4;
/// Multiplications in one task of a batch.
const BATCH_TASK: usize = 1 << 18;

/// `C = A B`, or `C += A B` where `accumulate`; then `epilogue` on each finished block.
///
/// The sums run over k in passes whose order depends on k alone, or, in vectors and in the last one to four
/// columns beside whole tiles, as dot products; so the bits are the same for any number of threads. The
/// error of an element is at most about `k * EPSILON * sum |a| |b|`.
///
/// ```
/// use lepton_tensor::kernel::gemm::{Bias, MatMut, MatRef, Relu, gemm};
/// use lepton_tensor::simd::level;
/// let (x, w, bias) = ([1.0f32, 2.0], [3.0f32, -4.0, 5.0, 6.0], [0.5f32, 0.0]);
/// let mut y = [0.0; 2];
/// let (x, w) = (MatRef::rows_of(&x, [1, 2]), MatRef::rows_of(&w, [2, 2]));
/// let out = MatMut::rows_of(&mut y, [1, 2]);
/// gemm(level(), x, w.t(), out, false, Some(&Bias::new(&bias, Relu)));
/// assert_eq!(y, [0.0, 17.0]);
/// ```
///
/// # Panics
/// Where the shapes do not fit.
#[track_caller]
pub fn gemm<T: Float>(
    level: Level,
    a: MatRef<T>,
    b: MatRef<T>,
    c: MatMut<T>,
    accumulate: bool,
    epilogue: Option<&dyn Epilogue<T>>,
) {
    product(level, a, b, c, accumulate, epilogue, Threading::Parallel);
}

/// [`gemm`] on the caller's thread alone, without an epilogue: a tile of a larger kernel.
pub(crate) fn tile<T: Float>(
    level: Level,
    a: MatRef<T>,
    b: MatRef<T>,
    c: MatMut<T>,
    accumulate: bool,
) {
    product(level, a, b, c, accumulate, None, Threading::Serial);
}

/// `C[i] = A[i] B[i]` for `batches` products, or `+=` where `accumulate`, then the epilogue of each; the
/// rows of `c` are those of the results, one after the other. Every product has the bits that
/// [`gemm`] gives it.
///
/// ```
/// use lepton_tensor::kernel::gemm::{MatMut, MatRef, batched};
/// use lepton_tensor::simd::level;
/// let (x, y, mut z) = ([1.0f64, 2.0, 3.0, 4.0], [10.0, 20.0], [0.0; 4]);
/// let a = |i| MatRef::new(&x, 2 * i, [2, 1], [1, 1]);
/// let b = |i| MatRef::new(&y, i, [1, 1], [1, 1]);
/// batched(level(), 2, a, b, MatMut::rows_of(&mut z, [4, 1]), false, |_| None);
/// assert_eq!(z, [10.0, 20.0, 60.0, 80.0]);
/// ```
///
/// # Panics
/// Where the shapes do not fit.
pub fn batched<'a, T: Float>(
    level: Level,
    batches: usize,
    a: impl Fn(usize) -> MatRef<'a, T> + Sync,
    b: impl Fn(usize) -> MatRef<'a, T> + Sync,
    c: MatMut<T>,
    accumulate: bool,
    epilogue: impl Fn(usize) -> Option<&'a dyn Epilogue<T>> + Sync,
) {
    if batches == 0 {
        return;
    }
    let [rows, columns] = c.shape();
    assert!(
        rows.is_multiple_of(batches),
        "batched: {rows} rows are not those of {batches} products"
    );
    let shape = [rows / batches, columns];
    let one = |i: usize, threading: Threading| {
        // SAFETY: the products' rows of C are disjoint and lie within it.
        let c = unsafe { c.block(i * shape[0], 0, shape) };
        product(level, a(i), b(i), c, accumulate, epilogue(i), threading);
    };
    let work = shape[0].saturating_mul(columns);
    let work = work.saturating_mul(a(0).shape()[1]);
    let group = (BATCH_TASK / work.max(1)).clamp(1, batches);
    if batches < 4 || group == batches {
        return (0..batches).for_each(|i| one(i, Threading::Parallel));
    }
    parallel_for(batches.div_ceil(group), |g| {
        (g * group..batches.min((g + 1) * group)).for_each(|i| one(i, Threading::Serial));
    });
}

/// `C = A B` by whichever algorithm suits the shapes, then the epilogue.
#[track_caller]
fn product<T: Float>(
    level: Level,
    a: MatRef<T>,
    b: MatRef<T>,
    mut c: MatMut<T>,
    accumulate: bool,
    epilogue: Option<&dyn Epilogue<T>>,
    threading: Threading,
) {
    let ([m, k], [l, n]) = (a.shape(), b.shape());
    assert!(
        k == l && c.shape() == [m, n],
        "gemm: [{m}, {k}] x [{l}, {n}] does not give {:?}",
        c.shape()
    );
    if m == 0 || n == 0 {
        return;
    }
    let job = Job {
        level,
        a,
        b,
        add: accumulate,
        epilogue,
        threading,
    };
    if k > 0 && !gemv::product(&job, &c) {
        return tiles_and_dots(&job, &c); // which finishes each block itself
    }
    if k == 0 && !accumulate {
        (0..m).for_each(|i| c.row(i).fill(T::default()));
    }
    if let Some(epilogue) = epilogue {
        epilogue.finish(level, c, [0, 0]);
    }
}

/// `C = A B` for sides that are not 0: by tiles, and by dot products for one to four columns beside whole
/// tiles, which would each cost as much as a vector of them.
fn tiles_and_dots<T: Float>(job: &Job<T>, c: &MatMut<T>) {
    let tile = job.level.dispatch(GetTileShape::<T>(PhantomData));
    let ([m, n], k) = (c.shape(), job.a.shape()[1]);
    let rest = n % tile.cols;
    if rest == 0 || rest > DOTS || n < tile.cols || job.a.strides()[1] != 1 {
        return tiles(job, c, tile);
    }
    let main = n - rest;
    let columns = |first: usize, width: usize| Job {
        b: job.b.part(0, first, [k, width]),
        epilogue: None,
        ..*job
    };
    // SAFETY: the columns up to `main`, those behind them, and each of these lie within C; no two
    // blocks are used at once.
    let block = |first: usize, width: usize| unsafe { c.block(0, first, [m, width]) };
    let whole = Job {
        epilogue: job.epilogue,
        ..columns(0, main)
    };
    tiles(&whole, &block(0, main), tile);
    for j in main..n {
        let done = gemv::product(&columns(j, 1), &block(j, 1));
        debug_assert!(done, "rows of A are adjacent");
    }
    if let Some(epilogue) = job.epilogue {
        epilogue.finish(job.level, block(main, rest), [0, main]);
    }
}

/// A product whose every element is computed by a tile.
fn tiles<T: Float>(job: &Job<T>, c: &MatMut<T>, tile: TileShape) {
    match transposed::pays(job, tile) {
        true => transposed::product(job, c, tile),
        false => blocked::product(job, c, tile),
    }
}

#[cfg(test)]
mod tests;
