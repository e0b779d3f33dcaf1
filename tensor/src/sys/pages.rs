//! Huge pages for large blocks.
//!
//! The TLB of a processor holds some thousand pages. In pages of 4 KiB that is less than one tensor of
//! 4096 x 1024, and a walk down a column of it misses the TLB at each element; in pages of 2 MiB it is
//! gigabytes.

use std::ptr::NonNull;

/// Bytes of a huge page, and the alignment at which a block can be made of them.
pub(super) const HUGE: usize = 2 << 20;

/// Advises the system to back the `bytes` at `start`, which nobody has touched yet, with huge pages: that
/// changes no content, and a system may ignore it. The advice covers whole huge pages only, so a block takes
/// no more memory than its size.
pub(super) fn advise_huge(start: NonNull<u8>, bytes: usize) {
    let whole = bytes / HUGE * HUGE;
    #[cfg(target_os = "linux")]
    if whole > 0 && start.addr().get().is_multiple_of(HUGE) {
        // SAFETY: the range is the caller's own memory and begins at a page; this advice changes only
        // which pages back it. An error means that there are none, as without the advice.
        unsafe { libc::madvise(start.as_ptr().cast(), whole, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, whole);
}
