//! An allocator that counts, for programs that ask for it.
//!
//! The one place of this crate with `unsafe`: the trait of allocators is unsafe to implement.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The system's allocator, which counts while [`allocations`] runs and costs a load otherwise.
///
/// ```
/// use lepton_benches::alloc::{Counting, allocations};
/// #[global_allocator]
/// static ALLOCATOR: Counting = Counting;
/// let counted = allocations(|| drop(vec![0u8; 100])).unwrap();
/// assert_eq!((counted.calls, counted.bytes), (1, 100));
/// ```
#[derive(Debug)]
pub struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// What was asked of the allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// Times that memory was asked for, anew or larger.
    pub calls: u64,
    /// Bytes asked for.
    pub bytes: u64,
}

/// Runs `f` and counts what all threads ask for meanwhile; `None` where the program's allocator is
/// not [`Counting`].
pub fn allocations(f: impl FnOnce()) -> Option<Allocated> {
    let counted = |f: &mut dyn FnMut()| {
        CALLS.store(0, Relaxed);
        BYTES.store(0, Relaxed);
        ON.store(true, Relaxed);
        f();
        ON.store(false, Relaxed);
        let (calls, bytes) = (CALLS.load(Relaxed), BYTES.load(Relaxed));
        Allocated { calls, bytes }
    };
    // Whether anyone counts.
    if counted(&mut || drop(black_box(Box::new(1u64)))).calls == 0 {
        return None;
    }
    let mut f = Some(f);
    Some(counted(&mut || f.take().expect("called once")()))
}

fn note(bytes: usize) {
    if ON.load(Relaxed) {
        CALLS.fetch_add(1, Relaxed);
        BYTES.fetch_add(bytes as u64, Relaxed);
    }
}

// SAFETY: every call is passed to `System` with the caller's own arguments, so what the caller
// guarantees (a valid layout; a block of this allocator, which is `System`'s) is what `System` asks
// for, and its answers go back unchanged. `note` touches atomics only: it neither allocates, which
// would recurse, nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: see above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: see above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: see above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: see above.
        unsafe { System.dealloc(block, layout) }
    }
}
