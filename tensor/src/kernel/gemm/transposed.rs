//! Few rows by the transpose of a large matrix, as a linear layer has them: `C^T = B^T A^T`.
//!
//! The rows of a transposed B are adjacent in memory, as the innermost loop reads the rows of its left side
//! in place. As its right side they would all be transposed and packed, each for a few rows of A alone.

use super::blocked;
use super::job::Job;
use super::tile_shape::{TILE_VECTORS, TileShape};
use crate::kernel::matrix::{MatMut, MatRef};
use crate::kernel::scratch::Scratch;
use crate::kernel::transpose::Squares;
use crate::simd::Float;
use crate::threads::parallel_for;

/// Rows that could be multiplied in the time in which B is transposed and packed, less a margin that makes
/// it worthwhile: measured between 8 (B in L2) and 20 (in memory).
const PACKING: usize = 6;
/// Products that take as long as transposing one element of the result.
const TRANSPOSING: usize = 16;
/// Elements of a transposed result at most, a few megabytes: a thread keeps as much memory for it.
const MOST_ELEMENTS: usize = 1 << 20;
/// Columns of C that are transposed and finished together, while they are in the cache.
const COLUMNS: usize = 64;

/// Whether the product is faster as `C^T`. The bits are the same.
pub(super) fn pays<T>(job: &Job<T>, tile: TileShape) -> bool {
    let ([m, k], n) = (job.a.shape(), job.b.shape()[1]);
    let [step, across] = job.b.strides();
    if step != 1 || across == 1 || job.add || m.saturating_mul(n) > MOST_ELEMENTS {
        return false;
    }
    // In rows that could be multiplied meanwhile: those of partial tiles, A's packing, the transposing.
    let plain = m.next_multiple_of(tile.rows) + PACKING;
    let full = m.next_multiple_of(tile.cols / TILE_VECTORS);
    plain > full + (PACKING * m).div_ceil(n) + (TRANSPOSING * m).div_ceil(k)
}

/// `C = A B` by way of `C^T`.
pub(super) fn product<T: Float>(job: &Job<T>, c: &MatMut<T>, tile: TileShape) {
    let ([m, n], k) = (c.shape(), job.a.shape()[1]);
    let mut memory = Scratch::transposed();
    let sums = memory.get::<T>(n * m);
    let other = Job {
        a: job.b.t(),
        b: job.a.t(),
        epilogue: None,
        ..*job
    };
    blocked::product(&other, &MatMut::rows_of(sums, [n, m]), tile);
    let sums = MatRef::rows_of(sums, [n, m]);
    let transpose = |part: usize| {
        let j = part * COLUMNS;
        let width = COLUMNS.min(n - j);
        // SAFETY: the parts are disjoint columns of C, and this one is used once at a time.
        let block = || unsafe { c.block(0, j, [m, width]) };
        let rows = sums.part(j, 0, [width, m]);
        job.level.dispatch(Squares::of(rows, block()));
        if let Some(epilogue) = job.epilogue {
            epilogue.finish(job.level, block(), [0, j]);
        }
    };
    let parts = n.div_ceil(COLUMNS);
    match job.uses_threads(m.saturating_mul(n).saturating_mul(k)) {
        true => parallel_for(parts, transpose),
        false => (0..parts).for_each(transpose),
    }
}
