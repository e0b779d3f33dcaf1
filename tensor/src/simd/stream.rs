//! Copies that go around the caches, for results larger than they are.

/// Copies `from` to `to` past the caches where the processor can: a plain store first reads the line
/// that it is about to write over, and pushes out another one.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn stream_copy<T: Copy>(from: &[T], to: &mut [T]) {
    assert_eq!(from.len(), to.len(), "stream_copy: lengths differ");
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};
        const WIDE: usize = size_of::<__m128i>();
        let bytes = size_of_val(from);
        // Elements before the first place that can be streamed to; those behind the last are fewer
        // than a register holds.
        let head = to.as_ptr().align_offset(WIDE);
        let each = WIDE / size_of::<T>().max(1);
        if head > 0 && head < to.len() && WIDE.is_multiple_of(size_of::<T>()) {
            to[..head].copy_from_slice(&from[..head]);
            return stream_copy(&from[head..], &mut to[head..]);
        }
        let tail = to.len() % each.max(1);
        if head == 0 && tail > 0 && tail < to.len() && WIDE.is_multiple_of(size_of::<T>()) {
            let n = to.len() - tail;
            to[n..].copy_from_slice(&from[n..]);
            return stream_copy(&from[..n], &mut to[..n]);
        }
        let start = to.as_mut_ptr().cast::<__m128i>();
        if start.is_aligned() && bytes.is_multiple_of(WIDE) {
            let source = from.as_ptr().cast::<__m128i>();
            for i in 0..bytes / WIDE {
                // SAFETY: both slices hold `bytes` bytes; `start` is aligned, `source` need not be;
                // `T: Copy` has no destructor, and its bytes are moved as they are. The instructions
                // (SSE2) are part of every x86-64.
                unsafe { _mm_stream_si128(start.add(i), _mm_loadu_si128(source.add(i))) };
            }
            // SAFETY: as above. What was streamed is seen by other threads only behind a fence.
            unsafe { _mm_sfence() };
            return;
        }
    }
    to.copy_from_slice(from);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_a_copy() {
        let from: Vec<u32> = (0..100).collect();
        for (start, n) in [(0, 100), (0, 64), (1, 64), (3, 7), (2, 61), (3, 97), (0, 0)] {
            let mut to = vec![u32::MAX; 104];
            stream_copy(&from[..n], &mut to[start..start + n]);
            assert_eq!(to[start..start + n], from[..n]);
            assert!(to[start + n..].iter().all(|&x| x == u32::MAX));
        }
    }
}
