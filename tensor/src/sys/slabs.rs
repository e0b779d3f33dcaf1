//! Blocks below a huge page, side by side on huge pages.
//!
//! A block of its own would lie on pages of 4 KiB: a processor looks up each of them, and does not look ahead
//! beyond its end. Whatever a step of training visits once, its weights and their moments, waits for both.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pages::{self, HUGE};

/// Bytes of the smallest and of the first block too large to be cut from a slab.
const SIZES: std::ops::Range<usize> = 128 << 10..HUGE;
/// Bytes of a slab, and its alignment, by which a block finds its slab.
const SLAB: usize = 4 * HUGE;
/// Bytes before the first block: a cache line.
const HEAD: usize = 64;

/// How many hold a slab: its blocks, and the thread that cuts it.
type Holders = AtomicUsize;

/// Whether blocks of so many bytes are cut from slabs.
pub(super) fn holds(bytes: usize) -> bool {
    SIZES.contains(&bytes)
}

/// A block of `bytes`, a multiple of [`HEAD`] that slabs [hold](holds), with arbitrary contents.
pub(super) fn cut(bytes: usize) -> NonNull<u8> {
    let own = CUTTING.try_with(|c| c.borrow_mut().cut(bytes));
    // A thread that ends has no slab to cut any more.
    own.unwrap_or_else(|_| Cutting::fresh().cut(bytes))
}

/// Gives a block back; its slab returns to the system with the last one.
///
/// # Safety
/// The block came from [`cut`] and is used no more.
pub(super) unsafe fn give_back(block: NonNull<u8>) {
    let offset = block.addr().get() % SLAB;
    // SAFETY: slabs are aligned to their size, so this is where the block's own begins; it is alive,
    // since the block holds it.
    unsafe { let_go(block.sub(offset)) };
}

/// Takes one holder from a slab.
///
/// # Safety
/// `slab` is alive, and the caller is one of its holders.
unsafe fn let_go(slab: NonNull<u8>) {
    // SAFETY: the head of a slab that is alive.
    let holders = unsafe { slab.cast::<Holders>().as_ref() };
    // What others did with their blocks happens before the slab is gone.
    if holders.fetch_sub(1, Ordering::AcqRel) == 1 {
        // SAFETY: it came from `fresh` with this layout, and nobody holds it.
        unsafe { dealloc(slab.as_ptr(), layout()) };
    }
}

fn layout() -> Layout {
    Layout::from_size_align(SLAB, SLAB).expect("a slab fits the address space")
}

thread_local! {
    static CUTTING: RefCell<Cutting> = const { RefCell::new(Cutting { slab: None, used: SLAB }) };
}

/// The slab that a thread cuts.
struct Cutting {
    slab: Option<NonNull<u8>>,
    /// Bytes in use from its beginning.
    used: usize,
}

impl Cutting {
    fn fresh() -> Cutting {
        // SAFETY: the layout has a size.
        let slab = unsafe { alloc(layout()) };
        let slab = NonNull::new(slab).unwrap_or_else(|| handle_alloc_error(layout()));
        pages::wish_huge(slab, SLAB);
        // SAFETY: the head lies at the beginning of the slab, aligned, and nobody else has it.
        unsafe { slab.cast::<Holders>().write(Holders::new(1)) };
        Cutting {
            slab: Some(slab),
            used: HEAD,
        }
    }

    fn cut(&mut self, bytes: usize) -> NonNull<u8> {
        debug_assert!(holds(bytes) && bytes.is_multiple_of(HEAD));
        if self.used + bytes > SLAB {
            *self = Cutting::fresh();
        }
        let slab = self.slab.expect("a slab with room");
        let at = self.used;
        self.used += bytes;
        // SAFETY: this thread holds the slab; `at + bytes` lies within it.
        unsafe {
            slab.cast::<Holders>()
                .as_ref()
                .fetch_add(1, Ordering::Relaxed);
            slab.add(at)
        }
    }
}

impl Drop for Cutting {
    fn drop(&mut self) {
        if let Some(slab) = self.slab {
            // SAFETY: the one that cuts is a holder until here.
            unsafe { let_go(slab) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block that is filled with a byte, to see that no other one reaches into it.
    struct Filled(NonNull<u8>, usize, u8);

    // SAFETY: it alone has its block.
    unsafe impl Send for Filled {}

    impl Filled {
        fn new(bytes: usize, with: u8) -> Filled {
            let block = cut(bytes);
            assert!(block.addr().get().is_multiple_of(64));
            // SAFETY: the block has so many bytes.
            unsafe { block.write_bytes(with, bytes) };
            Filled(block, bytes, with)
        }

        fn give_back(self) {
            // SAFETY: written above, and used no more.
            unsafe {
                let all = std::slice::from_raw_parts(self.0.as_ptr(), self.1);
                assert!(all.iter().all(|&b| b == self.2));
                give_back(self.0);
            }
        }
    }

    #[test]
    fn blocks_do_not_overlap_and_outlive_the_thread_that_cut_them() {
        let sizes = [SIZES.start, SIZES.start + 64, 1 << 20, SIZES.end - 64];
        let cut_some = move |of: usize| {
            let one = |i: usize| Filled::new(sizes[(i * i + of) % 4], (10 * of + i) as u8);
            (0..24).map(one).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4)
            .map(|of| std::thread::spawn(move || cut_some(of)))
            .collect();
        let mine = cut_some(5);
        let theirs: Vec<_> = threads
            .into_iter()
            .flat_map(|t| t.join().expect("it ends"))
            .collect();
        mine.into_iter().for_each(Filled::give_back);
        theirs.into_iter().rev().for_each(Filled::give_back);
    }
}
