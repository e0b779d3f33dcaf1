//! A hint that memory will be read soon.

/// Brings the cache line of `x` closer, where the machine can be asked to; never changes a result.
#[inline(always)]
pub(crate) fn prefetch<T>(x: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        let x = std::ptr::from_ref(x);
        // SAFETY: the instruction is part of SSE, which every x86-64 has; it is a hint that neither
        // reads nor faults, and the address is that of a live reference besides.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(x.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}
