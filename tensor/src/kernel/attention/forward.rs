//! The results, tile by tile, and the logarithm of each query's sum.

use super::heads::Heads;
use super::tile::{Tile, ranges, tile_size};
use crate::dtype::Element;
use crate::kernel::gemm::{self, MatMut, MatRef};
use crate::kernel::rows::{part, power, put, scale, top};
use crate::kernel::scratch::Scratch;
use crate::simd::{Float, Kernel, Lane, Num, Partial, Simd, SumBody, Vector};
use crate::threads::parallel_for;

/// Writes each head's result `[time, width]` to `out`, and to row `h` of `log` the logarithm of the sum
/// of `e^score` over the keys that each query sees.
pub(crate) fn forward<T: Float + Element>(heads: &Heads<T>, out: &[MatMut<T>], log: &MatMut<T>) {
    let tiles: Vec<_> = ranges(heads.time()).collect();
    parallel_for(heads.q.len() * tiles.len(), |task| {
        let (head, queries) = (task / tiles.len(), tiles[task % tiles.len()].clone());
        let (rows, width) = (queries.len(), out[head].shape()[1]);
        // SAFETY: the tasks' heads and queries differ, so their blocks do not overlap; both lie inside,
        // since a head's result has a row for each query, and `log` a row for each head.
        let (o, l) = unsafe {
            (
                out[head].block(queries.start, 0, [rows, width]),
                log.block(head, queries.start, [1, rows]),
            )
        };
        strip(heads, head, queries, o, l);
    });
}

/// The results of some queries of one head.
fn strip<T: Float + Element>(
    heads: &Heads<T>,
    head: usize,
    queries: std::ops::Range<usize>,
    mut out: MatMut<T>,
    mut log: MatMut<T>,
) {
    let (rows, width) = (queries.len(), out.shape()[1]);
    let mut memory = Scratch::tiles();
    let scores = memory.get::<T>(rows * tile_size(heads.keys()));
    let mut room = Vec::new();
    let mut state = State {
        top: vec![f64::NEG_INFINITY; rows],
        total: vec![0.0; rows],
        first: true,
    };
    let q = heads.q[head].part(queries.start, 0, [rows, heads.q[head].shape()[1]]);
    for keys in ranges(heads.keys()) {
        let (k, v) = (heads.k[head], heads.v[head]);
        let k = k.part(keys.start, 0, [keys.len(), k.shape()[1]]);
        let v = v.part(keys.start, 0, [keys.len(), width]);
        let tile = Tile {
            head,
            queries: queries.clone(),
            keys,
            causal: heads.causal,
        };
        if tile.is_empty() {
            break;
        }
        let scores = &mut scores[..rows * tile.keys.len()];
        let square = MatMut::rows_of(&mut *scores, tile.shape());
        gemm::tile(heads.level, q, k.t(), square, false);
        heads.level.dispatch(Weigh {
            added: heads.added(&tile, &mut room),
            scores: &mut *scores,
            tile: &tile,
            scale: heads.scale,
            state: &mut state,
            out: &mut out,
        });
        let weights = MatRef::rows_of(scores, tile.shape());
        // SAFETY: the block is all of `out`, which is not used while the product writes it.
        let all = unsafe { out.block(0, 0, [rows, width]) };
        gemm::tile(heads.level, weights, v, all, !state.first);
        state.first = false;
    }
    heads.level.dispatch(Normalize {
        state: &state,
        out: &mut out,
        log: log.row(0),
    });
}

/// What is known of each query's scores so far.
struct State {
    /// The largest.
    top: Vec<f64>,
    /// The sum of `e^(score - top)`.
    total: Vec<f64>,
    /// Whether the result holds nothing yet.
    first: bool,
}

/// Turns a tile's products into `e^(score - top)`, and brings state and result to the new top.
struct Weigh<'a, 'c, T> {
    /// Products of queries and keys, a row for each query; weights afterwards.
    scores: &'a mut [T],
    /// Which queries and keys.
    tile: &'a Tile,
    /// What the mask adds.
    added: Option<&'a [T]>,
    /// The factor of the products.
    scale: f64,
    /// What is known of the queries so far.
    state: &'a mut State,
    /// The result so far.
    out: &'a mut MatMut<'c, T>,
}

