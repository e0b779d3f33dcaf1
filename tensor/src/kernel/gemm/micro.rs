//! The innermost loop: a tile of C, `TILE_ROWS` by two vectors, held in registers while one row of
//! B and one column of A go by for each step of k.

use super::view::MatMut;
use crate::simd::{Float, Kernel, Lane, MAX_LANES, Num, Simd, Vector};

/// Vectors in a tile's row.
pub(super) const TILE_VECTORS: usize = 2;

/// Rows and columns of a level's tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileShape {
    pub(super) rows: usize,
    pub(super) cols: usize,
}

/// Asks a level for its tile.
pub(super) struct AskTile<T>(pub(super) std::marker::PhantomData<T>);

impl<T: Float> Kernel for AskTile<T> {
    type Out = TileShape;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> TileShape {
        TileShape {
            rows: S::TILE_ROWS,
            cols: TILE_VECTORS * T::Vec::<S>::LANES,
        }
    }
}

/// The rows of A that a block multiplies: packed panels, or the matrix itself.
#[derive(Clone, Copy)]
pub(super) struct Left<T> {
    pub(super) start: *const T,
    /// From one panel of tile rows to the next.
    pub(super) panel: isize,
    pub(super) row: isize,
    pub(super) step: isize,
    /// The panels are packed: rows adjacent, steps `TILE_ROWS` apart.
    pub(super) packed: bool,
}

/// The columns of B that a block multiplies, as panels of tile columns; each step's are adjacent.
#[derive(Clone, Copy)]
pub(super) struct Right<T> {
    pub(super) start: *const T,
    /// From one panel of tile columns to the next.
    pub(super) panel: isize,
    pub(super) step: isize,
}

/// `C = A B`, or `C += A B`, for a block of C with at least one element.
pub(super) struct Block<'a, T> {
    pub(super) k: usize,
    pub(super) a: Left<T>,
    pub(super) b: Right<T>,
    pub(super) c: MatMut<'a, T>,
    pub(super) add: bool,
}

impl<T: Float> Kernel for Block<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        match (S::TILE_ROWS, self.a.packed) {
            (12, true) => self.tiles::<S, 12, true>(),
            (12, false) => self.tiles::<S, 12, false>(),
            (6, true) => self.tiles::<S, 6, true>(),
            (6, false) => self.tiles::<S, 6, false>(),
            (_, true) => self.tiles::<S, 2, true>(),
            (_, false) => self.tiles::<S, 2, false>(),
        }
    }
}

impl<T: Float> Block<'_, T> {
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize, const PACKED: bool>(&self) {
        let [m, n] = self.c.shape();
        let cols = TILE_VECTORS * T::Vec::<S>::LANES;
        for (jp, j) in (0..n).step_by(cols).enumerate() {
            let b = self.b.start.wrapping_offset(jp as isize * self.b.panel);
            for (ip, i) in (0..m).step_by(ROWS).enumerate() {
                let a = self.a.start.wrapping_offset(ip as isize * self.a.panel);
                let rows = ROWS.min(m - i);
                // SAFETY: the makers of `Left` and `Right` vouch that the panels of this block
                // hold `k` steps of `rows` rows and of `cols` columns.
                let sums = unsafe { self.multiply::<S, ROWS, PACKED>(a, b, rows) };
                // SAFETY: the tile begins inside `c`, and `write` keeps to its edges; the block
                // owns all elements of `c`.
                unsafe { self.write::<S, ROWS>(&sums, i, j, [rows, cols.min(n - j)]) };
            }
        }
    }

    /// The sums of one tile. Rows beyond `rows` repeat the last one, so that nothing is read that
    /// may not be there.
    #[inline(always)]
    unsafe fn multiply<S: Simd, const ROWS: usize, const PACKED: bool>(
        &self,
        a: *const T,
        b: *const T,
        rows: usize,
    ) -> [[T::Vec<S>; TILE_VECTORS]; ROWS] {
        let lanes = T::Vec::<S>::LANES;
        let mut offsets = [0isize; ROWS];
        for i in 0..ROWS {
            offsets[i] = if PACKED {
                i as isize
            } else {
                i.min(rows - 1) as isize * self.a.row
            };
        }
        let a_step = if PACKED { ROWS as isize } else { self.a.step };
        let (mut a, mut b) = (a, b);
        let zero = <T::Vec<S> as Num>::splat(0.0);
        let mut sums = [[zero; TILE_VECTORS]; ROWS];
        for _ in 0..self.k {
            let mut y = [zero; TILE_VECTORS];
            for v in 0..TILE_VECTORS {
                // SAFETY: each of the `k` steps of B has two vectors of adjacent elements.
                let part = unsafe { std::slice::from_raw_parts(b.add(v * lanes), lanes) };
                y[v] = Vector::load(part);
            }
            for i in 0..ROWS {
                // SAFETY: each of the `k` steps of A has an element in each of its `rows` rows
                // (in all `ROWS` of them when packed).
                let x = Vector::repeat(unsafe { *a.offset(offsets[i]) });
                for v in 0..TILE_VECTORS {
                    sums[i][v] = y[v].mul_add(x, sums[i][v]);
                }
            }
            a = a.wrapping_offset(a_step);
            b = b.wrapping_offset(self.b.step);
        }
        sums
    }

    /// Writes the first `rows` by `cols` of `sums` to C at `[i, j]`.
    #[inline(always)]
    unsafe fn write<S: Simd, const ROWS: usize>(
        &self,
        sums: &[[T::Vec<S>; TILE_VECTORS]; ROWS],
        i: usize,
        j: usize,
        [rows, cols]: [usize; 2],
    ) {
        let lanes = T::Vec::<S>::LANES;
        let full = cols == TILE_VECTORS * lanes;
        for r in 0..ROWS {
            if r == rows {
                break;
            }
            // SAFETY: row `i + r` and columns `j .. j + cols` lie inside C, which the block owns.
            let row = unsafe { std::slice::from_raw_parts_mut(self.c.at(i + r, j), cols) };
            if full {
                for v in 0..TILE_VECTORS {
                    let part = &mut row[v * lanes..(v + 1) * lanes];
                    let mut y = sums[r][v];
                    if self.add {
                        y = y + Vector::load(part);
                    }
                    y.store(part);
                }
            } else {
                let mut edge = [T::default(); TILE_VECTORS * MAX_LANES];
                for v in 0..TILE_VECTORS {
                    sums[r][v].store(&mut edge[v * lanes..]);
                }
                for x in 0..cols {
                    row[x] = if self.add { row[x] + edge[x] } else { edge[x] };
                }
            }
        }
    }
}
