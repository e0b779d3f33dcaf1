//! Softmax attention in tiles; `README.md` beside this file tells how and why.

mod backward;
mod forward;

use std::ops::Range;

pub(crate) use backward::{Gradients, backward};
pub(crate) use forward::forward;

use super::gemm::{MatMut, MatRef};
use crate::dtype::Element;
use crate::simd::{Float, Level};

/// Queries, and keys, of a tile, about.
const TILE: usize = 128;

/// What attention reads: for each head queries `[time, depth]`, keys `[keys, depth]` and values
/// `[keys, width]`.
pub(crate) struct Heads<'a, T> {
    pub(crate) level: Level,
    pub(crate) q: Vec<MatRef<'a, T>>,
    pub(crate) k: Vec<MatRef<'a, T>>,
    pub(crate) v: Vec<MatRef<'a, T>>,
    pub(crate) mask: Mask<'a, T>,
    /// Whether a query sees the keys up to its own step only.
    pub(crate) causal: bool,
    pub(crate) scale: f64,
}

/// What is added to the scores of each head, `[time, keys]`.
pub(crate) enum Mask<'a, T> {
    None,
    /// Numbers.
    Add(Vec<MatRef<'a, T>>),
    /// Nothing where true, minus infinity where false.
    Keep(Vec<MatRef<'a, bool>>),
}

/// A tile of one head: its queries, its keys, and which of them each query sees.
#[derive(Clone)]
struct Tile {
    head: usize,
    queries: Range<usize>,
    keys: Range<usize>,
    causal: bool,
}

impl Tile {
    fn shape(&self) -> [usize; 2] {
        [self.queries.len(), self.keys.len()]
    }

    /// The number of the tile's keys, from its first one on, that its query `i` sees.
    #[inline(always)]
    fn seen(&self, i: usize) -> usize {
        if !self.causal {
            return self.keys.len();
        }
        let end = self.queries.start + i + 1;
        end.saturating_sub(self.keys.start).min(self.keys.len())
    }

    /// Whether no query sees any key.
    fn is_empty(&self) -> bool {
        self.seen(self.queries.len() - 1) == 0
    }
}

/// The most of `n` things in one range: nearly equal parts of about [`TILE`], of whole panels of a
/// product where there are several, since a panel that is not full costs as much as a full one.
fn tile_size(n: usize) -> usize {
    const PANEL: usize = 16;
    match (n + TILE / 2) / TILE {
        0 | 1 => n,
        parts => n.div_ceil(parts).next_multiple_of(PANEL),
    }
}

/// `n` things as ranges of [`tile_size`].
fn ranges(n: usize) -> impl Iterator<Item = Range<usize>> {
    let size = tile_size(n).max(1);
    (0..n.div_ceil(size)).map(move |i| i * size..n.min((i + 1) * size))
}

impl<T: Float + Element> Heads<'_, T> {
    fn time(&self) -> usize {
        self.q.first().map_or(0, |q| q.shape()[0])
    }

    fn keys(&self) -> usize {
        self.k.first().map_or(0, |k| k.shape()[0])
    }

    /// The tile's mask in `room`; `None` where there is none.
    fn added<'r>(&self, tile: &Tile, room: &'r mut Vec<T>) -> Option<&'r [T]> {
        let [rows, cols] = tile.shape();
        let at = (tile.queries.start, tile.keys.start);
        if matches!(self.mask, Mask::None) {
            return None;
        }
        room.resize(rows * cols, T::default());
        for (i, row) in room.chunks_exact_mut(cols).enumerate() {
            match &self.mask {
                Mask::None => {}
                Mask::Add(m) => m[tile.head]
                    .part(at.0, at.1, [rows, cols])
                    .row_into(i, row, |x| x),
                Mask::Keep(m) => {
                    m[tile.head]
                        .part(at.0, at.1, [rows, cols])
                        .row_into(i, row, seen_or_not)
                }
            }
        }
        Some(room)
    }
}

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

#[cfg(test)]
mod tests;
