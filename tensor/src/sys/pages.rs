//! Huge pages for large blocks.
//!
//! A processor remembers where some thousand pages lie. In pages of 4 KiB that is less than one tensor
//! of 4096 x 1024, and whoever walks down a column of it looks up a page for each element; in pages
//! of 2 MiB it is gigabytes. (Zen 4: a transposed copy of 4096 x 4096 takes 7.6 ms instead of 10.7.)

use std::ptr::NonNull;

/// Bytes of a huge page, and the alignment at which a block can be made of them.
pub(super) const HUGE: usize = 2 << 20;

/// Asks for huge pages under the `bytes` at `start`, which nobody has touched yet: a wish that changes
/// no content and that a system may ignore. Only whole huge pages are asked for, so a block takes no
/// more memory than its size.
pub(super) fn wish_huge(start: NonNull<u8>, bytes: usize) {
    let whole = bytes / HUGE * HUGE;
    #[cfg(target_os = "linux")]
    if whole > 0 && start.addr().get().is_multiple_of(HUGE) {
        // SAFETY: the range is the caller's own memory and begins at a page; this advice changes only
        // which pages back it. An error means that there are none, as without the wish.
        unsafe { libc::madvise(start.as_ptr().cast(), whole, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, whole);
}
