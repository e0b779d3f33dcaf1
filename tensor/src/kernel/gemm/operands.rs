//! A and B as the innermost loop reads them, packed or in place.

/// The rows of A that a block multiplies: packed panels, or the matrix itself. An invariant of whoever makes
/// one: each panel holds the block's steps of k.
#[derive(Clone, Copy)]
pub(super) struct Lhs<T> {
    /// Element `[0, 0]`.
    pub(super) start: *const T,
    /// Rows of a panel, a multiple of the tile's.
    pub(super) rows: usize,
    /// From one panel to the next.
    pub(super) panel: isize,
    /// From one row to the next.
    pub(super) row: isize,
    /// From one step of k to the next.
    pub(super) step: isize,
    /// A panel's rows are adjacent.
    pub(super) adjacent: bool,
}

impl<T> Lhs<T> {
    /// The rows of a tile from `i` on.
    #[inline(always)]
    pub(super) fn strip(&self, i: usize) -> LhsStrip<T> {
        let (panel, row) = ((i / self.rows) as isize, (i % self.rows) as isize);
        let from = panel * self.panel + row * self.row;
        LhsStrip {
            start: self.start.wrapping_offset(from),
            step: self.step,
            pack: std::ptr::null_mut(),
        }
    }

    /// Panels of `rows` rows and `k` steps, packed from `start` on.
    pub(super) fn packed(start: *const T, rows: usize, k: usize) -> Lhs<T> {
        Lhs {
            start,
            rows,
            panel: (rows * k) as isize,
            row: 1,
            step: rows as isize,
            adjacent: true,
        }
    }
}

/// The columns of B that a block multiplies, as panels of tile columns; each step's are adjacent. The last
/// panel has whole vectors, as many as the block's columns fill.
#[derive(Clone, Copy)]
pub(super) struct Rhs<T> {
    /// The first step of the first panel.
    pub(super) start: *const T,
    /// From one panel of tile columns to the next.
    pub(super) panel: isize,
    /// From one step of k to the next.
    pub(super) step: isize,
    /// Whether a single tile reads each panel, from memory.
    pub(super) once: bool,
}

/// A tile's rows of A: where they begin, from one step to the next, and where the tile packs them, together
/// with the others that fill a vector.
#[derive(Clone, Copy)]
pub(super) struct LhsStrip<T> {
    /// The first row at the first step.
    pub(super) start: *const T,
    /// From one step to the next.
    pub(super) step: isize,
    /// Where the tile packs the rows; null where it does not.
    pub(super) pack: *mut T,
}

/// A panel of B: where it begins, from one step to the next, and where a tile packs it.
#[derive(Clone, Copy)]
pub(super) struct RhsPanel<T> {
    /// The first step.
    pub(super) start: *const T,
    /// From one step to the next.
    pub(super) step: isize,
    /// Where the tile packs the panel; null where it does not.
    pub(super) pack: *mut T,
    /// What is prefetched at the first step: a line of the next panel in memory.
    pub(super) next: *const T,
}
