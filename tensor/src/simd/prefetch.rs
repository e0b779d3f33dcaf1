//! Hints that memory will be read soon; they change no result, and the address need not be readable.

use super::Simd;

/// Whether so many bytes are more than a core finds in its second cache and its share of the third one.
pub(crate) fn is_far(bytes: usize) -> bool {
    bytes >= 16 << 20
}

/// Asks for the cache line at `address` in the first cache.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that a program can see and never faults; its instruction
        // (SSE) is part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for element `i` of the row that follows `row` in memory. A kernel that goes over each row several
/// times would leave memory idle after the first, and all of it would wait at the next row, unless the
/// processors of the level foresee it ([`Simd::ASKS`]).
#[inline(always)]
pub(crate) fn prefetch_next<S: Simd, T>(row: &[T], i: usize) {
    if S::ASKS {
        prefetch(row.as_ptr().wrapping_add(row.len() + i));
    }
}

/// Asks for the cache line at `address` in the second cache, for what is read a little later.
#[inline(always)]
pub(crate) fn prefetch_far<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: as in `prefetch`.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
