//! The innermost loop: a tile of outputs, some channels by some vectors of neighbours in a field,
//! held in registers while the taps of the input channels go by.

use crate::simd::{Float, Kernel, Lane, MAX_LANES, Num, Simd, Vector};

/// Places behind a segment that a tile may read, and overwrite in its sums.
pub(super) const SLACK: usize = MAX_LANES;

/// The numbers of output channels that a tile of this level can have, largest first.
pub(super) struct AskRows;

impl Kernel for AskRows {
    type Out = &'static [usize];
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> &'static [usize] {
        if S::TILE_ROWS < 6 {
            &[2, 1]
        } else {
            &[6, 4, 2, 1]
        }
    }
}

/// A part of a field where places follow each other without end of row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Its first place.
    pub(super) field: usize,
    /// Where its sums begin in each row of them.
    pub(super) sums: usize,
    /// Its number of places.
    pub(super) len: usize,
}

/// `sums[channel][place] = sum of weights[channel][k] * field[place + offsets[k]]`, or `+=` where
/// `add`, for tiles of `rows` output channels.
pub(super) struct Tiles<'a, T> {
    /// Output channels of a tile, one of [`AskRows`].
    pub(super) rows: usize,
    /// For each tile and each `k` its channels' weights, adjacent.
    pub(super) weights: &'a [T],
    pub(super) offsets: &'a [usize],
    pub(super) field: &'a [T],
    pub(super) segments: &'a [Segment],
    /// A row of sums for each channel, `pitch` apart; [`SLACK`] elements behind a segment are
    /// overwritten.
    pub(super) sums: &'a mut [T],
    pub(super) pitch: usize,
    pub(super) add: bool,
}

impl<T: Float> Kernel for Tiles<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        // Twelve sums at most, or eight where an element needs two registers (portable).
        match (S::TILE_ROWS < 6, self.rows) {
            (true, 2) => self.each::<S, 2, 2>(),
            (true, _) => self.each::<S, 1, 3>(),
            (false, 6) => self.each::<S, 6, 2>(),
            (false, 4) => self.each::<S, 4, 2>(),
            (false, 2) => self.each::<S, 2, 4>(),
            (false, _) => self.each::<S, 1, 8>(),
        }
    }
}

impl<T: Float> Tiles<'_, T> {
    #[inline(always)]
    fn each<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self) {
        let (lanes, k) = (T::Vec::<S>::LANES, self.offsets.len());
        let tiles = if k == 0 {
            self.sums.len().div_ceil(self.pitch) / ROWS
        } else {
            self.weights.len() / (k * ROWS)
        };
        let reach = self.offsets.iter().copied().max().unwrap_or(0);
        for s in self.segments {
            let end = s.len + SLACK;
            assert!(
                s.field + reach + end <= self.field.len() && s.sums + end <= self.pitch,
                "conv: a segment of {} places ends outside its field",
                s.len
            );
        }
        assert!(
            ROWS == self.rows && tiles * ROWS * self.pitch <= self.sums.len(),
            "conv: {tiles} tiles of {ROWS} rows ask for more sums than there are"
        );
        for &s in self.segments {
            let mut q = 0;
            while q + VECTORS * lanes <= s.len {
                // SAFETY: the assertions above hold for every segment, and the tile lies in this one.
                unsafe { self.column::<S, ROWS, VECTORS>(s, q, tiles) };
                q += VECTORS * lanes;
            }
            while q < s.len {
                // SAFETY: as above, with `q < s.len`.
                unsafe { self.column::<S, ROWS, 1>(s, q, tiles) };
                q += lanes;
            }
        }
    }

    /// All tiles at place `q` of segment `s`.
    ///
    /// # Safety
    /// `VECTORS` is 1 and `q < s.len`, or all of the tile's places lie in the segment; field and sums
    /// have room for the segment, its taps and `SLACK` places behind it.
    #[inline(always)]
    unsafe fn column<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        s: Segment,
        q: usize,
        tiles: usize,
    ) {
        let (lanes, k) = (T::Vec::<S>::LANES, self.offsets.len());
        let x = self.field[s.field + q..].as_ptr();
        for t in 0..tiles {
            let (w, _) = self.weights[t * k * ROWS..(t + 1) * k * ROWS].as_chunks::<ROWS>();
            let zero = <T::Vec<S> as Num>::splat(0.0);
            let mut sums = [[zero; VECTORS]; ROWS];
            for p in 0..k {
                // SAFETY: `p < k`, the number of offsets and of chunks of weights; the tile reaches
                // less than a vector beyond the segment, for which the field has room at every tap,
                // as the caller vouches.
                let (w, x) = unsafe {
                    let x = x.add(*self.offsets.get_unchecked(p));
                    (
                        w.get_unchecked(p),
                        std::slice::from_raw_parts(x, VECTORS * lanes),
                    )
                };
                let mut y = [zero; VECTORS];
                for v in 0..VECTORS {
                    y[v] = Vector::load(&x[v * lanes..]);
                }
                for i in 0..ROWS {
                    let w = Vector::repeat(w[i]);
                    for v in 0..VECTORS {
                        sums[i][v] = y[v].mul_add(w, sums[i][v]);
                    }
                }
            }
            for i in 0..ROWS {
                let at = (t * ROWS + i) * self.pitch + s.sums + q;
                let to = &mut self.sums[at..at + VECTORS * lanes];
                for v in 0..VECTORS {
                    let to = &mut to[v * lanes..(v + 1) * lanes];
                    let mut sum = sums[i][v];
                    if self.add {
                        sum = sum + Vector::load(to);
                    }
                    sum.store(to);
                }
            }
        }
    }
}
