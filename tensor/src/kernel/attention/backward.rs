//! The gradients of queries, keys and values, tile by tile.

use super::forward::prepare;
use super::{Heads, Tile, ranges, tile_size};
use crate::dtype::Element;
use crate::kernel::gemm::{self, MatMut, MatRef, Scratch};
use crate::kernel::rows::{dot, part, power, put};
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
    pub(crate) dq: Vec<MatMut<'c, T>>,
    pub(crate) dk: Vec<MatMut<'c, T>>,
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

fn one_head<T: Float + Element>(
    heads: &Heads<T>,
    grads: &Gradients<T>,
    head: usize,
    [mut dq, mut dk, mut dv]: [MatMut<T>; 3],
) {
    let level = heads.level;
    let (time, keys) = (heads.time(), heads.keys());
    let (q, k, v) = (heads.q[head], heads.k[head], heads.v[head]);
    let (g, depth, width) = (grads.g[head], q.shape()[1], v.shape()[1]);
    let log = &grads.log[head * time..][..time];
    let along = &mut vec![T::default(); time];
    level.dispatch(Along {
        g,
        out: grads.out[head],
        g_log: &grads.g_log[head * time..][..time],
        along,
    });
    let area = tile_size(time) * tile_size(keys);
    let mut memory = Scratch::tiles();
    let (scores, slopes) = memory.get::<T>(2 * area).split_at_mut(area);
    let mut room = Vec::new();
    for keys in ranges(keys) {
        let (kj, vj) = (
            k.part(keys.start, 0, [keys.len(), depth]),
            v.part(keys.start, 0, [keys.len(), width]),
        );
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
            let rows = queries.len();
            let (qi, gi) = (
                q.part(queries.start, 0, [rows, depth]),
                g.part(queries.start, 0, [rows, width]),
            );
            let n = rows * keys.len();
            let (scores, slopes) = (&mut scores[..n], &mut slopes[..n]);
            let square = MatMut::rows_of(&mut *scores, tile.shape());
            gemm::tile(level, qi, kj.t(), square, false);
            let square = MatMut::rows_of(&mut *slopes, tile.shape());
            gemm::tile(level, gi, vj.t(), square, false);
            level.dispatch(Slopes {
                scores: &mut *scores,
                slopes: &mut *slopes,
                tile: &tile,
                added: heads.added(&tile, &mut room),
                scale: heads.scale,
                log: &log[queries.clone()],
                along: &along[queries.clone()],
            });
            let [p, ds] = [scores, slopes].map(|m| MatRef::rows_of(m, tile.shape()));
            // SAFETY: the blocks lie inside, and each is used by one product alone.
            let (to_q, to_k, to_v) = unsafe {
                (
                    dq.block(queries.start, 0, [rows, depth]),
                    dk.block(keys.start, 0, [keys.len(), depth]),
                    dv.block(keys.start, 0, [keys.len(), width]),
                )
            };
            gemm::tile(level, p.t(), gi, to_v, !first);
            gemm::tile(level, ds.t(), qi, to_k, !first);
            // Every query meets the first keys first, also under a causal mask.
            gemm::tile(level, ds, kj, to_q, keys.start > 0);
            first = false;
        }
        if first {
            keys.for_each(|j| {
                dk.row(j).fill(T::default());
                dv.row(j).fill(T::default());
            });
        }
    }
    if heads.keys() == 0 {
        (0..time).for_each(|i| dq.row(i).fill(T::default()));
    }
}

/// `sum g out - g_log` for each query: what each of its scores' slopes is lowered by.
struct Along<'a, T> {
    g: MatRef<'a, T>,
    out: MatRef<'a, T>,
    g_log: &'a [T],
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

/// Turns a tile's scores into probabilities `p`, and its products `g v^T` into `scale p (g v^T - along)`.
struct Slopes<'a, T> {
    scores: &'a mut [T],
    slopes: &'a mut [T],
    tile: &'a Tile,
    added: Option<&'a [T]>,
    scale: f64,
    log: &'a [T],
    along: &'a [T],
}

impl<T: Float + Element> Kernel for Slopes<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
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
    }
}
