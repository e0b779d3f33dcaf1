//! Cutting a product into blocks that fit the caches (Goto and van de Geijn 2008; BLIS).

use std::marker::PhantomData;
use std::ops::Range;

use super::epilogue::{Addend, Epilogue};
use super::micro::{AskTile, Block, Left, Right, TILE_VECTORS, TileShape};
use super::pack::{Pack, SLACK, Scratch};
use super::{gemv, transposed};
use crate::kernel::matrix::{MatMut, MatRef};
use crate::simd::{Float, Level};
use crate::threads::{self, parallel_for};

/// Steps of k in one pass. Fewer would read and write C more often; a panel of B (up to 128 KiB) need
/// not stay in the first cache, since it is read in order.
const DEPTH: usize = 1024;
/// The same for small tiles, where a block of A has room for few rows of so many steps, and all of B
/// would pass by for each of them.
const DEPTH_OF_SMALL: usize = 512;
/// Elements of a block of A, which passes by once for each panel of B, for each column of a tile: a
/// quarter of a second cache, where the panel, the tiles of C and what is fetched ahead want room as well.
/// Processors with wider registers have larger ones, 1 MiB beside AVX-512 and 512 KiB beside AVX2.
const LEFT: usize = 1 << 11;
/// Its most rows, so that a block of C is still near when its epilogue comes.
const LEFT_ROWS: usize = 288;
/// Columns of a packed block of B, which stays in the third cache.
const RIGHT_COLUMNS: usize = 1024;
/// Multiplications below which a product stays on one thread: some 36 microseconds.
const PARALLEL: usize = 1 << 21;
/// Multiplications in one task at least, and its rows.
const TASK: usize = 1 << 20;
const TASK_ROWS: usize = 32;
/// A block of A whose steps of k are not adjacent is read where it stands when it is this small and
/// meets no more columns than this; where they are adjacent, its rows are read in order anyway.
const DIRECT_LEFT_BYTES: usize = 1 << 17;
const DIRECT_LEFT_COLUMNS: usize = 256;
/// The widest row of B, in panels, that is read where it stands: the steps of wider ones meet in the same
/// sets of the first cache and ask for a page each.
const DIRECT_RIGHT_PANELS: usize = 8;
/// The same for many rows of A, whose tiles would all read a panel from the second cache, unless they are
/// large and multiply enough meanwhile.
const DIRECT_RIGHT_PANELS_OF_MANY: usize = 4;
/// The most rows of A that count as few. For them the columns beside whole tiles are read in place as well,
/// as a panel that begins before its time; for more of them a copy on whole cache lines pays.
const FEW_ROWS: usize = 96;
/// The most columns beside whole tiles that are dot products instead.
const DOTS: usize = 4;
/// Blocks that a large parallel product is cut into at least, where its shape allows.
const TASKS: usize = 8;

/// A product without its destination.
pub(super) struct Job<'a, T> {
    pub(super) level: Level,
    pub(super) a: MatRef<'a, T>,
    pub(super) b: MatRef<'a, T>,
    pub(super) add: bool,
    pub(super) epilogue: Option<&'a dyn Epilogue<T>>,
    /// Whether threads may share the work.
    pub(super) parallel: bool,
}

impl<T> Job<'_, T> {
    /// Whether so many multiplications are shared by threads.
    pub(super) fn threads(&self, work: usize) -> bool {
        self.parallel && work >= PARALLEL && threads::count() > 1
    }
}

/// Where the columns of B are: full panels, and the rest of a row whose panels are read in place.
struct Columns<T> {
    main: Right<T>,
    main_cols: usize,
    tail: Right<T>,
    /// The first column of `tail`: `main_cols`, or before it where the last panel is read in place and
    /// computes once more what the one before it did.
    tail_from: usize,
    /// Where the first block of rows leaves the full panels packed for those below; null where they
    /// need not be, or are.
    keep: *mut T,
    keep_panel: usize,
}

// SAFETY: the packed memory outlives the tasks that use it, and they only read it: where there is
// a `keep`, they run one after the other.
unsafe impl<T: Sync> Sync for Columns<T> {}

/// `C = A B` for sides that are not 0.
pub(super) fn product<T: Float>(job: &Job<T>, c: &MatMut<T>) {
    let tile = job.level.dispatch(AskTile::<T>(PhantomData));
    let ([m, n], k) = (c.shape(), job.a.shape()[1]);
    let rest = n % tile.cols;
    if rest == 0 || rest > DOTS || n < tile.cols || job.a.strides()[1] != 1 {
        return whole(job, c, tile);
    }
    // One to four columns beside the tiles' would each cost as much as a vector of them.
    let main = n - rest;
    let columns = |first: usize, width: usize| Job {
        b: job.b.part(0, first, [k, width]),
        epilogue: None,
        ..*job
    };
    // SAFETY: the columns up to `main`, those behind them, and each of these lie within C; no two
    // blocks are used at once.
    let block = |first: usize, width: usize| unsafe { c.block(0, first, [m, width]) };
    let tiles = Job {
        epilogue: job.epilogue,
        ..columns(0, main)
    };
    whole(&tiles, &block(0, main), tile);
    for j in main..n {
        let done = gemv::product(&columns(j, 1), &block(j, 1));
        debug_assert!(done, "rows of A are adjacent");
    }
    if let Some(epilogue) = job.epilogue {
        epilogue.finish(job.level, block(main, rest), [0, main]);
    }
}