impl<T: Float + Element> Kernel for Weigh<'_, '_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [rows, cols] = self.tile.shape();
        for i in 0..rows {
            let (row, rest) = self.scores[i * cols..][..cols].split_at_mut(self.tile.seen(i));
            rest.fill(T::default());
            let mut by = self.scale;
            if self.added.is_some() || by <= 0.0 {
                let added = self.added.map(|a| &a[i * cols..][..row.len()]);
                prepare::<T, S>(row, by, added);
                by = 1.0;
            }
            let old = self.state.top[i];
            // Rounded to the elements' type, as the steps below see it.
            let here = Element::to_f64(top::<T, S>(row)) * by;
            let here = Element::to_f64(<T as Element>::from_f64(here));
            let new = if here > old || here.is_nan() {
                here
            } else {
                old
            };
            if new == f64::NEG_INFINITY {
                row.fill(T::default());
                continue;
            }
            let keep = (old - new).exp();
            self.state.top[i] = new;
            self.state.total[i] = self.state.total[i] * keep + powers::<T, S>(row, by, new);
            if !self.state.first && keep != 1.0 {
                scale::<T, S>(self.out.row(i), keep);
            }
        }
    }
}

/// `row = row * by + added`.
#[inline(always)]
pub(super) fn prepare<T: Float, S: Simd>(row: &mut [T], by: f64, added: Option<&[T]>) {
    let (by, zero) = (<T::Vec<S> as Num>::splat(by), T::default());
    for i in (0..row.len()).step_by(T::Vec::<S>::LANES) {
        let x = part::<T, S>(&row[i..], zero) * by;
        let x = match added {
            Some(a) => x + part::<T, S>(&a[i..], zero),
            None => x,
        };
        put::<T, S>(x, &mut row[i..]);
    }
}

/// `row = e^(row * by - top)`, and its sum.
#[inline(always)]
fn powers<T: Float + Element, S: Simd>(row: &mut [T], by: f64, top: f64) -> f64 {
    let lanes = T::Vec::<S>::LANES;
    let (by, top) = (
        <T::Vec<S> as Num>::splat(by),
        <T::Vec<S> as Num>::splat(-top),
    );
    let mut sums = [<T::Vec<S> as Num>::splat(0.0); 4];
    let mut at = 0;
    while at + 4 * lanes <= row.len() {
        for u in 0..4 {
            let i = at + u * lanes;
            let e = power::<T, S>(T::Vec::<S>::load(&row[i..]).mul_add(by, top));
            e.store(&mut row[i..]);
            sums[u] = sums[u] + e;
        }
        at += 4 * lanes;
    }
    let low = <T as Num>::splat(f64::NEG_INFINITY);
    for i in (at..row.len()).step_by(lanes) {
        let e = power::<T, S>(part::<T, S>(&row[i..], low).mul_add(by, top));
        put::<T, S>(e, &mut row[i..]);
        sums[0] = sums[0] + e;
    }
    Element::to_f64(Partial::<T, S>::of(sums).finish(SumBody))
}

/// Divides each row of the result by its sum, and writes the logarithm of the sum of `e^score`.
struct Normalize<'a, 'c, T> {
    /// What is known of the queries after the last tile.
    state: &'a State,
    /// The weighted sums of values.
    out: &'a mut MatMut<'c, T>,
    /// A logarithm for each query.
    log: &'a mut [T],
}

impl<T: Float + Element> Kernel for Normalize<'_, '_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let State { top, total, first } = self.state;
        for i in 0..self.log.len() {
            self.log[i] = <T as Element>::from_f64(top[i] + total[i].ln());
            if *first || total[i] == 0.0 {
                self.out.row(i).fill(T::default()); // the query sees nothing
            } else {
                scale::<T, S>(self.out.row(i), 1.0 / total[i]);
            }
        }
    }
}
