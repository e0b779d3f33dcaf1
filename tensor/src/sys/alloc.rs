//! Aligned memory from size-class free lists, one set per thread.
//!
//! Touching a fresh page costs more than most kernels, so freed blocks are kept and handed out
//! again. Blocks are zeroed when they come from the system and hold old values afterwards, so
//! every byte a kernel can see is initialised. A block freed on another thread joins that thread's
//! lists; each list is bounded, and a thread's lists return to the system when it ends.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pages::{self, HUGE};

/// Alignment of every block: a cache line, and the widest vector.
pub(crate) const ALIGN: usize = 64;
/// Size classes are four to a power of two from 64 bytes on.
const CLASSES: usize = 4 * 40;
/// Bytes that one thread keeps at most in one class, and the blocks it keeps in any case.
const KEEP_BYTES: usize = 256 << 20;
const KEEP_BLOCKS: usize = 64;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// A block of memory of its class's size, aligned to [`ALIGN`], every byte initialised.
pub(crate) struct Block(Chunk);

/// The address and class of a block, without an owner's duties.
#[derive(Clone, Copy)]
struct Chunk {
    /// The first byte.
    ptr: NonNull<u8>,
    class: u8,
}

// SAFETY: a chunk is held by one `Block` or one free list at a time, like `Box<[u8]>`, so moving it
// to another thread or sharing `&Block` (which gives only `&[u8]`) cannot race.
unsafe impl Send for Chunk {}
// SAFETY: as above; a shared chunk allows reads only.
unsafe impl Sync for Chunk {}

/// A thread's free chunks, one list for each class.
struct Lists(Vec<Vec<Chunk>>);

impl Drop for Lists {
    fn drop(&mut self) {
        self.0.drain(..).flatten().for_each(Chunk::release);
    }
}

thread_local! {
    static LISTS: RefCell<Lists> = RefCell::new(Lists((0..CLASSES).map(|_| Vec::new()).collect()));
}

/// The smallest class whose blocks hold `bytes`.
fn class_of(bytes: usize) -> usize {
    let units = bytes.div_ceil(ALIGN).max(1);
    if units <= 4 {
        return units - 1;
    }
    let power = usize::BITS - (units - 1).leading_zeros() - 1; // 2^power < units <= 2^(power+1)
    let quarter = (units - 1 - (1 << power)) >> (power - 2);
    4 * (power as usize - 2) + quarter + 4
}

/// Bytes of a block of `class`.
fn class_bytes(class: usize) -> usize {
    if class < 4 {
        return (class + 1) * ALIGN;
    }
    let (power, quarter) = ((class - 4) / 4 + 2, (class - 4) % 4);
    ((1 << power) + ((quarter + 1) << (power - 2))) * ALIGN
}

/// The layout of a block of `class`; large ones can be backed by huge pages.
fn layout(class: u8) -> Layout {
    let bytes = class_bytes(class as usize);
    let align = if bytes < HUGE { ALIGN } else { HUGE };
    Layout::from_size_align(bytes, align).expect("a class fits the address space")
}

impl Chunk {
    /// A zeroed chunk from the system.
    fn fresh(class: u8) -> Chunk {
        let layout = layout(class);
        // SAFETY: the layout has a non-zero size (a class holds at least 64 bytes).
        let ptr = unsafe { alloc(layout) };
        let ptr = NonNull::new(ptr).unwrap_or_else(|| {
            panic!(
                "a tensor of {} bytes does not fit into the memory that the system gives",
                layout.size()
            )
        });
        pages::advise_huge(ptr, layout.size());
        // SAFETY: the allocation is `layout.size()` bytes long, and nobody else has it yet.
        unsafe { ptr.write_bytes(0, layout.size()) };
        Chunk { ptr, class }
    }

    /// Gives the chunk back to the system.
    fn release(self) {
        // SAFETY: the chunk came from `fresh` with this very layout, and its one holder (a dropped
        // `Block` or a free list) gives it up here.
        unsafe { dealloc(self.ptr.as_ptr(), layout(self.class)) }
    }
}

/// Blocks from this size on are asked of the system before anyone counts on them.
const LARGE: usize = 1 << 30;

