//! Rows picked by an index: copied, and added back.

use crate::dtype::Element;
use crate::simd::{self, Kernel, Level, Simd};
use crate::threads::{self, GRAIN, rows_per_task};

/// Bytes of rows that are prefetched ahead: rows lie anywhere, so hardware prefetchers do not find the next
/// one.
const AHEAD: usize = 8192;

/// Rows of a table, in blocks of which each is picked from by the same `ids`.
#[derive(Clone, Copy)]
struct Picked<'a, T> {
    /// The blocks, one after the other.
    table: &'a [T],
    /// Rows in a block of the table.
    size: usize,
    /// Elements of a row.
    inner: usize,
    /// Which rows, in order.
    ids: &'a [i64],
}

impl<'a, T> Picked<'a, T> {
    /// The row that id `k` picks from a block.
    #[inline(always)]
    fn row(&self, block: usize, k: usize) -> &'a [T] {
        let at = (block * self.size + self.ids[k] as usize) * self.inner;
        &self.table[at..at + self.inner]
    }
}

/// Copies to the rows of `to` row `k` of block `block` of what is picked, and those after it.
struct CopyRows<'a, T> {
    /// What is picked.
    from: Picked<'a, T>,
    /// The block of the first row.
    block: usize,
    /// The number of its id.
    k: usize,
    /// As many rows as are copied.
    to: &'a mut [T],
}

impl<T: Copy> Kernel for CopyRows<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (from, mut block, mut k) = (self.from, self.block, self.k);
        let ahead = (AHEAD / (from.inner * size_of::<T>())).clamp(1, 32);
        let last = from.ids.len() - 1;
        for row in self.to.chunks_exact_mut(from.inner) {
            let later = from.row(block, (k + ahead).min(last));
            copy_row(from.row(block, k), later, row);
            // No division for each row: it would take as long as a short row.
            (block, k) = match k == last {
                true => (block + 1, 0),
                false => (block, k + 1),
            };
        }
    }
}

/// Copies a row a piece at a time, and prefetches the same piece of a `later` one: a whole row at once would
/// need more lines than a core can have in flight.
#[inline(always)]
fn copy_row<T: Copy>(row: &[T], later: &[T], to: &mut [T]) {
    let piece = const { 128 / size_of::<T>() };
    let whole = row.len() / piece * piece;
    let pieces = row.chunks_exact(piece).zip(later.chunks_exact(piece));
    for ((row, later), to) in pieces.zip(to.chunks_exact_mut(piece)) {
        simd::prefetch(later.as_ptr());
        simd::prefetch(&raw const later[piece / 2]);
        to.copy_from_slice(row);
    }
    if let Some(start) = later.get(whole..).filter(|rest| !rest.is_empty()) {
        simd::prefetch(start.as_ptr());
        to[whole..].copy_from_slice(&row[whole..]);
    }
}

/// Writes to `out` the rows of `inner` elements that `ids` pick from each block of `size` rows of `table`, in
/// parallel.
pub(crate) fn copy_rows<T: Copy + Send + Sync>(
    level: Level,
    table: &[T],
    ids: &[i64],
    [size, inner]: [usize; 2],
    out: &mut [T],
) {
    if out.is_empty() {
        return;
    }
    let from = Picked {
        table,
        size,
        inner,
        ids,
    };
    let rows = rows_per_task(inner);
    let level = level.streaming();
    threads::parallel_chunks(out, rows * inner, |i, to| {
        level.dispatch(CopyRows {
            from,
            block: i * rows / ids.len(),
            k: i * rows % ids.len(),
            to,
        });
    });
}

/// Adds rows of `inner` elements of `from` at `ids` among `size` rows of `to`, in their order, by `add`.
/// A task has a part of the rows of `to`, and looks for the ids that fall there.
pub(crate) fn add_rows<T: Element>(
    to: &mut [T],
    ids: &[i64],
    from: &[T],
    [size, inner]: [usize; 2],
    add: &(dyn Fn(&mut [T], &[T]) + Sync),
) {
    if from.is_empty() {
        return;
    }
    // Half a dozen tasks where there is work for them, none across two blocks of the outer axes.
    let share = size.div_ceil(if from.len() > 8 * GRAIN { 6 } else { 1 });
    let mut parts: Vec<(usize, usize, &mut [T])> = Vec::new();
    for (outer, block) in to.chunks_exact_mut(size * inner).enumerate() {
        let rows = block.chunks_mut(share * inner).enumerate();
        parts.extend(rows.map(|(i, part)| (outer, i * share, part)));
    }
    threads::parallel_chunks(&mut parts, 1, |_, part| {
        let (outer, first, to) = &mut part[0];
        let from = &from[*outer * ids.len() * inner..][..ids.len() * inner];
        for (&id, row) in ids.iter().zip(from.chunks_exact(inner)) {
            let id = id as usize;
            let at = id.wrapping_sub(*first).wrapping_mul(inner);
            if id >= *first && at < to.len() {
                add(&mut to[at..at + inner], row);
            }
        }
    });
}
