//! Hints that memory will be read soon; they change no result, and the address need not be readable.

use super::Simd;

/// Whether so many bytes exceed a core's L2 and its share of L3: then results use non-temporal stores, and
/// strided reads prefetch.
pub(crate) fn exceeds_cache(bytes: usize) -> bool {
    bytes >= 16 << 20
}

/// Prefetches the cache line at `address` into L1.
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

/// Prefetches element `i` of the row that follows `row` in memory, where the level wants it
/// ([`Simd::PREFETCH_ROWS`]). A kernel that visits each row several times leaves memory idle after the first
/// visit, and would wait for all of the next row at its start.
#[inline(always)]
pub(crate) fn prefetch_next<S: Simd, T>(row: &[T], i: usize) {
    if S::PREFETCH_ROWS {
        prefetch(row.as_ptr().wrapping_add(row.len() + i));
    }
}

/// Prefetches the cache line at `address` into L2, for what is read a little later.
#[inline(always)]
pub(crate) fn prefetch_l2<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: as in `prefetch`.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
