//! Stores that go past the caches, and the fence behind them.

/// Leave to write past the caches; given back, it orders what was written before whatever tells other
/// threads that it is done.
///
/// The fence waits for all of those stores: one for every few kilobytes would take as long as they do.
pub(crate) struct Past(());

impl Past {
    #[cfg(test)]
    pub(crate) fn new() -> Past {
        Past(())
    }

    /// Leave for a part of a result of so many `bytes`, where it is too large for the caches.
    pub(crate) fn for_result(bytes: usize) -> Option<Past> {
        super::is_far(bytes).then_some(Past(()))
    }
}

impl Drop for Past {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        {
            // SAFETY: the instruction (SSE) is part of every x86-64 and touches no memory.
            unsafe { core::arch::x86_64::_mm_sfence() };
        }
    }
}
