//! Cutting a product into blocks that fit the caches (Goto and van de Geijn 2008; BLIS).

use std::ops::Range;

use super::epilogue::Addend;
use super::job::Job;
use super::micro::TileBlock;
use super::operands::{Lhs, Rhs};
use super::pack::{Pack, SLACK};
use super::rhs::{self, Blocking, RhsBlock, RhsRange};
use super::tile_shape::{TILE_VECTORS, TileShape};
use crate::kernel::matrix::MatMut;
use crate::kernel::scratch::Scratch;
use crate::kernel::split::even;
use crate::simd::Float;
use crate::threads::parallel_for;

/// KC, the steps of k in one pass. Fewer would read and write C more often; a panel of B (up to 128 KiB)
/// need not stay in L1, since it is read in order.
const KC: usize = 1024;
/// KC for small tiles, where a block of A would have few rows of so many steps, and all of B would pass by
/// for each of them.
const KC_SMALL_TILE: usize = 512;
/// Elements of a packed A block per tile column: a quarter of L2, where a panel of B, tiles of C and
/// prefetched lines need room as well. Processors with wider registers have a larger L2.
const A_BLOCK: usize = 1 << 11;
/// MC, the rows of a block of A at most, so that a block of C is still cached when its epilogue comes.
const MC: usize = 288;
/// NC, the columns of a packed block of B, which stays in L3.
const NC: usize = 1024;
/// Multiplications in one task at least, and its rows.
const TASK: usize = 1 << 20;
const TASK_ROWS: usize = 32;
/// A block of A whose steps of k are not adjacent is read in place when it is this small and meets no more
/// columns than this; where they are adjacent, its rows are read in order anyway.
const IN_PLACE_LHS_BYTES: usize = 1 << 17;
const IN_PLACE_LHS_COLUMNS: usize = 256;
/// Blocks that a large parallel product is cut into at least, where its shape allows.
const TASKS: usize = 8;

/// `C = A B` by tiles of `job`'s own rows and columns, for sides that are not 0.
pub(super) fn product<T: Float>(job: &Job<T>, c: &MatMut<T>, tile: TileShape) {
    let ([m, n], k) = (c.shape(), job.a.shape()[1]);
    let work = m.saturating_mul(n).saturating_mul(k);
    let parallel = job.uses_threads(work);
    let wish = if parallel { TASKS.min(work / TASK) } else { 1 };
    let kc = match tile.is_large() {
        true => even(k, KC, 1),
        false => even(k, KC_SMALL_TILE, 1),
    };
    let a_block = A_BLOCK * tile.cols;
    let most = MC.min(a_block / kc);
    let fair = m.div_ceil(wish).max(TASK_ROWS);
    let rows = even(m, most.min(fair), tile.packed_rows);
    let blocks = m.div_ceil(rows);

    // Where B is packed for one block of rows, what was packed is still in L2.
    let one = blocks == 1 && !parallel && job.b.strides()[1] != 1;
    let most = match one {
        true => (a_block / kc).next_multiple_of(tile.cols),
        false => NC,
    };
    let mut memory = None;
    for j0 in (0..n).step_by(most) {
        let columns = j0..n.min(j0 + most);
        let fair = columns.len().div_ceil(wish.div_ceil(blocks));
        let chunk = even(columns.len(), fair.max(8 * tile.cols), tile.cols);
        let chunks = columns.len().div_ceil(chunk);
        for k0 in (0..k).step_by(kc) {
            let steps = k0..k.min(k0 + kc);
            let blocking = Blocking {
                tile,
                parallel,
                all_columns: chunks == 1,
                one_row_block: blocks == 1,
            };
            let part = RhsRange {
                steps: &steps,
                columns: &columns,
            };
            let right = rhs::lay_out(job, part, blocking, &mut memory);
            let task = |t: usize| {
                let i = t / chunks * rows;
                let j = t % chunks * chunk;
                let (rows, cols) = (i..m.min(i + rows), j..columns.len().min(j + chunk));
                block(job, c, &right, (&rows, j0, &cols), &steps, tile);
            };
            let tasks = blocks * chunks;
            if parallel {
                parallel_for(tasks, task)
            } else {
                (0..tasks).for_each(task)
            }
        }
    }
}

