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
    fn run<S: Simd>(self, simd: S) {
        match S::TILE_ROWS {
            8 => self.tiles::<S, 8>(simd),
            6 => self.tiles::<S, 6>(simd),
            _ => self.tiles::<S, 2>(simd),
        }
    }
}

impl<T: Float> TileBlock<'_, T> {
    /// All tiles of the block, panel by panel of B, so that a panel is used while it is cached.
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize>(&self, simd: S) {
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
                self.fitting::<S, ROWS, PREFETCH_RHS>(simd, a, b, [0, j]);
                continue;
            }
            let vectors = lanes % ROWS == 0; // known to the compiler
            let packs = vectors && jp == 0 && !self.pack_lhs.is_null();
            let mut first = 0;
            if !self.pack.is_null() && m >= ROWS && n - j >= cols {
                match packs && m >= lanes {
                    true => self
                        .pack_tile::<S, ROWS, { PREFETCH_RHS | PACK_RHS | PACK_LHS }>(simd, b, 0),
                    false => self.whole::<S, ROWS, { PREFETCH_RHS | PACK_RHS }>(simd, a, b, [0, j]),
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
                    self.whole::<S, ROWS, PREFETCH_NEXT>(simd, a, b, [first, j]);
                    first += ROWS;
                }
            }
            for i in (first..m).step_by(ROWS) {
                match packs && i % lanes == 0 && m - i >= lanes {
                    true => self.pack_tile::<S, ROWS, PACK_LHS>(simd, b, i),
                    false => self.fitting::<S, ROWS, PLAIN>(simd, a, b, [i, j]),
                }
            }
        }
    }

    /// The tile of the first columns from row `i` on, which packs a vector of rows.
    #[inline(always)]
    fn pack_tile<S: Simd, const ROWS: usize, const ROLE: u8>(
        &self,
        simd: S,
        b: RhsPanel<T>,
        i: usize,
    ) {
        let mut a = self.a.strip(i);
        a.pack = self.pack_lhs.wrapping_add(i * self.k);
        let size = [ROWS, TILE_VECTORS * T::Vec::<S>::LANES];
        self.tile::<S, ROWS, TILE_VECTORS, true, ROLE>(simd, a, b, [i, 0], size);
    }

    /// A tile that no edge cuts.
    #[inline(always)]
    fn whole<S: Simd, const ROWS: usize, const ROLE: u8>(
        &self,
        simd: S,
        a: Lhs<T>,
        b: RhsPanel<T>,
        at: [usize; 2],
    ) {
        let size = [ROWS, TILE_VECTORS * T::Vec::<S>::LANES];
        self.wide::<S, ROWS, ROLE>(simd, a, b, at, size);
    }

    /// A tile of all rows and both vectors, some of which an edge may cut.
    #[inline(always)]
    fn wide<S: Simd, const ROWS: usize, const ROLE: u8>(
        &self,
        simd: S,
        a: Lhs<T>,
        b: RhsPanel<T>,
        at: [usize; 2],
        size: [usize; 2],
    ) {
        let strip = a.strip(at[0]);
        match a.adjacent {
            true => self.tile::<S, ROWS, TILE_VECTORS, true, ROLE>(simd, strip, b, at, size),
            false => self.tile::<S, ROWS, TILE_VECTORS, false, ROLE>(simd, strip, b, at, size),
        }
    }

    /// The tile whose first element of C is `[i, j]`: at the edges one of fewer rows or of one vector, which
    /// wastes less. An element's sum runs in the same order in all of them.
    #[inline(always)]
    fn fitting<S: Simd, const ROWS: usize, const ROLE: u8>(
        &self,
        simd: S,
        a: Lhs<T>,
        b: RhsPanel<T>,
        [i, j]: [usize; 2],
    ) {
        let [m, n] = self.c.shape();
        let lanes = T::Vec::<S>::LANES;
        let (size, at) = ([ROWS.min(m - i), (TILE_VECTORS * lanes).min(n - j)], [i, j]);
        // Few rows are read as if they were not adjacent, and one vector without prefetching: each tile here
        // is compiled for every level and type.
        let strip = a.strip(i);
        match (size[0], size[1] <= lanes) {
            (..=4, true) if ROWS > 4 => {
                self.tile::<S, 4, 1, false, PLAIN>(simd, strip, b, at, size);
            }
            (_, true) => self.tile::<S, ROWS, 1, false, PLAIN>(simd, strip, b, at, size),
            (1, _) => self.tile::<S, 1, TILE_VECTORS, false, ROLE>(simd, strip, b, at, size),
            (2..=4, _) if ROWS > 4 => {
                self.tile::<S, 4, TILE_VECTORS, false, ROLE>(simd, strip, b, at, size);
            }
            (5..=6, _) if ROWS > 6 => {
                self.tile::<S, 6, TILE_VECTORS, false, ROLE>(simd, strip, b, at, size);
            }
            _ => self.wide::<S, ROWS, ROLE>(simd, a, b, at, size),
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
        simd: S,
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
        if full {
            let (rows, columns) = (at[0]..at[0] + size[0], at[1]..at[1] + size[1]);
            let bias = self.bias.part(rows, columns);
            // SAFETY: the whole tile lies inside `c`, all of whose elements the block owns.
            unsafe { self.write::<S, ROWS, VECTORS>(sums, at, bias) }
        } else {
            // A copy: what is passed by reference lies in memory, and the sums above in registers.
            let mut kept = [[<T::Vec<S> as Num>::splat(0.0); VECTORS]; ROWS];
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    kept[r][v] = sums[r][v];
                }
            }
            simd.vectorize(EdgeTile {
                block: self,
                sums: elements::<S, T>(kept.as_flattened()),
                row: VECTORS * T::Vec::<S>::LANES,
                at,
                size,
            });
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

    /// Writes `sums` to C at `[i, j]`, after C and the `bias` are added. (All loops here have constant bounds:
    /// the sums stay in registers.)
    #[inline(always)]
    unsafe fn write<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        mut sums: [[T::Vec<S>; VECTORS]; ROWS],
        [i, j]: [usize; 2],
        bias: Addend<'_, T>,
    ) {
        let lanes = T::Vec::<S>::LANES;
        // SAFETY: the whole tile lies inside C, which the block owns.
        let part = |r: usize, v: usize| unsafe {
            std::slice::from_raw_parts_mut(self.c.at(i + r, j + v * lanes), lanes)
        };
        if self.add {
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    sums[r][v] = sums[r][v] + Vector::load(part(r, v));
                }
            }
        }
        match bias {
            Addend::None => {}
            Addend::Rows(x) => {
                let x = &x[..ROWS];
                for r in 0..ROWS {
                    let y = Vector::repeat(x[r]);
                    for v in 0..VECTORS {
                        sums[r][v] = sums[r][v] + y;
                    }
                }
            }
            Addend::Columns(x) => {
                for v in 0..VECTORS {
                    let y = Vector::load(&x[v * lanes..]);
                    for r in 0..ROWS {
                        sums[r][v] = sums[r][v] + y;
                    }
                }
            }
        }
        for r in 0..ROWS {
            for v in 0..VECTORS {
                sums[r][v].store(part(r, v));
            }
        }
    }
}

