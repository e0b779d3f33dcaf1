//! A block of B, laid out for the innermost loop: in place where its rows are short, else packed; on one
//! thread by the first tile that meets a panel, while it multiplies.

use std::ops::Range;

use super::job::{Job, PARALLEL, Shared};
use super::operands::Rhs;
use super::pack::Pack;
use super::tile_shape::{TILE_VECTORS, TileShape};
use crate::kernel::scratch::Scratch;
use crate::simd::Float;
use crate::threads::parallel_for;

/// The widest row of B, in panels, that is read in place: the steps of wider ones fall into the same sets of
/// L1, and each touches another page.
const IN_PLACE_PANELS: usize = 8;
/// The same for many rows of A, whose tiles would all read a panel from L2, unless they are large and
/// multiply enough meanwhile.
const IN_PLACE_PANELS_OF_MANY_ROWS: usize = 4;
/// The most rows of A that count as few. For them the columns beside whole tiles are read in place as well,
/// as a panel that overlaps the one before; for more of them a copy on whole cache lines pays.
const FEW_ROWS: usize = 96;
/// Panels that one task packs.
const PANELS_PER_TASK: usize = 4;

/// What the layout of B depends on besides its shape.
#[derive(Clone, Copy)]
pub(super) struct Blocking {
    /// The level's tile.
    pub(super) tile: TileShape,
    /// Whether several tasks share the panels.
    pub(super) parallel: bool,
    /// Whether each task writes all columns.
    pub(super) all_columns: bool,
    /// Whether there is a single block of rows.
    pub(super) one_row_block: bool,
}

/// Where the columns of B are: full panels, and the tail of a row whose panels are read in place.
pub(super) struct RhsBlock<T> {
    /// Full panels.
    pub(super) main: Rhs<T>,
    /// Columns of the full panels.
    pub(super) main_cols: usize,
    /// What follows them.
    pub(super) tail: Rhs<T>,
    /// First column of the tail; overlaps the last panel where it is read in place.
    pub(super) tail_from: usize,
    /// Where the first block of rows packs the full panels for those below it; null where they need not be
    /// packed, or are.
    pub(super) pack: *mut T,
    /// From one packed panel to the next; 0 where each replaces the one before.
    pub(super) pack_panel: usize,
}

// SAFETY: the packed memory outlives the tasks that use it, and they only read it: where there is
// a `pack`, they run one after the other.
unsafe impl<T: Sync> Sync for RhsBlock<T> {}

/// The part of B with rows `steps` and columns `columns`.
#[derive(Clone, Copy)]
pub(super) struct RhsRange<'a> {
    /// Steps of k.
    pub(super) steps: &'a Range<usize>,
    /// Columns of B.
    pub(super) columns: &'a Range<usize>,
}

/// How a part of B is read, which follows from shapes and strides.
struct RhsLayout {
    /// Rows are short enough to be read in place by every tile.
    narrow: bool,
    /// One tile reads each panel, so packing would gain nothing.
    once: bool,
    /// The first tile of a panel packs it for the others.
    pack_while_multiplying: bool,
    /// Whether whole panels are read in place, at least by their first tile.
    direct: bool,
    /// Columns of whole panels; all columns where they are packed.
    main_cols: usize,
    /// Columns of the tail, in whole vectors; it is read in place and overlaps the last panel.
    overlap: Option<usize>,
    /// Panels that are packed beforehand, from column `packed_from` on.
    packed_from: usize,
    /// How many.
    packed_panels: usize,
}

