//! Memory that threads keep between kernels.

use std::cell::Cell;

use crate::simd::Float;

/// Memory for packed panels, and for a kernel's tiles, that a thread keeps, aligned to a cache line.
pub(crate) struct Scratch {
    /// The memory, taken from the slot meanwhile.
    memory: Vec<u64>,
    /// Where it goes back to.
    slot: &'static std::thread::LocalKey<Cell<Vec<u64>>>,
}

thread_local! {
    static LHS: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
    static RHS: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
    static TILES: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
    static TRANSPOSED: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

impl Scratch {
    /// This thread's memory for panels of A.
    pub(crate) fn lhs() -> Scratch {
        Scratch {
            memory: LHS.take(),
            slot: &LHS,
        }
    }

    /// This thread's memory for panels of B.
    pub(crate) fn rhs() -> Scratch {
        Scratch {
            memory: RHS.take(),
            slot: &RHS,
        }
    }

    /// This thread's memory for a product that is transposed afterwards.
    pub(crate) fn transposed() -> Scratch {
        Scratch {
            memory: TRANSPOSED.take(),
            slot: &TRANSPOSED,
        }
    }

    /// This thread's memory for the tiles of a kernel that multiplies them.
    pub(crate) fn tiles() -> Scratch {
        Scratch {
            memory: TILES.take(),
            slot: &TILES,
        }
    }

    /// `n` elements of `T`, with arbitrary contents.
    pub(crate) fn get<T: Float>(&mut self, n: usize) -> &mut [T] {
        const LINE: usize = 64;
        let bytes = n
            .checked_mul(size_of::<T>())
            .and_then(|b| b.checked_add(LINE));
        let words = bytes
            .expect("panels that fit into memory")
            .div_ceil(size_of::<u64>());
        if self.memory.len() < words {
            self.memory = vec![0; words];
        }
        let start = self.memory.as_mut_ptr().cast::<u8>();
        let start = start.wrapping_add(start.align_offset(LINE)).cast::<T>();
        // SAFETY: `words` has room for `n` elements and the bytes skipped for alignment; `T` is
        // f32 or f64 (`Float` is sealed), for which all bytes are values.
        unsafe { std::slice::from_raw_parts_mut(start, n) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A task that a waiting thread stole may have put its own memory here: keep the larger.
        let other = self.slot.take();
        let mine = std::mem::take(&mut self.memory);
        self.slot.set(if other.len() > mine.len() {
            other
        } else {
            mine
        });
    }
}
