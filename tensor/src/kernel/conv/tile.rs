//! The innermost loop: a tile of outputs, some channels by some vectors of neighbours in a padded image, held
//! in registers while the taps of the input channels go by.

use super::prefetch::Prefetcher;
use crate::kernel::gemm::MatMut;
use crate::simd::{Float, Kernel, Lane, MAX_LANES, Num, Simd, Vector, prefetch};

/// Places behind a segment that a tile may read, and overwrite in its sums.
pub(super) const SLACK: usize = MAX_LANES;

/// Multiplications of an output between two prefetches for the next block: all at once, the lines would wait
/// for each other, and the tile for them.
const PREFETCH_EVERY: usize = 16;

/// The tiles of a level.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileSizes {
    /// The numbers of output channels that a tile can have, largest first.
    pub(super) rows: &'static [usize],
    /// Elements of a vector.
    pub(super) lanes: usize,
}

/// The tiles that suit a level's registers.
pub(super) struct GetTileSizes<T>(pub(super) std::marker::PhantomData<T>);

impl<T: Float> Kernel for GetTileSizes<T> {
    type Out = TileSizes;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> TileSizes {
        let rows: &[usize] = if S::TILE_ROWS < 6 {
            &[2, 1]
        } else {
            &[6, 4, 2, 1]
        };
        let lanes = T::Vec::<S>::LANES;
        TileSizes { rows, lanes }
    }
}

/// A part of a padded image where places follow each other without the end of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Its first place.
    pub(super) padded: usize,
    /// Where its sums begin in each row of them.
    pub(super) sums: usize,
    /// Its number of places.
    pub(super) len: usize,
}

/// Which places of a segment have sums.
#[derive(Clone, Copy, Debug)]
pub(super) enum Places {
    /// All, one after the other, and less than a vector behind them.
    All,
    /// The first `width` of each of `rows` rows, `pitch` apart in the padded image and `out` apart in the
    /// sums, and no others: the last vectors overlap those before them. A single row is cut along
    /// itself, several are taken together.
    Rows {
        rows: usize,
        width: usize,
        pitch: usize,
        out: usize,
    },
}