/// True when the system would give a block of `bytes` now.
pub(crate) fn has_room(bytes: usize) -> bool {
    if bytes < LARGE {
        return true;
    }
    let class = class_of(bytes);
    if class >= CLASSES {
        return false;
    }
    let layout = layout(class as u8);
    // SAFETY: the layout has a non-zero size, that of its class.
    let ptr = unsafe { alloc(layout) };
    // Without this the compiler leaves out a block that is given back at once, and with it the question.
    let ptr = std::hint::black_box(ptr);
    if ptr.is_null() {
        return false;
    }
    // SAFETY: `ptr` was given for this very layout just above, and nobody else has seen it.
    unsafe { dealloc(ptr, layout) };
    true
}

impl Block {
    /// A block of at least `bytes`, recycled when there is one.
    pub(crate) fn new(bytes: usize) -> Block {
        let class = class_of(bytes);
        let now = IN_USE.fetch_add(class_bytes(class), Ordering::Relaxed) + class_bytes(class);
        PEAK.fetch_max(now, Ordering::Relaxed);
        let kept = LISTS
            .try_with(|l| l.borrow_mut().0[class].pop())
            .ok()
            .flatten();
        Block(kept.unwrap_or_else(|| Chunk::fresh(class as u8)))
    }

    /// All bytes of the block.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `ptr` is valid for the class's size, aligned, initialised (zeroed by the system
        // or written by an earlier owner), and nobody writes it while `&self` lives.
        unsafe {
            std::slice::from_raw_parts(self.0.ptr.as_ptr(), class_bytes(self.0.class as usize))
        }
    }

    /// All bytes of the block, to write.
    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `&mut self` is the only handle on the block.
        unsafe {
            std::slice::from_raw_parts_mut(self.0.ptr.as_ptr(), class_bytes(self.0.class as usize))
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let (chunk, class) = (self.0, self.0.class as usize);
        IN_USE.fetch_sub(class_bytes(class), Ordering::Relaxed);
        let kept = LISTS.try_with(|l| {
            let list = &mut l.borrow_mut().0[class];
            let room =
                list.len() < KEEP_BLOCKS && (list.len() + 1) * class_bytes(class) <= KEEP_BYTES;
            if room {
                list.push(chunk);
            }
            room
        });
        if kept != Ok(true) {
            chunk.release();
        }
    }
}

/// Bytes of tensors alive now and at most so far, as handed out in whole size classes.
pub(crate) fn usage() -> (usize, usize) {
    (IN_USE.load(Ordering::Relaxed), PEAK.load(Ordering::Relaxed))
}

/// Starts the count of the most bytes anew from what is alive.
pub(crate) fn reset_peak() {
    PEAK.store(IN_USE.load(Ordering::Relaxed), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_what_it_is_asked_for_and_wastes_at_most_a_quarter() {
        for bytes in (0..100_000).chain([1 << 20, (1 << 20) + 1, 3 << 30]) {
            let class = class_of(bytes);
            assert!(class_bytes(class) >= bytes, "{bytes}");
            assert!(
                class == 0 || class_bytes(class - 1) < bytes,
                "{bytes} fits a smaller class"
            );
            assert!(
                class_bytes(class) <= bytes + bytes / 4 + ALIGN,
                "{bytes} wastes too much"
            );
        }
    }

    #[test]
    fn a_fresh_block_of_any_size_is_zero_and_may_lie_on_huge_pages() {
        for bytes in [1, ALIGN, HUGE - 1, HUGE, 2 * HUGE + 1, 5 * HUGE] {
            let fresh = Chunk::fresh(class_of(bytes) as u8);
            let block = Block(fresh);
            assert!(block.bytes().len() >= bytes);
            assert!(block.bytes().iter().all(|&b| b == 0), "{bytes}");
            let align = if bytes < HUGE { ALIGN } else { HUGE };
            assert!(
                block.bytes().as_ptr().addr().is_multiple_of(align),
                "{bytes}"
            );
            IN_USE.fetch_add(block.bytes().len(), Ordering::Relaxed); // its drop takes them off
        }
    }

    #[test]
    fn a_freed_block_is_handed_out_again() {
        let first = Block::new(100_000);
        let at = first.bytes().as_ptr();
        drop(first);
        assert_eq!(Block::new(99_000).bytes().as_ptr(), at);
    }
}
