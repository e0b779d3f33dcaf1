//! What attention reads and writes, head by head.

use super::tile::Tile;
use crate::dtype::Element;
use crate::kernel::matrix::{MatMut, MatRef};
use crate::simd::{Float, Level};

/// What attention reads: for each head queries `[time, depth]`, keys `[keys, depth]` and values
/// `[keys, width]`.
pub(crate) struct Heads<'a, T> {
    /// The level of all products and visits.
    pub(crate) level: Level,
    /// The queries.
    pub(crate) q: Vec<MatRef<'a, T>>,
    /// The keys.
    pub(crate) k: Vec<MatRef<'a, T>>,
    /// The values.
    pub(crate) v: Vec<MatRef<'a, T>>,
    /// The mask.
    pub(crate) mask: ScoreMask<'a, T>,
    /// Whether a query sees the keys up to its own step only.
    pub(crate) causal: bool,
    /// What products of queries and keys are multiplied by.
    pub(crate) scale: f64,
}

/// What is added to the scores of each head, `[time, keys]`.
pub(crate) enum ScoreMask<'a, T> {
    None,
    /// Numbers.
    Add(Vec<MatRef<'a, T>>),
    /// Nothing where true, minus infinity where false.
    Keep(Vec<MatRef<'a, bool>>),
}

impl<T: Float + Element> Heads<'_, T> {
    /// Queries of a head.
    pub(super) fn time(&self) -> usize {
        self.q.first().map_or(0, |q| q.shape()[0])
    }

    /// Keys of a head.
    pub(super) fn keys(&self) -> usize {
        self.k.first().map_or(0, |k| k.shape()[0])
    }

    /// The tile's mask in `room`; `None` where there is none.
    pub(super) fn added<'r>(&self, tile: &Tile, room: &'r mut Vec<T>) -> Option<&'r [T]> {
        let [rows, cols] = tile.shape();
        let at = (tile.queries.start, tile.keys.start);
        if matches!(self.mask, ScoreMask::None) {
            return None;
        }
        room.resize(rows * cols, T::default());
        for (i, row) in room.chunks_exact_mut(cols).enumerate() {
            match &self.mask {
                ScoreMask::None => {}
                ScoreMask::Add(m) => {
                    m[tile.head]
                        .part(at.0, at.1, [rows, cols])
                        .row_into(i, row, |x| x)
                }
                ScoreMask::Keep(m) => {
                    m[tile.head]
                        .part(at.0, at.1, [rows, cols])
                        .row_into(i, row, seen_or_not)
                }
            }
        }
        Some(room)
    }
}

/// What a boolean mask adds to a score.
fn seen_or_not<T: Element>(keep: bool) -> T {
    T::from_f64(if keep { 0.0 } else { f64::NEG_INFINITY })
}

/// The matrices `[time, width]` of `outer * heads` heads of each of `N` results in a tall one
/// `[outer * time, N * heads * width]`.
pub(crate) fn side_by_side<'a, T, const N: usize>(
    whole: &MatMut<'a, T>,
    outer: usize,
    heads: usize,
) -> [Vec<MatMut<'a, T>>; N] {
    let [rows, cols] = whole.shape();
    let shape = [rows / outer.max(1), cols / (N * heads).max(1)];
    std::array::from_fn(|result| {
        let at = |n: usize| {
            let (o, h) = (n / heads, result * heads + n % heads);
            // SAFETY: row `o * time` and column `h * width` with `o < outer` and `h < N * heads` begin a
            // block of `shape` inside `whole`, and no two of these blocks share an element. Whoever has
            // the blocks borrows what `whole` borrows; `whole` itself is not written through.
            unsafe { whole.block(o * shape[0], h * shape[1], shape) }
        };
        (0..outer * heads).map(at).collect()
    })
}
