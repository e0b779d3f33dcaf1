//! Non-temporal (streaming) stores, and the fence behind them.

use super::exceeds_cache;

/// Permission for non-temporal stores; dropping it fences, so that they come before whatever tells other
/// threads that the result is there.
///
/// The fence waits for all of those stores, so a task has one permission: a fence for every few kilobytes
/// would take as long as the stores.
pub(crate) struct NonTemporal(());

impl NonTemporal {
    /// For tests, whose results are small.
    #[cfg(test)]
    pub(crate) fn new() -> NonTemporal {
        NonTemporal(())
    }

    /// The permission for a part of a result of so many `bytes`, where it exceeds the cache.
    pub(crate) fn for_result(bytes: usize) -> Option<NonTemporal> {
        exceeds_cache(bytes).then_some(NonTemporal(()))
    }
}

impl Drop for NonTemporal {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        {
            // SAFETY: the instruction (SSE) is part of every x86-64 and touches no memory.
            unsafe { core::arch::x86_64::_mm_sfence() };
        }
    }
}
