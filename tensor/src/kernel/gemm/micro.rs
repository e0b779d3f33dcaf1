//! The innermost loop: a tile of C, `TILE_ROWS` by two vectors, held in registers while one row of
//! B and one column of A go by for each step of k.

use super::epilogue::Addend;
use crate::kernel::matrix::MatMut;
use crate::simd::{Float, Kernel, Lane, Num, Simd, Vector, prefetch, prefetch_far};

/// Vectors in a tile's row.
pub(super) const TILE_VECTORS: usize = 2;

/// Rows and columns of a level's tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileShape {
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Rows of a packed panel of A: one tile's, or as many tiles' as make a vector, since whole
    /// vectors are quicker to transpose.
    pub(super) packed_rows: usize,
}

impl TileShape {
    /// Whether it is one of a processor with many registers, which has a larger second cache as well.
    pub(super) fn is_large(self) -> bool {
        self.rows >= 8
    }
}

/// Asks a level for its tile.
pub(super) struct AskTile<T>(pub(super) std::marker::PhantomData<T>);

impl<T: Float> Kernel for AskTile<T> {
    type Out = TileShape;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> TileShape {
        let (rows, lanes) = (S::TILE_ROWS, T::Vec::<S>::LANES);
        TileShape {
            rows,
            cols: TILE_VECTORS * lanes,
            packed_rows: if lanes % rows == 0 { lanes } else { rows },
        }
    }
}

/// The rows of A that a block multiplies: packed panels, or the matrix itself.
#[derive(Clone, Copy)]
pub(super) struct Left<T> {
    pub(super) start: *const T,
    /// Rows of a panel, a multiple of the tile's.
    pub(super) rows: usize,
    /// From one panel to the next.
    pub(super) panel: isize,
    pub(super) row: isize,
    pub(super) step: isize,
    /// A panel's rows are adjacent.
    pub(super) adjacent: bool,
}

impl<T> Left<T> {
    /// The rows of a tile from `i` on.
    #[inline(always)]
    fn strip(&self, i: usize) -> Strip<T> {
        let (panel, row) = ((i / self.rows) as isize, (i % self.rows) as isize);
        let from = panel * self.panel + row * self.row;
        Strip {
            start: self.start.wrapping_offset(from),
            step: self.step,
            keep: std::ptr::null_mut(),
        }
    }

    /// Panels of `rows` rows and `k` steps, packed from `start` on.
    pub(super) fn packed(start: *const T, rows: usize, k: usize) -> Left<T> {
        Left {
            start,
            rows,
            panel: (rows * k) as isize,
            row: 1,
            step: rows as isize,
            adjacent: true,
        }
    }
}

/// The columns of B that a block multiplies, as panels of tile columns; each step's are adjacent. The
/// last panel has whole vectors, but where one is enough for the block's columns perhaps no second.
#[derive(Clone, Copy)]
pub(super) struct Right<T> {
    pub(super) start: *const T,
    /// From one panel of tile columns to the next.
    pub(super) panel: isize,
    pub(super) step: isize,
    /// Whether a single tile reads each panel, from memory.
    pub(super) once: bool,
}

/// Bytes that one way of the second cache holds, and its ways but for a half.
const WAY: usize = 1 << 16;
const WAYS: usize = 4;

/// Steps that B's own memory is asked for ahead, into the second cache: its rows are so far apart that
/// two dozen of them share a few sets of the first one and push each other out.
pub(super) const AHEAD: isize = 24;

/// `C = A B`, or `C += A B`, for a block of C with at least one element.
pub(super) struct Block<'a, T> {
    pub(super) k: usize,
    pub(super) a: Left<T>,
    pub(super) b: Right<T>,
    pub(super) c: MatMut<'a, T>,
    pub(super) add: bool,
    /// What is added at the end.
    pub(super) bias: Addend<'a, T>,
    /// Where the first tile of each whole panel of B leaves it packed for the tiles below it; null
    /// where all read it where it stands.
    pub(super) keep: *mut T,
    /// From one panel left there to the next; 0 where no other block of rows needs them.
    pub(super) keep_panel: usize,
    /// Where the tiles of the first panel of B, a whole one, leave A's whole panels packed for the others;
    /// what does not fill a panel is there already. Null where all read `a`.
    pub(super) keep_left: *mut T,
}