/// `sums[channel][place] = sum of weights[channel][k] * padded[place + offsets[k]]`, or `+=` where
/// `add`, for tiles of `rows` output channels; then plus `bias[channel]`.
pub(super) struct Tiles<'a, T> {
    /// Output channels of a tile, one of [`TileSizes::rows`].
    pub(super) rows: usize,
    /// For each tile and each `k` its channels' weights, adjacent.
    pub(super) weights: &'a [T],
    /// The distance of each tap of each input channel.
    pub(super) offsets: &'a [usize],
    /// The padded images.
    pub(super) padded: &'a [T],
    /// Which parts of them have outputs.
    pub(super) segments: &'a [Segment],
    /// Which places of the segments have sums.
    pub(super) places: Places,
    /// A row of sums for each channel.
    pub(super) sums: MatMut<'a, T>,
    /// Whether there are sums already.
    pub(super) add: bool,
    /// A number for each output channel.
    pub(super) bias: Option<&'a [T]>,
    /// What the next block needs, of the images and of the result, to be prefetched.
    pub(super) next: &'a [*const [T]],
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
    /// Checks the sizes, then runs all segments by tiles of `ROWS` channels and `VECTORS` vectors.
    #[inline(always)]
    fn each<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self) {
        let (lanes, k) = (T::Vec::<S>::LANES, self.offsets.len());
        let [channels, columns] = self.sums.shape();
        let reach = self.offsets.iter().copied().max().unwrap_or(0);
        for s in self.segments {
            let (padded, sums) = match self.places {
                Places::All => (s.len + SLACK, s.len + SLACK),
                Places::Rows {
                    rows,
                    width,
                    pitch,
                    out,
                } => {
                    assert!(width >= lanes, "conv: rows of {width} are too short");
                    ((rows - 1) * pitch + width, (rows - 1) * out + width)
                }
            };
            assert!(
                s.padded + reach + padded <= self.padded.len() && s.sums + sums <= columns,
                "conv: a segment of {} places ends outside its padded image",
                s.len
            );
        }
        let bias = self.bias.is_none_or(|b| b.len() == channels);
        assert!(
            ROWS == self.rows
                && channels.is_multiple_of(ROWS)
                && self.weights.len() == channels * k
                && bias,
            "conv: weights or bias are not those of {channels} channels in tiles of {ROWS}"
        );
        let places: usize = self.segments.iter().map(|s| s.len).sum();
        let steps =
            places / (VECTORS * lanes) * (channels / ROWS) * k.div_ceil(PREFETCH_EVERY).max(1);
        let mut prefetcher = Prefetcher::new(self.next, steps);
        for &s in self.segments {
            // SAFETY: the assertions above hold for every segment.
            unsafe { self.segment::<S, ROWS, VECTORS>(s, &mut prefetcher) };
        }
    }

    /// All tiles of a segment.
    ///
    /// # Safety
    /// Padded image and sums have room for the segment's places and, in the padded image, all offsets.
    #[inline(always)]
    unsafe fn segment<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        s: Segment,
        prefetcher: &mut Prefetcher<T>,
    ) {
        let lanes = T::Vec::<S>::LANES;
        let wide = VECTORS * lanes;
        let beside = [lanes, lanes];
        match self.places {
            Places::All => {
                let mut q = 0;
                while q + wide <= s.len {
                    // SAFETY: these vectors lie in the segment.
                    unsafe { self.tile::<S, ROWS, VECTORS>(s, [q, q], beside, prefetcher) };
                    q += wide;
                }
                while q < s.len {
                    // SAFETY: this vector begins in the segment, and padded image and sums have room for
                    // `SLACK` places behind it.
                    unsafe { self.tile::<S, ROWS, 1>(s, [q, q], beside, prefetcher) };
                    q += lanes;
                }
            }
            Places::Rows { rows: 1, width, .. } if width >= wide => {
                for q in (0..width).step_by(wide) {
                    let q = q.min(width - wide);
                    // SAFETY: these vectors lie in the row.
                    unsafe { self.tile::<S, ROWS, VECTORS>(s, [q, q], beside, prefetcher) };
                }
            }
            Places::Rows {
                rows,
                width,
                pitch,
                out,
            } => {
                let steps = if rows >= VECTORS { VECTORS } else { 1 };
                for r in (0..rows).step_by(steps) {
                    let r = r.min(rows - steps);
                    for q in (0..width).step_by(lanes) {
                        let q = q.min(width - lanes);
                        let at = [r * pitch + q, r * out + q];
                        // SAFETY: these vectors lie in rows `r .. r + steps`, of which there are
                        // as many.
                        unsafe {
                            match (steps, ROWS) {
                                (1, _) => self.tile::<S, ROWS, 1>(s, at, beside, prefetcher),
                                (_, 1) => {
                                    self.column::<S, VECTORS>(s, at, [pitch, out], prefetcher)
                                }
                                _ => self.tile::<S, ROWS, VECTORS>(s, at, [pitch, out], prefetcher),
                            }
                        }
                    }
                }
            }
        }
    }

    /// All channels at `VECTORS` vectors of places: the first `at` from the segment's start, in the
    /// padded image and in the sums, the others `steps` from one to the next.
    ///
    /// # Safety
    /// Padded image and sums have room for these vectors and, in the padded image, all offsets.
    #[inline(always)]
    unsafe fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        s: Segment,
        at: [usize; 2],
        steps: [usize; 2],
        prefetcher: &mut Prefetcher<T>,
    ) {
        let (lanes, k) = (T::Vec::<S>::LANES, self.offsets.len());
        let x = self.padded.as_ptr().wrapping_add(s.padded + at[0]);
        for channel in (0..self.sums.shape()[0]).step_by(ROWS) {
            let (w, _) = self.weights[channel * k..(channel + ROWS) * k].as_chunks::<ROWS>();
            let zero = <T::Vec<S> as Num>::splat(0.0);
            let mut sums = [[zero; VECTORS]; ROWS];
            // The sums are written after `k` steps, and each of their rows lies in another page.
            for i in 0..ROWS {
                for v in 0..VECTORS {
                    let to = self.sums.at(channel + i, s.sums + at[1]);
                    prefetch(to.wrapping_add(v * steps[1]));
                }
            }
            let mut p = 0;
            while p < k {
                prefetcher.step();
                let end = k.min(p + PREFETCH_EVERY);
                while p < end {
                    // SAFETY: `p < k`, the number of offsets and of chunks of weights.
                    let (w, offset) =
                        unsafe { (w.get_unchecked(p), *self.offsets.get_unchecked(p)) };
                    let mut y = [zero; VECTORS];
                    for v in 0..VECTORS {
                        let x = x.wrapping_add(offset + v * steps[0]);
                        // SAFETY: this vector lies in the padded image, as the caller vouches.
                        y[v] = Vector::load(unsafe { std::slice::from_raw_parts(x, lanes) });
                    }
                    for i in 0..ROWS {
                        let w = Vector::repeat(w[i]);
                        for v in 0..VECTORS {
                            sums[i][v] = y[v].mul_add(w, sums[i][v]);
                        }
                    }
                    p += 1;
                }
            }
            // SAFETY: as the caller vouches.
            unsafe { self.write::<S, ROWS, VECTORS>(&sums, channel, s.sums + at[1], steps[1]) };
        }
    }

    /// [`Tiles::tile`] of one channel whose vectors stand below each other: taps that do so too share
    /// what is read of the padded image, three at most. The order of the products is the same.
    ///
    /// # Safety
    /// As for [`Tiles::tile`].
    #[inline(always)]
    unsafe fn column<S: Simd, const VECTORS: usize>(
        &mut self,
        s: Segment,
        at: [usize; 2],
        steps: [usize; 2],
        prefetcher: &mut Prefetcher<T>,
    ) {
        let k = self.offsets.len();
        let x = self.padded.as_ptr().wrapping_add(s.padded + at[0]);
        for channel in 0..self.sums.shape()[0] {
            for _ in 0..k.div_ceil(PREFETCH_EVERY) {
                prefetcher.step();
            }
            let w = &self.weights[channel * k..][..k];
            let mut sums = [<T::Vec<S> as Num>::splat(0.0); VECTORS];
            let mut p = 0;
            while p < k {
                let below =
                    |i: usize| self.offsets.get(p + i) == Some(&(self.offsets[p] + i * steps[0]));
                let x = x.wrapping_add(self.offsets[p]);
                // SAFETY: these taps' vectors lie in the padded image, as the caller vouches.
                unsafe {
                    p += match (below(1), below(2)) {
                        (true, true) => add::<T, S, 3, VECTORS>(x, &w[p..], steps[0], &mut sums),
                        (true, false) => add::<T, S, 2, VECTORS>(x, &w[p..], steps[0], &mut sums),
                        _ => add::<T, S, 1, VECTORS>(x, &w[p..], steps[0], &mut sums),
                    };
                }
            }
            // SAFETY: as the caller vouches.
            unsafe { self.write::<S, 1, VECTORS>(&[sums], channel, s.sums + at[1], steps[1]) };
        }
    }

    /// Writes the sums of channels from `channel` on, `step` from one vector to the next.
    ///
    /// # Safety
    /// The rows of sums have room for these vectors.
    #[inline(always)]
    unsafe fn write<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        sums: &[[T::Vec<S>; VECTORS]; ROWS],
        channel: usize,
        at: usize,
        step: usize,
    ) {
        let lanes = T::Vec::<S>::LANES;
        for i in 0..ROWS {
            let to = self.sums.at(channel + i, at);
            // Negative zero is the one number whose addition changes no other.
            let bias = self.bias.map(|b| Vector::repeat(b[channel + i]));
            let bias = bias.unwrap_or(<T::Vec<S> as Num>::splat(-0.0));
            for v in 0..VECTORS {
                let to = to.wrapping_add(v * step);
                // SAFETY: this vector lies in the row of sums, as the caller vouches, which
                // `self` owns.
                let to = unsafe { std::slice::from_raw_parts_mut(to, lanes) };
                let mut sum = sums[i][v];
                if self.add {
                    sum = sum + Vector::load(to);
                }
                sum = sum + bias;
                sum.store(to);
            }
        }
    }
}

