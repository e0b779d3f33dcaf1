//! Asking for the next block's part of the images while this one's is computed with.
//!
//! To lay a field is to wait for memory, and to multiply is to leave memory alone. A convolution with few
//! products for each element of the images takes turns at both, unless it asks in time.

use crate::simd::prefetch_far;

/// Elements of a cache line, of f32.
const LINE: usize = 16;

/// Parts of memory that are needed next, to be read or written; nothing is read here.
pub(super) struct Ahead<'a, T> {
    parts: &'a [*const [T]],
    at: usize,
    /// Lines asked for in one step.
    lines: usize,
}

impl<'a, T> Ahead<'a, T> {
    /// All of `parts` in `steps` steps.
    pub(super) fn new(parts: &'a [*const [T]], steps: usize) -> Ahead<'a, T> {
        let lines: usize = parts.iter().map(|p| p.len().div_ceil(LINE)).sum();
        Ahead {
            parts,
            at: 0,
            lines: lines.div_ceil(steps.max(1)),
        }
    }

    /// Asks for some more.
    #[inline(always)]
    pub(super) fn step(&mut self) {
        for _ in 0..self.lines {
            let Some((part, rest)) = self.parts.split_first() else {
                return;
            };
            if self.at < part.len() {
                prefetch_far(part.cast::<T>().wrapping_add(self.at));
                self.at += LINE;
            } else {
                (self.parts, self.at) = (rest, 0);
            }
        }
    }
}
