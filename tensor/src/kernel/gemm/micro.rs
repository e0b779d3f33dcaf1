//! The innermost loop: a tile of C, `TILE_ROWS` by two vectors, held in registers while one row of
//! B and one column of A go by for each step of k.

use super::epilogue::Addend;
use super::operands::{Lhs, LhsStrip, Rhs, RhsPanel};
use super::prefetch::{AHEAD, line_at, lines, prefetch_lines};
use super::tile_shape::TILE_VECTORS;
use crate::kernel::matrix::MatMut;
use crate::simd::{Float, Kernel, Lane, Num, Simd, Vector, prefetch, prefetch_l2};

/// Bytes of one way of L2, and half of its ways.
const WAY: usize = 1 << 16;
const WAYS: usize = 4;

/// `C = A B`, or `C += A B`, for a block of C with at least one element.
pub(super) struct TileBlock<'a, T> {
    /// Steps of k.
    pub(super) k: usize,
    /// The rows of A.
    pub(super) a: Lhs<T>,
    /// The columns of B.
    pub(super) b: Rhs<T>,
    /// The block of C.
    pub(super) c: MatMut<'a, T>,
    /// Whether C is added to.
    pub(super) add: bool,
    /// What is added at the end.
    pub(super) bias: Addend<'a, T>,
    /// Where the first tile of each whole panel of B packs it for the tiles below; null where all read it
    /// in place.
    pub(super) pack: *mut T,
    /// From one panel packed there to the next; 0 where no other block of rows needs them.
    pub(super) pack_panel: usize,
    /// Where the tiles of the first panel of B, a whole one, pack A's whole panels for the others; what does
    /// not fill a panel is there already. Null where all read `a`.
    pub(super) pack_lhs: *mut T,
}

/// What is added to a whole tile as it is written: nothing, or a number for each row or column.
const NONE: u8 = 0;
const OF_ROWS: u8 = 1;
const OF_COLUMNS: u8 = 2;

/// What a tile does beside its products: nothing, or these.
const PLAIN: u8 = 0;
/// It prefetches the panel's own memory.
const PREFETCH_RHS: u8 = 1;
/// It packs the panel.
const PACK_RHS: u8 = 2;
/// It prefetches a line of the next panel at each step.
const PREFETCH_NEXT: u8 = 4;
/// It prefetches its rows' memory, and packs them.
const PACK_LHS: u8 = 8;

impl<T: Float> Kernel for TileBlock<'_, T> {
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