/// A tile's rows of A: where they begin, from one step to the next, and where the tile leaves them, with
/// those that fill a vector, packed.
#[derive(Clone, Copy)]
struct Strip<T> {
    start: *const T,
    step: isize,
    keep: *mut T,
}

/// A panel of B: where it begins, from one step to the next, and where a tile leaves it packed.
#[derive(Clone, Copy)]
struct Panel<T> {
    start: *const T,
    step: isize,
    keep: *mut T,
    /// What is asked for at the first step, a line of the next panel in memory.
    ask: *const T,
}

/// Cache lines of a step of `cols` elements: one more than it fills, since a step that begins inside
/// a line ends inside another one.
#[inline(always)]
const fn lines<T>(cols: usize) -> usize {
    cols.div_ceil(64 / size_of::<T>()) + 1
}

/// The element of a step of `cols` by which its `line`th cache line is asked for.
#[inline(always)]
const fn line_at<T>(line: usize, cols: usize) -> usize {
    let at = line * (64 / size_of::<T>());
    if at < cols { at } else { cols - 1 }
}

/// Asks for the cache lines of `cols` adjacent elements. (A counted loop is unrolled where `cols` is a
/// constant; an iterator by steps was not on every level, and cost more than the products beside it.)
#[inline(always)]
pub(super) fn ask_far<T>(from: *const T, cols: usize) {
    for line in 0..lines::<T>(cols) {
        prefetch_far(from.wrapping_add(line_at::<T>(line, cols)));
    }
}

/// What is added to a whole tile as it is written: nothing, or a number for each row or column.
const NONE: u8 = 0;
const OF_ROWS: u8 = 1;
const OF_COLUMNS: u8 = 2;

/// What a tile does beside its products: nothing, or these.
const PLAIN: u8 = 0;
/// It asks for the panel's own memory ahead.
const FAR: u8 = 1;
/// It leaves the panel packed.
const KEEP: u8 = 2;
/// It asks for a line of the next panel at each step.
const ASK: u8 = 4;
/// It asks for its rows' memory ahead, and leaves them packed.
const LEFT: u8 = 8;

impl<T: Float> Kernel for Block<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        match (S::TILE_ROWS, self.a.adjacent) {
            (8, true) => self.tiles::<S, 8, true>(),
            (8, false) => self.tiles::<S, 8, false>(),
            (6, true) => self.tiles::<S, 6, true>(),
            (6, false) => self.tiles::<S, 6, false>(),
            (_, true) => self.tiles::<S, 2, true>(),
            (_, false) => self.tiles::<S, 2, false>(),
        }
    }
}

