//! The size of a level's register tile.

use std::marker::PhantomData;

use crate::simd::{Float, Kernel, Simd, Vector};

/// Vectors in a tile's row.
pub(super) const TILE_VECTORS: usize = 2;

/// Rows and columns of a level's tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileShape {
    /// Rows of C.
    pub(super) rows: usize,
    /// Columns of C.
    pub(super) cols: usize,
    /// Rows of a packed panel of A: one tile's, or as many tiles' as make a vector, since whole
    /// vectors are quicker to transpose.
    pub(super) packed_rows: usize,
}

impl TileShape {
    /// Whether the processor has many registers; then it has a larger L2 as well.
    pub(super) fn is_large(self) -> bool {
        self.rows >= 8
    }
}

/// A level's tile.
pub(super) struct GetTileShape<T>(pub(super) PhantomData<T>);

impl<T: Float> Kernel for GetTileShape<T> {
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
