//! The fence behind stores that go past the caches.

/// Orders streamed stores before whatever tells other threads that they are done.
#[inline(always)]
pub(super) fn fence() {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: the instruction (SSE) is part of every x86-64 and touches no memory.
        unsafe { core::arch::x86_64::_mm_sfence() };
    }
}
