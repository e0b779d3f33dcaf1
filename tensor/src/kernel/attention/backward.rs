//! The gradients of queries, keys and values, tile by tile.

use super::forward::prepare;
use super::heads::Heads;
use super::tile::{Tile, ranges, tile_size};
use crate::dtype::Element;
use crate::kernel::gemm::{self, MatMut, MatRef};
use crate::kernel::rows::{dot, part, power, put};
use crate::kernel::scratch::Scratch;
use crate::simd::{Float, Kernel, Lane, Num, Simd, Vector};
use crate::threads::parallel_for;

/// What the gradients follow from, and where they go.
pub(crate) struct Gradients<'a, 'c, T> {
    /// The cotangent of each head's result, rows of adjacent elements.
    pub(crate) g: Vec<MatRef<'a, T>>,
    /// Each head's result, rows of adjacent elements.
    pub(crate) out: Vec<MatRef<'a, T>>,
    /// The logarithm of the sum of `e^score` of each head's queries, one head after the other.
    pub(crate) log: &'a [T],
    /// The cotangent of `log`.
    pub(crate) g_log: &'a [T],
    /// The gradient of each head's queries.
    pub(crate) dq: Vec<MatMut<'c, T>>,
    /// The gradient of each head's keys.
    pub(crate) dk: Vec<MatMut<'c, T>>,
    /// The gradient of each head's values.
    pub(crate) dv: Vec<MatMut<'c, T>>,
}

/// Writes the gradients of every head.
pub(crate) fn backward<T: Float + Element>(heads: &Heads<T>, grads: &Gradients<T>) {
    parallel_for(heads.q.len(), |head| {
        let all = |m: &MatMut<_>| {
            let [rows, cols] = m.shape();
            (rows, cols)
        };
        let Gradients { dq, dk, dv, .. } = grads;
        let [(t, depth), (s, _), (_, width)] = [all(&dq[head]), all(&dk[head]), all(&dv[head])];
        // SAFETY: each block is all of a matrix that no other task and nothing else here uses.
        let to = unsafe {
            [
                dq[head].block(0, 0, [t, depth]),
                dk[head].block(0, 0, [s, depth]),
                dv[head].block(0, 0, [s, width]),
            ]
        };
        one_head(heads, grads, head, to);
    });
}

/// The gradients of one head: for each tile of keys, over all tiles of queries.
fn one_head<T: Float + Element>(
    heads: &Heads<T>,
    grads: &Gradients<T>,
    head: usize,
    mut to: [MatMut<T>; 3],
) {
    let (time, keys) = (heads.time(), heads.keys());
    let log = &grads.log[head * time..][..time];
    let along = &mut vec![T::default(); time];
    heads.level.dispatch(Along {
        g: grads.g[head],
        out: grads.out[head],
        g_log: &grads.g_log[head * time..][..time],
        along,
    });
    let area = tile_size(time) * tile_size(keys);
    let mut memory = Scratch::tiles();
    let (scores, slopes) = memory.get::<T>(2 * area).split_at_mut(area);
    let mut room = Vec::new();
    for keys in ranges(keys) {
        let mut first = true;
        for queries in ranges(time) {
            let tile = Tile {
                head,
                queries: queries.clone(),
                keys: keys.clone(),
                causal: heads.causal,
            };
            if tile.is_empty() {
                continue;
            }
            let n = queries.len() * keys.len();
            let slopes = Slopes {
                scores: &mut scores[..n],
                slopes: &mut slopes[..n],
                tile: &tile,
                added: heads.added(&tile, &mut room),
                scale: heads.scale,
                log: &log[queries.clone()],
                along: &along[queries],
            };
            one_tile(heads, grads.g[head], slopes, &to, first);
            first = false;
        }
        if first {
            let [_, dk, dv] = &mut to;
            keys.for_each(|j| {
                dk.row(j).fill(T::default());
                dv.row(j).fill(T::default());
            });
        }
    }
    if heads.keys() == 0 {
        (0..time).for_each(|i| to[0].row(i).fill(T::default()));
    }
}