impl<T: Float> Block<'_, T> {
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize, const ADJACENT: bool>(&self) {
        let ([m, n], lanes) = (self.c.shape(), T::Vec::<S>::LANES);
        let cols = TILE_VECTORS * lanes;
        let room = self.has_room();
        let a = match self.keep_left.is_null() {
            true => self.a,
            false => Left::packed(self.keep_left, lanes, self.k),
        };
        for (jp, j) in (0..n).step_by(cols).enumerate() {
            let start = self.b.start.wrapping_offset(jp as isize * self.b.panel);
            let mut b = Panel {
                start,
                step: self.b.step,
                keep: self.keep.wrapping_add(jp * self.keep_panel),
                ask: start,
            };
            if self.b.once {
                self.fitting::<S, ROWS, false, FAR>(a, b, [0, j]);
                continue;
            }
            let vectors = ADJACENT && lanes % ROWS == 0; // known to the compiler
            let leaves = vectors && jp == 0 && !self.keep_left.is_null();
            let mut first = 0;
            if !self.keep.is_null() && m >= ROWS && n - j >= cols {
                match leaves && m >= lanes {
                    true => self.leave::<S, ROWS, { FAR | KEEP | LEFT }>(b, 0),
                    false => self.whole::<S, ROWS, ADJACENT, { FAR | KEEP }>(a.strip(0), b, [0, j]),
                }
                (b.start, b.step) = (b.keep, cols as isize);
                first = ROWS;
                // The tiles below have the time to fetch the next panel, a line of each step at a time.
                let asked = if room && n - j >= 2 * cols && !leaves {
                    lines::<T>(cols)
                } else {
                    0
                };
                for line in 0..asked.min((m - first) / ROWS) {
                    let next = start.wrapping_offset(self.b.panel);
                    b.ask = next.wrapping_add(line_at::<T>(line, cols));
                    self.whole::<S, ROWS, ADJACENT, ASK>(a.strip(first), b, [first, j]);
                    first += ROWS;
                }
            }
            for i in (first..m).step_by(ROWS) {
                match leaves && i % lanes == 0 && m - i >= lanes {
                    true => self.leave::<S, ROWS, LEFT>(b, i),
                    false => self.fitting::<S, ROWS, ADJACENT, PLAIN>(a, b, [i, j]),
                }
            }
        }
    }

    /// The tile of the first columns from row `i` on, which leaves a vector of rows packed.
    #[inline(always)]
    fn leave<S: Simd, const ROWS: usize, const ROLE: u8>(&self, b: Panel<T>, i: usize) {
        let mut a = self.a.strip(i);
        a.keep = self.keep_left.wrapping_add(i * self.k);
        self.whole::<S, ROWS, true, ROLE>(a, b, [i, 0]);
    }

    /// A tile that no edge cuts.
    #[inline(always)]
    fn whole<S: Simd, const ROWS: usize, const ADJACENT: bool, const ROLE: u8>(
        &self,
        a: Strip<T>,
        b: Panel<T>,
        at: [usize; 2],
    ) {
        let size = [ROWS, TILE_VECTORS * T::Vec::<S>::LANES];
        self.tile::<S, ROWS, TILE_VECTORS, ADJACENT, ROLE>(a, b, at, size);
    }

    /// The tile whose first element of C is `[i, j]`: at the edges one of fewer rows or of one vector, which does
    /// less for nothing. An element's sum runs in the same order in all of them.
    #[inline(always)]
    fn fitting<S: Simd, const ROWS: usize, const ADJACENT: bool, const ROLE: u8>(
        &self,
        a: Left<T>,
        b: Panel<T>,
        [i, j]: [usize; 2],
    ) {
        let [m, n] = self.c.shape();
        let (a, lanes) = (a.strip(i), T::Vec::<S>::LANES);
        let size = [ROWS.min(m - i), (TILE_VECTORS * lanes).min(n - j)];
        match (size[0], size[1] <= lanes) {
            (..=4, true) if ROWS > 4 => self.tile::<S, 4, 1, false, ROLE>(a, b, [i, j], size),
            (_, true) => self.tile::<S, ROWS, 1, ADJACENT, ROLE>(a, b, [i, j], size),
            (1, _) => self.tile::<S, 1, TILE_VECTORS, false, ROLE>(a, b, [i, j], size),
            (2..=4, _) if ROWS > 4 => {
                self.tile::<S, 4, TILE_VECTORS, false, ROLE>(a, b, [i, j], size);
            }
            (5..=6, _) if ROWS > 6 => {
                self.tile::<S, 6, TILE_VECTORS, false, ROLE>(a, b, [i, j], size);
            }
            _ => self.tile::<S, ROWS, TILE_VECTORS, ADJACENT, ROLE>(a, b, [i, j], size),
        }
    }

    /// Whether the second cache has room for a panel of B as it stands: lines that are multiples of a large
    /// power of two apart fall into few sets.
    fn has_room(&self) -> bool {
        let apart = self.b.step.unsigned_abs() * size_of::<T>();
        let sets = WAY >> apart.trailing_zeros().min(WAY.trailing_zeros());
        self.k <= WAYS * sets
    }

    /// One tile: its panels begin at `a` and `b`, its elements of C at `at`; what it does besides is its `ROLE`.
    #[inline(always)]
    fn tile<
        S: Simd,
        const ROWS: usize,
        const VECTORS: usize,
        const ADJACENT: bool,
        const ROLE: u8,
    >(
        &self,
        a: Strip<T>,
        b: Panel<T>,
        at: [usize; 2],
        size: [usize; 2],
    ) {
        let full = size == [ROWS, VECTORS * T::Vec::<S>::LANES];
        if full {
            // C is needed only after `k` steps, and its rows are far apart.
            for r in 0..ROWS {
                let row = self.c.at(at[0] + r, at[1]);
                prefetch(row);
                prefetch(row.wrapping_add(size[1] - 1));
            }
        }
        // SAFETY: the makers of `Left` and `Right` vouch that the panels of this block hold `k`
        // steps of `size[0]` rows and of as many whole vectors of columns as `size[1]` fills, which
        // are `VECTORS`, and that what is kept has room for as much.
        let sums = unsafe { self.multiply::<S, ROWS, VECTORS, ADJACENT, ROLE>(a, b, size[0]) };
        // SAFETY: the tile begins inside `c` and both keep to its edges; the block owns all elements
        // of `c`.
        unsafe {
            let bias = self.bias;
            let bias = bias.part(at[0]..at[0] + size[0], at[1]..at[1] + size[1]);
            match (full, bias) {
                (true, Addend::None) => self.write::<S, ROWS, VECTORS, NONE>(&sums, at, &[]),
                (true, Addend::Rows(x)) => self.write::<S, ROWS, VECTORS, OF_ROWS>(&sums, at, x),
                (true, Addend::Columns(x)) => {
                    self.write::<S, ROWS, VECTORS, OF_COLUMNS>(&sums, at, x);
                }
                (false, bias) => self.write_edge::<S, ROWS, VECTORS>(&sums, at, size, bias),
            }
        }
    }

    /// The sums of one tile. Rows beyond `rows` repeat the last one, so that nothing is read that
    /// may not be there.
    #[inline(always)]
    unsafe fn multiply<
        S: Simd,
        const ROWS: usize,
        const VECTORS: usize,
        const ADJACENT: bool,
        const ROLE: u8,
    >(
        &self,
        strip: Strip<T>,
        panel: Panel<T>,
        rows: usize,
    ) -> [[T::Vec<S>; VECTORS]; ROWS] {
        let lanes = T::Vec::<S>::LANES;
        let mut offsets = [0isize; ROWS];
        for i in 0..ROWS {
            offsets[i] = if ADJACENT {
                i as isize
            } else {
                i.min(rows - 1) as isize * self.a.row
            };
        }
        let (mut a, mut keep_left) = (strip.start, strip.keep);
        let (mut b, mut keep, mut ask) = (panel.start, panel.keep, panel.ask);
        let zero = <T::Vec<S> as Num>::splat(0.0);
        let mut sums = [[zero; VECTORS]; ROWS];
        for _ in 0..self.k {
            if ROLE & ASK != 0 {
                prefetch_far(ask);
                ask = ask.wrapping_offset(self.b.step);
            }
            if ROLE & FAR != 0 {
                ask_far(b.wrapping_offset(AHEAD * panel.step), VECTORS * lanes);
            }
            if ROLE & LEFT != 0 {
                prefetch_far(a.wrapping_offset(AHEAD * strip.step));
                // SAFETY: `keep_left` has room for a vector of rows of each step (see there), which
                // nothing else uses; as many stand beside each other in A.
                unsafe {
                    let part = std::slice::from_raw_parts(a, lanes);
                    let left = std::slice::from_raw_parts_mut(keep_left, lanes);
                    T::Vec::<S>::load(part).store(left);
                }
                keep_left = keep_left.wrapping_add(lanes);
            }
            let mut y = [zero; VECTORS];
            for v in 0..VECTORS {
                // SAFETY: each of the `k` steps of B has `VECTORS` vectors of adjacent elements.
                let part = unsafe { std::slice::from_raw_parts(b.add(v * lanes), lanes) };
                y[v] = Vector::load(part);
                if ROLE & KEEP != 0 {
                    // SAFETY: `keep` has room for two vectors of each step (see `keep`), which
                    // nothing else uses.
                    let part =
                        unsafe { std::slice::from_raw_parts_mut(keep.add(v * lanes), lanes) };
                    y[v].store(part);
                }
            }
            for i in 0..ROWS {
                // SAFETY: each of the `k` steps of A has an element in each of its `rows` rows
                // (in all `ROWS` of them when packed).
                let x = Vector::repeat(unsafe { *a.offset(offsets[i]) });
                for v in 0..VECTORS {
                    sums[i][v] = y[v].mul_add(x, sums[i][v]);
                }
            }
            a = a.wrapping_offset(strip.step);
            b = b.wrapping_offset(panel.step);
            if ROLE & KEEP != 0 {
                keep = keep.wrapping_add(VECTORS * lanes);
            }
        }
        sums
    }

    /// Writes `sums` to C at `[i, j]`, with a `bias` as `BIASED` says. (All loops here have constant bounds: the
    /// sums stay in registers.)
    #[inline(always)]
    unsafe fn write<S: Simd, const ROWS: usize, const VECTORS: usize, const BIASED: u8>(
        &self,
        sums: &[[T::Vec<S>; VECTORS]; ROWS],
        [i, j]: [usize; 2],
        bias: &[T],
    ) {
        let lanes = T::Vec::<S>::LANES;
        let mut of_rows = [T::default(); ROWS];
        let mut of_columns = [<T::Vec<S> as Num>::splat(0.0); VECTORS];
        match BIASED {
            OF_ROWS => of_rows.copy_from_slice(bias),
            OF_COLUMNS => {
                for v in 0..VECTORS {
                    of_columns[v] = Vector::load(&bias[v * lanes..]);
                }
            }
            _ => {}
        }
        for r in 0..ROWS {
            for v in 0..VECTORS {
                let at = self.c.at(i + r, j + v * lanes);
                // SAFETY: the whole tile lies inside C, which the block owns.
                let part = unsafe { std::slice::from_raw_parts_mut(at, lanes) };
                let mut y = sums[r][v];
                if self.add {
                    y = y + Vector::load(part);
                }
                match BIASED {
                    OF_ROWS => y = y + Vector::repeat(of_rows[r]),
                    OF_COLUMNS => y = y + of_columns[v],
                    _ => {}
                }
                y.store(part);
            }
        }
    }

    /// Writes the first `rows` by `cols` of `sums` to C at `[i, j]`.
    #[inline(always)]
    unsafe fn write_edge<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        sums: &[[T::Vec<S>; VECTORS]; ROWS],
        [i, j]: [usize; 2],
        [rows, cols]: [usize; 2],
        bias: Addend<'_, T>,
    ) {
        let lanes = T::Vec::<S>::LANES;
        // Constant bounds, as above: a row or vector that is not there is left out inside.
        for r in 0..ROWS {
            for v in 0..VECTORS {
                let (first, width) = (v * lanes, cols.saturating_sub(v * lanes).min(lanes));
                if r < rows && width > 0 {
                    // SAFETY: row `i + r` and columns `j .. j + cols` lie inside C, which the block
                    // owns.
                    let part = unsafe {
                        std::slice::from_raw_parts_mut(self.c.at(i + r, j + first), width)
                    };
                    let mut y = sums[r][v];
                    if self.add {
                        y = y + Vector::load_first(part);
                    }
                    match bias {
                        Addend::None => {}
                        Addend::Rows(x) => y = y + Vector::repeat(x[r]),
                        Addend::Columns(x) => y = y + Vector::load_first(&x[first..first + width]),
                    }
                    y.store_first(part);
                }
            }
        }
    }
}
