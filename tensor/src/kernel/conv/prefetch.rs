//! Prefetching the next block's part of the images while this block is computed.
//!
//! Padding an image waits for memory, and multiplying leaves memory idle. A convolution with few products for
//! each element of the images would alternate between the two.

use crate::simd::prefetch_l2;

/// Elements of a cache line, of f32.
const LINE: usize = 16;

/// Parts of memory that are needed next, to be read or written; nothing is read here.
pub(super) struct Prefetcher<'a, T> {
    /// What is left.
    parts: &'a [*const [T]],
    /// The next element of the first part.
    at: usize,
    /// Lines prefetched in one step.
    lines: usize,
}

impl<'a, T> Prefetcher<'a, T> {
    /// All of `parts` in `steps` steps.
    pub(super) fn new(parts: &'a [*const [T]], steps: usize) -> Prefetcher<'a, T> {
        let lines: usize = parts.iter().map(|p| p.len().div_ceil(LINE)).sum();
        Prefetcher {
            parts,
            at: 0,
            lines: lines.div_ceil(steps.max(1)),
        }
    }

    /// Prefetches some more.
    #[inline(always)]
    pub(super) fn step(&mut self) {
        for _ in 0..self.lines {
            let Some((part, rest)) = self.parts.split_first() else {
                return;
            };
            if self.at < part.len() {
                prefetch_l2(part.cast::<T>().wrapping_add(self.at));
                self.at += LINE;
            } else {
                (self.parts, self.at) = (rest, 0);
            }
        }
    }
}
