//! Few rows by the transpose of a large matrix, as a linear layer has them: `C^T = B^T A^T`.
//!
//! The rows of a transposed B lie in memory as the innermost loop reads the rows of its left side, where
//! they stand. As its right side they would all be transposed and copied, each for a few rows of A alone.

use super::blocked::{Job, tiled};
use super::micro::{TILE_VECTORS, TileShape};
use super::pack::Scratch;
use crate::kernel::matrix::{MatMut, MatRef};
use crate::kernel::transpose::Squares;
use crate::simd::Float;
use crate::threads::parallel_for;

/// To transpose and copy B takes as long as to multiply it by so many rows, and somewhat more for them to be
/// worth their turn: measured between 8 (from the second cache) and 20 (from memory).
const PACKING: usize = 6;
/// To turn an element of the result takes as long as so many of its products.
const TURN: usize = 16;
/// Elements of a result that is turned at most, a few megabytes: a thread keeps as much memory for it.
const ROOM: usize = 1 << 20;
/// Columns of C that are turned and finished together, while they are in the cache.
const COLUMNS: usize = 64;

/// Whether the product is sooner there the other way round. The bits are the same.
pub(super) fn pays<T>(job: &Job<T>, tile: TileShape) -> bool {
    let ([m, k], n) = (job.a.shape(), job.b.shape()[1]);
    let [step, across] = job.b.strides();
    if step != 1 || across == 1 || job.add || m.saturating_mul(n) > ROOM {
        return false;
    }
    // In rows that could be multiplied meanwhile: those of tiles that are not full, A's copy, the turn.
    let plain = m.next_multiple_of(tile.rows) + PACKING;
    let full = m.next_multiple_of(tile.cols / TILE_VECTORS);
    plain > full + (PACKING * m).div_ceil(n) + (TURN * m).div_ceil(k)
}

/// `C = A B` by way of `C^T`.
pub(super) fn product<T: Float>(job: &Job<T>, c: &MatMut<T>, tile: TileShape) {
    let ([m, n], k) = (c.shape(), job.a.shape()[1]);
    let mut memory = Scratch::turned();
    let sums = memory.get::<T>(n * m);
    let other = Job {
        a: job.b.t(),
        b: job.a.t(),
        epilogue: None,
        ..*job
    };
    tiled(&other, &MatMut::rows_of(sums, [n, m]), tile);
    let sums = MatRef::rows_of(sums, [n, m]);
    let turn = |part: usize| {
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
    match job.threads(m.saturating_mul(n).saturating_mul(k)) {
        true => parallel_for(parts, turn),
        false => (0..parts).for_each(turn),
    }
}