impl RhsLayout {
    /// The decision for a part of B.
    fn new<T>(job: &Job<T>, part: RhsRange, blocking: Blocking) -> RhsLayout {
        let Blocking { tile, parallel, .. } = blocking;
        let [step, across] = job.b.strides();
        let n = part.columns.len();
        let few = job.a.shape()[0] <= FEW_ROWS;
        let most = match few || tile.is_large() {
            true => IN_PLACE_PANELS,
            false => IN_PLACE_PANELS_OF_MANY_ROWS,
        };
        let narrow = step.unsigned_abs() <= most * tile.cols;
        let once = job.a.shape()[0] <= tile.rows;
        let pack_while_multiplying = across == 1 && !narrow && !parallel && !once;
        let direct = across == 1 && (narrow || once || pack_while_multiplying);
        let main_cols = if direct { n / tile.cols * tile.cols } else { n };
        let rest = (n - main_cols).next_multiple_of(tile.cols / TILE_VECTORS);
        let add = job.add || part.steps.start > 0;
        let overlap = blocking.all_columns
            && few
            && (narrow || once)
            && direct
            && !add
            && rest > 0
            && main_cols > 0;
        let packed_from = match direct {
            true if overlap => n,
            true => main_cols,
            false => 0,
        };
        RhsLayout {
            narrow,
            once,
            pack_while_multiplying,
            direct,
            main_cols,
            overlap: overlap.then_some(rest),
            packed_from,
            packed_panels: (n - packed_from).div_ceil(tile.cols),
        }
    }
}

/// Lays out a part of B; `memory` holds what is packed.
pub(super) fn lay_out<T: Float>(
    job: &Job<T>,
    part: RhsRange,
    blocking: Blocking,
    memory: &mut Option<Scratch>,
) -> RhsBlock<T> {
    let layout = RhsLayout::new(job, part, blocking);
    let (k, n, cols) = (part.steps.len(), part.columns.len(), blocking.tile.cols);
    let panel = cols * k;
    let kept = match (layout.pack_while_multiplying, blocking.one_row_block) {
        (false, _) => 0,
        (true, true) => panel,
        (true, false) => layout.main_cols * k,
    };
    let memory = match kept + layout.packed_panels * panel {
        0 => &mut [],
        room => memory.get_or_insert_with(Scratch::rhs).get::<T>(room),
    };
    let (kept, packed) = memory.split_at_mut(kept);
    pack_panels(job, part, &layout, blocking, packed);
    let packed = Rhs {
        start: packed.as_ptr(),
        panel: panel as isize,
        step: cols as isize,
        once: false,
    };
    let in_place = |column: usize| Rhs {
        start: job.b.at(part.steps.start, part.columns.start + column),
        panel: cols as isize,
        step: job.b.strides()[0],
        once: layout.once && !layout.narrow,
    };
    let main_cols = layout.main_cols;
    let (tail_from, tail) = match layout.overlap {
        Some(rest) => (n - rest, in_place(n - rest)),
        None => (main_cols, packed),
    };
    RhsBlock {
        main: match layout.direct && main_cols > 0 {
            true => in_place(0),
            false => packed,
        },
        main_cols,
        tail,
        tail_from,
        pack: match layout.pack_while_multiplying {
            true => kept.as_mut_ptr(),
            false => std::ptr::null_mut(),
        },
        pack_panel: if blocking.one_row_block { 0 } else { panel },
    }
}

/// Packs the panels that tiles do not pack themselves.
fn pack_panels<T: Float>(
    job: &Job<T>,
    part: RhsRange,
    layout: &RhsLayout,
    blocking: Blocking,
    memory: &mut [T],
) {
    let (k, n, width) = (part.steps.len(), part.columns.len(), blocking.tile.cols);
    let (panels, size) = (layout.packed_panels, width * k);
    let pack = |group: Range<usize>, out: &mut [T]| {
        let from = layout.packed_from + group.start * width;
        let columns = (n - from).min(group.len() * width);
        job.level.dispatch(Pack {
            from: job.b.t(),
            rows: [part.columns.start + from, columns],
            steps: [part.steps.start, k],
            width,
            out,
        });
    };
    if blocking.parallel && panels > 1 && n * k >= PARALLEL / 64 {
        let start = Shared(memory.as_mut_ptr());
        parallel_for(panels.div_ceil(PANELS_PER_TASK), |g| {
            let group = g * PANELS_PER_TASK..panels.min((g + 1) * PANELS_PER_TASK);
            let start = start.get().wrapping_add(group.start * size);
            // SAFETY: the groups are disjoint parts of `memory`, which is borrowed meanwhile.
            let out = unsafe { std::slice::from_raw_parts_mut(start, group.len() * size) };
            pack(group, out);
        });
    } else if panels > 0 {
        pack(0..panels, memory);
    }
}
