//! The innermost loop of the weights' gradient: dot products of the result's gradient with a padded image.

use super::tile::{SLACK, Segment};
use crate::simd::{Float, Kernel, Lane, Num, Simd, Vector, sum_lanes_of_each};

/// `out[channel][k] += sum over places of g[channel][place] * padded[place + offsets[k]]`.
pub(super) struct GradientDots<'a, T> {
    /// A row for each output channel, `pitch` apart, zero where there is no output.
    pub(super) g: &'a [T],
    /// From one channel's gradient to the next.
    pub(super) pitch: usize,
    /// The padded images.
    pub(super) padded: &'a [T],
    /// The distance of each tap of each input channel.
    pub(super) offsets: &'a [usize],
    /// Parts of the padded image, and where they begin in a row of `g`.
    pub(super) segments: &'a [Segment],
    /// The first of `offsets.len()` results of each channel, rows `row` apart.
    pub(super) out: &'a mut [T],
    /// From one output channel's results to the next.
    pub(super) row: usize,
    /// Output channels.
    pub(super) channels: usize,
}

impl<T: Float> Kernel for GradientDots<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let reach = self.offsets.iter().copied().max().unwrap_or(0);
        for s in self.segments {
            let end = s.len + SLACK;
            assert!(
                s.padded + reach + end <= self.padded.len() && s.sums + end <= self.pitch,
                "conv: a segment of {} places ends outside its padded image",
                s.len
            );
        }
        assert!(
            self.channels * self.pitch <= self.g.len(),
            "conv: {} channels need a larger gradient",
            self.channels
        );
        let n = self.offsets.len();
        let mut k = 0;
        // Ten sums, or six where each needs two registers (portable); with twelve the compiler
        // keeps one of them in memory, which takes twice as long.
        while S::TILE_ROWS >= 6 && k + 5 <= n {
            self.rows::<S, 5>(k);
            k += 5;
        }
        while k + 3 <= n {
            self.rows::<S, 3>(k);
            k += 3;
        }
        while k < n {
            self.rows::<S, 1>(k);
            k += 1;
        }
    }
}

impl<T: Float> GradientDots<'_, T> {
    /// Offsets `k ..` for all channels, two at a time.
    #[inline(always)]
    fn rows<S: Simd, const TAPS: usize>(&mut self, k: usize) {
        let mut channel = 0;
        while channel + 2 <= self.channels {
            // SAFETY: `run` has checked padded image and gradient for these channels and offsets.
            unsafe { self.square::<S, 2, TAPS>(channel, k) };
            channel += 2;
        }
        if channel < self.channels {
            // SAFETY: as above.
            unsafe { self.square::<S, 1, TAPS>(channel, k) };
        }
    }

    /// Channels `channel ..` times offsets `k ..`.
    ///
    /// # Safety
    /// There are as many of both, and in every segment padded image and gradient have room for the places,
    /// the offsets and `SLACK` behind them.
    #[inline(always)]
    unsafe fn square<S: Simd, const ROWS: usize, const TAPS: usize>(
        &mut self,
        channel: usize,
        k: usize,
    ) {
        let lanes = T::Vec::<S>::LANES;
        let zero = <T::Vec<S> as Num>::splat(0.0);
        let mut sums = [[zero; TAPS]; ROWS];
        for s in self.segments {
            let g = self.g[channel * self.pitch + s.sums..].as_ptr();
            let mut x = [self.padded.as_ptr(); TAPS];
            for t in 0..TAPS {
                x[t] = self.padded[s.padded + self.offsets[k + t]..].as_ptr();
            }
            let mut q = 0;
            while q < s.len {
                let mut y = [zero; ROWS];
                for r in 0..ROWS {
                    // SAFETY: a vector from place `q` on ends less than a vector behind the
                    // segment, for which each row of the gradient has room.
                    let g = unsafe { std::slice::from_raw_parts(g.add(r * self.pitch + q), lanes) };
                    y[r] = Vector::load(g);
                }
                for t in 0..TAPS {
                    // SAFETY: as above, for the padded image at this offset.
                    let x = unsafe { std::slice::from_raw_parts(x[t].add(q), lanes) };
                    let x: T::Vec<S> = Vector::load(x);
                    for r in 0..ROWS {
                        sums[r][t] = x.mul_add(y[r], sums[r][t]);
                    }
                }
                q += lanes;
            }
        }
        for r in 0..ROWS {
            let totals = sum_lanes_of_each::<T, S, TAPS>(&sums[r]);
            let out = &mut self.out[(channel + r) * self.row + k..][..TAPS];
            for t in 0..TAPS {
                out[t] = out[t] + totals[t];
            }
        }
    }
}
