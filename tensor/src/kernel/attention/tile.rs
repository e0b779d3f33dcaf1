//! Tiles of queries by keys.

use std::ops::Range;

/// Queries, and keys, of a tile, about.
const TILE: usize = 128;

/// A tile of one head: its queries, its keys, and which of them each query sees.
#[derive(Clone)]
pub(super) struct Tile {
    /// The head.
    pub(super) head: usize,
    /// Its queries.
    pub(super) queries: Range<usize>,
    /// Its keys.
    pub(super) keys: Range<usize>,
    /// Whether a query sees the keys up to its own step only.
    pub(super) causal: bool,
}

impl Tile {
    /// Queries by keys.
    pub(super) fn shape(&self) -> [usize; 2] {
        [self.queries.len(), self.keys.len()]
    }

    /// The number of the tile's keys, from its first one on, that its query `i` sees.
    #[inline(always)]
    pub(super) fn seen(&self, i: usize) -> usize {
        if !self.causal {
            return self.keys.len();
        }
        let end = self.queries.start + i + 1;
        end.saturating_sub(self.keys.start).min(self.keys.len())
    }

    /// Whether no query sees any key.
    pub(super) fn is_empty(&self) -> bool {
        self.seen(self.queries.len() - 1) == 0
    }
}

/// The most of `n` things in one range: nearly equal parts of about [`TILE`], of whole panels of a
/// product where there are several, since a panel that is not full costs as much as a full one.
pub(super) fn tile_size(n: usize) -> usize {
    const PANEL: usize = 16;
    match (n + TILE / 2) / TILE {
        0 | 1 => n,
        parts => n.div_ceil(parts).next_multiple_of(PANEL),
    }
}

/// `n` things as ranges of [`tile_size`].
pub(super) fn ranges(n: usize) -> impl Iterator<Item = Range<usize>> {
    let size = tile_size(n).max(1);
    (0..n.div_ceil(size)).map(move |i| i * size..n.min((i + 1) * size))
}