impl<T: Float> TileBlock<'_, T> {
    /// All tiles of the block, panel by panel of B, so that a panel is used while it is cached.
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize, const ADJACENT: bool>(&self) {
        let ([m, n], lanes) = (self.c.shape(), T::Vec::<S>::LANES);
        let cols = TILE_VECTORS * lanes;
        let fits = self.next_fits_l2();
        let a = match self.pack_lhs.is_null() {
            true => self.a,
            false => Lhs::packed(self.pack_lhs, lanes, self.k),
        };
        for (jp, j) in (0..n).step_by(cols).enumerate() {
            let start = self.b.start.wrapping_offset(jp as isize * self.b.panel);
            let mut b = RhsPanel {
                start,
                step: self.b.step,
                pack: self.pack.wrapping_add(jp * self.pack_panel),
                next: start,
            };
            if self.b.once {
                self.fitting::<S, ROWS, false, PREFETCH_RHS>(a, b, [0, j]);
                continue;
            }
            let vectors = ADJACENT && lanes % ROWS == 0; // known to the compiler
            let packs = vectors && jp == 0 && !self.pack_lhs.is_null();
            let mut first = 0;
            if !self.pack.is_null() && m >= ROWS && n - j >= cols {
                match packs && m >= lanes {
                    true => self.pack_tile::<S, ROWS, { PREFETCH_RHS | PACK_RHS | PACK_LHS }>(b, 0),
                    false => self.whole::<S, ROWS, ADJACENT, { PREFETCH_RHS | PACK_RHS }>(
                        a.strip(0),
                        b,
                        [0, j],
                    ),
                }
                (b.start, b.step) = (b.pack, cols as isize);
                first = ROWS;
                // The tiles below have spare memory bandwidth: each prefetches one line of every step of
                // the next panel.
                let next_lines = if fits && n - j >= 2 * cols && !packs {
                    lines::<T>(cols)
                } else {
                    0
                };
                for line in 0..next_lines.min((m - first) / ROWS) {
                    let next = start.wrapping_offset(self.b.panel);
                    b.next = next.wrapping_add(line_at::<T>(line, cols));
                    self.whole::<S, ROWS, ADJACENT, PREFETCH_NEXT>(a.strip(first), b, [first, j]);
                    first += ROWS;
                }
            }
            for i in (first..m).step_by(ROWS) {
                match packs && i % lanes == 0 && m - i >= lanes {
                    true => self.pack_tile::<S, ROWS, PACK_LHS>(b, i),
                    false => self.fitting::<S, ROWS, ADJACENT, PLAIN>(a, b, [i, j]),
                }
            }
        }
    }

    /// The tile of the first columns from row `i` on, which packs a vector of rows.
    #[inline(always)]
    fn pack_tile<S: Simd, const ROWS: usize, const ROLE: u8>(&self, b: RhsPanel<T>, i: usize) {
        let mut a = self.a.strip(i);
        a.pack = self.pack_lhs.wrapping_add(i * self.k);
        self.whole::<S, ROWS, true, ROLE>(a, b, [i, 0]);
    }

    /// A tile that no edge cuts.
    #[inline(always)]
    fn whole<S: Simd, const ROWS: usize, const ADJACENT: bool, const ROLE: u8>(
        &self,
        a: LhsStrip<T>,
        b: RhsPanel<T>,
        at: [usize; 2],
    ) {
        let size = [ROWS, TILE_VECTORS * T::Vec::<S>::LANES];
        self.tile::<S, ROWS, TILE_VECTORS, ADJACENT, ROLE>(a, b, at, size);
    }

    /// The tile whose first element of C is `[i, j]`: at the edges one of fewer rows or of one vector, which
    /// wastes less. An element's sum runs in the same order in all of them.
    #[inline(always)]
    fn fitting<S: Simd, const ROWS: usize, const ADJACENT: bool, const ROLE: u8>(
        &self,
        a: Lhs<T>,
        b: RhsPanel<T>,
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

    /// Whether L2 can hold a panel of B in place: lines that are multiples of a large
    /// power of two apart fall into few sets.
    fn next_fits_l2(&self) -> bool {
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
        a: LhsStrip<T>,
        b: RhsPanel<T>,
        at: [usize; 2],
        size: [usize; 2],
    ) {
        let full = size == [ROWS, VECTORS * T::Vec::<S>::LANES];
        if full {
            // C is needed only after `k` steps, and each of its rows lies in another page.
            for r in 0..ROWS {
                let row = self.c.at(at[0] + r, at[1]);
                prefetch(row);
                prefetch(row.wrapping_add(size[1] - 1));
            }
        }
        // SAFETY: the makers of `Lhs` and `Rhs` vouch that the panels of this block hold `k`
        // steps of `size[0]` rows and of as many whole vectors of columns as `size[1]` fills, which
        // are `VECTORS`, and that the packing memory has room for as much.
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
        strip: LhsStrip<T>,
        panel: RhsPanel<T>,
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
        let (mut a, mut pack_lhs) = (strip.start, strip.pack);
        let (mut b, mut pack, mut next) = (panel.start, panel.pack, panel.next);
        let zero = <T::Vec<S> as Num>::splat(0.0);
        let mut sums = [[zero; VECTORS]; ROWS];
        for _ in 0..self.k {
            if ROLE & PREFETCH_NEXT != 0 {
                prefetch_l2(next);
                next = next.wrapping_offset(self.b.step);
            }
            if ROLE & PREFETCH_RHS != 0 {
                prefetch_lines(b.wrapping_offset(AHEAD * panel.step), VECTORS * lanes);
            }
            if ROLE & PACK_LHS != 0 {
                prefetch_l2(a.wrapping_offset(AHEAD * strip.step));
                // SAFETY: `pack_lhs` has fits for a vector of rows of each step (see there), which
                // nothing else uses; as many are adjacent in A.
                unsafe {
                    let part = std::slice::from_raw_parts(a, lanes);
                    let left = std::slice::from_raw_parts_mut(pack_lhs, lanes);
                    T::Vec::<S>::load(part).store(left);
                }
                pack_lhs = pack_lhs.wrapping_add(lanes);
            }
            let mut y = [zero; VECTORS];
            for v in 0..VECTORS {
                // SAFETY: each of the `k` steps of B has `VECTORS` vectors of adjacent elements.
                let part = unsafe { std::slice::from_raw_parts(b.add(v * lanes), lanes) };
                y[v] = Vector::load(part);
                if ROLE & PACK_RHS != 0 {
                    // SAFETY: `pack` has fits for two vectors of each step (see `pack`), which
                    // nothing else uses.
                    let part =
                        unsafe { std::slice::from_raw_parts_mut(pack.add(v * lanes), lanes) };
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
            if ROLE & PACK_RHS != 0 {
                pack = pack.wrapping_add(VECTORS * lanes);
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