/// A product whose every element is a tile's.
fn whole<T: Float>(job: &Job<T>, c: &MatMut<T>, tile: TileShape) {
    match transposed::pays(job, tile) {
        true => transposed::product(job, c, tile),
        false => tiled(job, c, tile),
    }
}

/// By tiles of `job`'s own rows and columns.
pub(super) fn tiled<T: Float>(job: &Job<T>, c: &MatMut<T>, tile: TileShape) {
    let ([m, n], k) = (c.shape(), job.a.shape()[1]);
    let work = m.saturating_mul(n).saturating_mul(k);
    let parallel = job.threads(work);
    let wish = if parallel { TASKS.min(work / TASK) } else { 1 };
    let depth = match tile.is_large() {
        true => even(k, DEPTH, 1),
        false => even(k, DEPTH_OF_SMALL, 1),
    };
    let left = LEFT * tile.cols;
    let most = LEFT_ROWS.min(left / depth);
    let fair = m.div_ceil(wish).max(TASK_ROWS);
    let rows = even(m, most.min(fair), tile.packed_rows);
    let blocks = m.div_ceil(rows);

    // Where B is packed for one block of rows, what was packed is still in the second cache.
    let one = blocks == 1 && !parallel && job.b.strides()[1] != 1;
    let most = match one {
        true => (left / depth).next_multiple_of(tile.cols),
        false => RIGHT_COLUMNS,
    };
    let mut memory = None;
    for j0 in (0..n).step_by(most) {
        let columns = j0..n.min(j0 + most);
        let fair = columns.len().div_ceil(wish.div_ceil(blocks));
        let chunk = even(columns.len(), fair.max(8 * tile.cols), tile.cols);
        let chunks = columns.len().div_ceil(chunk);
        for k0 in (0..k).step_by(depth) {
            let steps = k0..k.min(k0 + depth);
            let plan = Plan {
                tile,
                parallel,
                overlap: chunks == 1,
                alone: blocks == 1,
            };
            let right = lay_right(job, &steps, &columns, plan, &mut memory);
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

/// The size of nearly equal parts of `n`, none above `most` but for rounding up to `unit`.
fn even(n: usize, most: usize, unit: usize) -> usize {
    if n <= most {
        return n; // a small product notices each division
    }
    n.div_ceil(n.div_ceil(most)).next_multiple_of(unit)
}

/// What laying out B depends on besides its shape.
struct Plan {
    tile: TileShape,
    /// Whether several tasks share the panels.
    parallel: bool,
    /// Whether each task writes all columns.
    overlap: bool,
    /// Whether there is one block of rows alone.
    alone: bool,
}

/// B's part as the innermost loop wants it: in place where its rows are short, else packed; wide rows
/// on one thread by the first tile of each panel, as it multiplies.
fn lay_right<T: Float>(
    job: &Job<T>,
    steps: &Range<usize>,
    columns: &Range<usize>,
    Plan {
        tile,
        parallel,
        overlap,
        alone,
    }: Plan,
    memory: &mut Option<Scratch>,
) -> Columns<T> {
    let [step, across] = job.b.strides();
    let (k, n) = (steps.len(), columns.len());
    let few = job.a.shape()[0] <= FEW_ROWS;
    let most = match few || tile.is_large() {
        true => DIRECT_RIGHT_PANELS,
        false => DIRECT_RIGHT_PANELS_OF_MANY,
    };
    let narrow = step.unsigned_abs() <= most * tile.cols;
    let once = job.a.shape()[0] <= tile.rows;
    let keep = across == 1 && !narrow && !parallel && !once;
    let direct = across == 1 && (narrow || once || keep);
    let main_cols = if direct { n / tile.cols * tile.cols } else { n };
    let rest = (n - main_cols).next_multiple_of(tile.cols / TILE_VECTORS);
    let add = job.add || steps.start > 0;
    let overlap = overlap && few && (narrow || once) && direct && !add && rest > 0 && main_cols > 0;
    let packed_from = match direct {
        true if overlap => n,
        true => main_cols,
        false => 0,
    };
    let panels = (n - packed_from).div_ceil(tile.cols);
    let size = tile.cols * k;
    let kept = match (keep, alone) {
        (false, _) => 0,
        (true, true) => size,
        (true, false) => main_cols * k,
    };
    let room = kept + panels * size;
    let memory = match room {
        0 => &mut [],
        _ => memory.get_or_insert_with(Scratch::right).get::<T>(room),
    };
    let (kept, memory) = memory.split_at_mut(kept);
    let pack = |group: Range<usize>, out: &mut [T]| {
        let from = packed_from + group.start * tile.cols;
        let width = (n - from).min(group.len() * tile.cols);
        let (rows, steps) = ([columns.start + from, width], [steps.start, k]);
        job.level.dispatch(Pack {
            from: job.b.t(),
            rows,
            steps,
            width: tile.cols,
            out,
        });
    };
    const GROUP: usize = 4;
    if parallel && panels > 1 && n * k >= PARALLEL / 64 {
        let start = Shared(memory.as_mut_ptr());
        parallel_for(panels.div_ceil(GROUP), |g| {
            let group = g * GROUP..panels.min((g + 1) * GROUP);
            let start = start.get().wrapping_add(group.start * size);
            // SAFETY: the groups are disjoint parts of `memory`, which is borrowed meanwhile.
            let out = unsafe { std::slice::from_raw_parts_mut(start, group.len() * size) };
            pack(group, out);
        });
    } else if panels > 0 {
        pack(0..panels, memory);
    }
    let (size, wide) = (size as isize, tile.cols as isize);
    let packed = Right {
        start: memory.as_ptr(),
        panel: size,
        step: wide,
        once: false,
    };
    let main = match direct && main_cols > 0 {
        true => Right {
            start: job.b.at(steps.start, columns.start),
            panel: wide,
            step,
            once: once && !narrow,
        },
        false => packed,
    };
    let (tail_from, tail) = match overlap {
        true => {
            let from = n - rest;
            let start = job.b.at(steps.start, columns.start + from);
            (from, Right { start, ..main })
        }
        false => (main_cols, packed),
    };
    Columns {
        main,
        main_cols,
        tail,
        tail_from,
        keep: match keep {
            true => kept.as_mut_ptr(),
            false => std::ptr::null_mut(),
        },
        keep_panel: if alone { 0 } else { tile.cols * k },
    }
}

/// An address that several tasks write through, each to its own part.
pub(super) struct Shared<T>(pub(super) *mut T);

// SAFETY: who uses the address keeps the tasks' parts apart (see there).
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(super) fn get(&self) -> *mut T {
        self.0
    }
}

/// One task: rows `rows` and columns `j0 + cols` of C, for `steps` of k.
fn block<T: Float>(
    job: &Job<T>,
    c: &MatMut<T>,
    columns: &Columns<T>,
    (rows, j0, cols): (&Range<usize>, usize, &Range<usize>),
    steps: &Range<usize>,
    tile: TileShape,
) {
    let k = steps.len();
    let mut memory; // taken only where rows are packed
    let [row, step] = job.a.strides();
    let bytes = rows.len() * k * size_of::<T>();
    let small = cols.len() <= DIRECT_LEFT_COLUMNS && bytes <= DIRECT_LEFT_BYTES;
    let start = job.a.at(rows.start, steps.start);
    let width = tile.packed_rows;
    let mut keep_left = std::ptr::null_mut();
    let mut a = Left {
        start,
        rows: tile.rows,
        panel: tile.rows as isize * row,
        row,
        step,
        adjacent: false,
    };
    if step != 1 && !small {
        let panels = rows.len().div_ceil(width);
        memory = Scratch::left();
        let out = memory.get::<T>(panels * width * k + SLACK);
        // The tiles of the first columns can leave whole vectors of adjacent rows packed.
        let vectors = row == 1 && width * TILE_VECTORS == tile.cols && cols.len() > tile.cols;
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
            a = Left::packed(out.as_ptr(), width, k);
        } else {
            keep_left = out.as_mut_ptr();
            (a.rows, a.panel, a.adjacent) = (width, width as isize, true);
        }
    }

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
        let mut keep = std::ptr::null_mut();
        let mut b = right;
        if first == 0 && !columns.keep.is_null() {
            let kept = columns.keep.wrapping_add(panel * columns.keep_panel);
            if rows.start == 0 {
                keep = kept;
            } else {
                let start = columns.keep.cast_const();
                b = Right {
                    start,
                    ..columns.tail
                };
            }
        }
        b.start = b.start.wrapping_offset(panel as isize * b.panel);
        let place = j0 + cols.start..j0 + cols.end;
        // SAFETY: the tasks' rows and columns are disjoint and lie within C.
        let c = unsafe { c.block(rows.start, place.start, [rows.len(), cols.len()]) };
        job.level.dispatch(Block {
            k,
            a,
            b,
            c,
            add,
            bias: bias.part(rows.clone(), place),
            keep,
            keep_panel: columns.keep_panel,
            keep_left,
        });
        if !keep_left.is_null() {
            a = Left::packed(keep_left, width, k);
            keep_left = std::ptr::null_mut();
        }
    }
    if let (Some(epilogue), Addend::None) = (epilogue, bias) {
        let first = j0 + cols.start;
        // SAFETY: as above; the blocks of the loop are gone.
        let c = unsafe { c.block(rows.start, first, [rows.len(), cols.len()]) };
        epilogue.finish(job.level, c, [rows.start, first]);
    }
}