/// The elements of vectors, one after another.
#[inline(always)]
fn elements<S: Simd, T: Float>(vectors: &[T::Vec<S>]) -> &[T] {
    let lanes = T::Vec::<S>::LANES;
    const { assert!(size_of::<T::Vec<S>>() == T::Vec::<S>::LANES * size_of::<T>()) };
    // SAFETY: a vector is its elements and nothing else, as its size says.
    unsafe { std::slice::from_raw_parts(vectors.as_ptr().cast(), vectors.len() * lanes) }
}

/// A tile that an edge cuts, to be written to C. Compiled once for all such tiles, unlike the loop above.
struct EdgeTile<'a, T> {
    block: &'a TileBlock<'a, T>,
    /// The tile's sums, row by row of whole vectors.
    sums: &'a [T],
    /// Elements of a row of them.
    row: usize,
    at: [usize; 2],
    /// The rows and columns that C has of it.
    size: [usize; 2],
}

impl<T: Float> Kernel for EdgeTile<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (lanes, [i, j], [rows, cols]) = (T::Vec::<S>::LANES, self.at, self.size);
        let bias = self.block.bias.part(i..i + rows, j..j + cols);
        for r in 0..rows {
            for first in (0..cols).step_by(lanes) {
                let width = lanes.min(cols - first);
                // SAFETY: row `i + r` and columns `j .. j + cols` lie inside C, which the block owns.
                let part = unsafe {
                    std::slice::from_raw_parts_mut(self.block.c.at(i + r, j + first), width)
                };
                let mut y: T::Vec<S> = Vector::load(&self.sums[r * self.row + first..]);
                if self.block.add {
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