/// One task: rows `rows` and columns `j0 + cols` of C, for `steps` of k.
fn block<T: Float>(
    job: &Job<T>,
    c: &MatMut<T>,
    columns: &RhsBlock<T>,
    (rows, j0, cols): (&Range<usize>, usize, &Range<usize>),
    steps: &Range<usize>,
    tile: TileShape,
) {
    let k = steps.len();
    let mut memory = None;
    let (mut a, mut pack_lhs) = lay_out_lhs(job, (rows, cols.len()), steps, tile, &mut memory);
    let add = job.add || steps.start > 0;
    let last = steps.end == job.a.shape()[1];
    let epilogue = job.epilogue.filter(|_| last);
    let bias = epilogue.map_or(Addend::None, |e| e.addend());
    let split = columns.main_cols.clamp(cols.start, cols.end);
    let tail = columns.tail_from.max(cols.start);
    for (cols, right, first) in [
        (cols.start..split, columns.main, 0),
        (tail..cols.end, columns.tail, columns.tail_from),
    ] {
        if cols.is_empty() {
            continue;
        }
        let panel = (cols.start - first) / tile.cols;
        let (b, pack) = panels(columns, right, panel, first == 0, rows.start == 0);
        let place = j0 + cols.start..j0 + cols.end;
        // SAFETY: the tasks' rows and columns are disjoint and lie within C.
        let c = unsafe { c.block(rows.start, place.start, [rows.len(), cols.len()]) };
        job.level.dispatch(TileBlock {
            k,
            a,
            b,
            c,
            add,
            bias: bias.part(rows.clone(), place),
            pack,
            pack_panel: columns.pack_panel,
            pack_lhs,
        });
        if !pack_lhs.is_null() {
            a = Lhs::packed(pack_lhs, tile.packed_rows, k);
            pack_lhs = std::ptr::null_mut();
        }
    }
    if let (Some(epilogue), Addend::None) = (epilogue, bias) {
        let first = j0 + cols.start;
        // SAFETY: as above; the blocks of the loop are gone.
        let c = unsafe { c.block(rows.start, first, [rows.len(), cols.len()]) };
        epilogue.finish(job.level, c, [rows.start, first]);
    }
}

/// The panels of B from number `panel` of `right` on, and where the first tiles pack them: the first block
/// of rows packs whole panels, and those below it read what was packed.
#[inline(always)]
fn panels<T>(
    columns: &RhsBlock<T>,
    right: Rhs<T>,
    panel: usize,
    main: bool,
    first_rows: bool,
) -> (Rhs<T>, *mut T) {
    let (mut b, mut pack) = (right, std::ptr::null_mut());
    if main && !columns.pack.is_null() {
        match first_rows {
            true => pack = columns.pack.wrapping_add(panel * columns.pack_panel),
            false => {
                b = Rhs {
                    start: columns.pack.cast_const(),
                    ..columns.tail
                }
            }
        }
    }
    b.start = b.start.wrapping_offset(panel as isize * b.panel);
    (b, pack)
}

/// A block of A as the tiles read it, for so many columns of C: in place, or packed in `memory`, which is
/// taken only then. Whole vectors of adjacent rows are left for the tiles of the first columns to pack, to
/// the address in the second place.
fn lay_out_lhs<T: Float>(
    job: &Job<T>,
    (rows, columns): (&Range<usize>, usize),
    steps: &Range<usize>,
    tile: TileShape,
    memory: &mut Option<Scratch>,
) -> (Lhs<T>, *mut T) {
    let k = steps.len();
    let [row, step] = job.a.strides();
    let bytes = rows.len() * k * size_of::<T>();
    let small = columns <= IN_PLACE_LHS_COLUMNS && bytes <= IN_PLACE_LHS_BYTES;
    let width = tile.packed_rows;
    let mut a = Lhs {
        start: job.a.at(rows.start, steps.start),
        rows: tile.rows,
        panel: tile.rows as isize * row,
        row,
        step,
        adjacent: false,
    };
    if step == 1 || small {
        return (a, std::ptr::null_mut());
    }
    let panels = rows.len().div_ceil(width);
    let memory = memory.get_or_insert_with(Scratch::lhs);
    let out = memory.get::<T>(panels * width * k + SLACK);
    let vectors = row == 1 && width * TILE_VECTORS == tile.cols && columns > tile.cols;
    let left = if vectors {
        rows.len() / width * width
    } else {
        0
    };
    if left < rows.len() {
        job.level.dispatch(Pack {
            from: job.a,
            rows: [rows.start + left, rows.len() - left],
            steps: [steps.start, k],
            width,
            out: &mut out[left * k..],
        });
    }
    if left == 0 {
        return (Lhs::packed(out.as_ptr(), width, k), std::ptr::null_mut());
    }
    (a.rows, a.panel, a.adjacent) = (width, width as isize, true);
    (a, out.as_mut_ptr())
}