/// Adds the products of `TAPS` taps below each other, `pitch` apart, to vectors that stand so too;
/// the number of taps.
///
/// # Safety
/// From `x` on the padded image has `VECTORS + TAPS - 1` rows of a vector, `pitch` apart.
#[inline(always)]
unsafe fn add<T: Float, S: Simd, const TAPS: usize, const VECTORS: usize>(
    x: *const T,
    w: &[T],
    pitch: usize,
    sums: &mut [T::Vec<S>; VECTORS],
) -> usize {
    let zero = <T::Vec<S> as Num>::splat(0.0);
    let weights: &[T; TAPS] = w.first_chunk().expect("as many weights as offsets");
    let mut w = [zero; TAPS];
    for t in 0..TAPS {
        w[t] = Vector::repeat(weights[t]);
    }
    // The first rows meet the first vectors alone, the last rows the last ones: all bounds are constant.
    for row in 0..VECTORS + TAPS - 1 {
        let x = x.wrapping_add(row * pitch);
        // SAFETY: the caller vouches for this row.
        let part = unsafe { std::slice::from_raw_parts(x, T::Vec::<S>::LANES) };
        let y: T::Vec<S> = Vector::load(part);
        for t in 0..TAPS {
            if t <= row && row - t < VECTORS {
                sums[row - t] = y.mul_add(w[t], sums[row - t]);
            }
        }
    }
    TAPS
}