/// Adds what one tile of scores gives to the gradients `dq`, `dk` and `dv` of its head, or writes the last
/// two where the tile is the `first` of its keys: five products.
fn one_tile<T: Float + Element>(
    heads: &Heads<T>,
    g: MatRef<T>,
    slopes: Slopes<T>,
    [dq, dk, dv]: &[MatMut<T>; 3],
    first: bool,
) {
    let (level, tile) = (heads.level, slopes.tile);
    let (q, k, v) = (heads.q[tile.head], heads.k[tile.head], heads.v[tile.head]);
    let ([rows, keys], [depth, width]) = (tile.shape(), [q.shape()[1], v.shape()[1]]);
    let (at, from) = (tile.queries.start, tile.keys.start);
    let (qi, gi) = (q.part(at, 0, [rows, depth]), g.part(at, 0, [rows, width]));
    let (kj, vj) = (
        k.part(from, 0, [keys, depth]),
        v.part(from, 0, [keys, width]),
    );
    let square = MatMut::rows_of(&mut *slopes.scores, tile.shape());
    gemm::tile(level, qi, kj.t(), square, false);
    let square = MatMut::rows_of(&mut *slopes.slopes, tile.shape());
    gemm::tile(level, gi, vj.t(), square, false);
    let [p, ds] = level.dispatch(slopes);
    let [p, ds] = [p, ds].map(|m| MatRef::rows_of(m, tile.shape()));
    // SAFETY: the blocks lie inside, and each is used by one product alone.
    let (to_q, to_k, to_v) = unsafe {
        (
            dq.block(at, 0, [rows, depth]),
            dk.block(from, 0, [keys, depth]),
            dv.block(from, 0, [keys, width]),
        )
    };
    gemm::tile(level, p.t(), gi, to_v, !first);
    gemm::tile(level, ds.t(), qi, to_k, !first);
    // Every query meets the first keys first, also under a causal mask.
    gemm::tile(level, ds, kj, to_q, from > 0);
}

/// `sum g out - g_log` for each query: what each of its scores' slopes is lowered by.
struct Along<'a, T> {
    /// The cotangent of the result.
    g: MatRef<'a, T>,
    /// The result.
    out: MatRef<'a, T>,
    /// The cotangent of the logarithms.
    g_log: &'a [T],
    /// A number for each query.
    along: &'a mut [T],
}

impl<T: Float + Element> Kernel for Along<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for i in 0..self.along.len() {
            let sum = <T as Element>::from_f64(dot::<T, S>(self.g.row(i), self.out.row(i)));
            self.along[i] = sum - self.g_log[i];
        }
    }
}

/// Turns a tile's scores into probabilities `p`, and its products `g v^T` into `scale p (g v^T - along)`;
/// returns both.
struct Slopes<'a, T> {
    /// Products `q k^T`; probabilities afterwards.
    scores: &'a mut [T],
    /// Products `g v^T`; the scores' gradients afterwards.
    slopes: &'a mut [T],
    /// Which queries and keys.
    tile: &'a Tile,
    /// What the mask adds to scores.
    added: Option<&'a [T]>,
    /// The factor of the scores.
    scale: f64,
    /// The logarithms of the queries' sums.
    log: &'a [T],
    /// What [`Along`] found for the queries.
    along: &'a [T],
}

impl<'a, T: Float + Element> Kernel for Slopes<'a, T> {
    type Out = [&'a [T]; 2];
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> [&'a [T]; 2] {
        let (lanes, zero) = (T::Vec::<S>::LANES, T::default());
        let [rows, cols] = self.tile.shape();
        let scale = <T::Vec<S> as Num>::splat(self.scale);
        for i in 0..rows {
            let none = Element::to_f64(self.log[i]) == f64::NEG_INFINITY;
            let seen = if none { 0 } else { self.tile.seen(i) };
            let (p, rest) = self.scores[i * cols..][..cols].split_at_mut(seen);
            rest.fill(zero);
            let (ds, rest) = self.slopes[i * cols..][..cols].split_at_mut(seen);
            rest.fill(zero);
            let mut by = scale;
            if let Some(added) = self.added {
                prepare::<T, S>(p, self.scale, Some(&added[i * cols..][..seen]));
                by = Num::splat(1.0);
            }
            let (log, along) = (
                <T::Vec<S> as Vector>::repeat(-self.log[i]),
                Vector::repeat(self.along[i]),
            );
            for j in (0..seen).step_by(lanes) {
                let e = power::<T, S>(part::<T, S>(&p[j..], zero).mul_add(by, log));
                let slope = (part::<T, S>(&ds[j..], zero) - along) * e * scale;
                put::<T, S>(e, &mut p[j..]);
                put::<T, S>(slope, &mut ds[j..]);
            }
        }
        [self.scores, self.slopes]
    }
}
