//! Copies of A and B in the order in which the innermost loop reads them.
//!
//! A panel of A has `rows` adjacent elements a step, a panel of B `cols`; short panels are filled
//! up with zeros.

use std::cell::Cell;

use super::view::MatRef;
use crate::simd::Float;

/// Packs columns `k0 .. k0 + k` of rows `i0 .. i0 + m` of A into panels of `rows` rows.
pub(super) fn pack_left<T: Float>(
    a: MatRef<T>,
    [i0, m]: [usize; 2],
    [k0, k]: [usize; 2],
    rows: usize,
    out: &mut [T],
) {
    pack(a, [i0, m], [k0, k], rows, out);
}

/// Packs rows `k0 .. k0 + k` of columns `j0 .. j0 + n` of B into panels of `cols` columns.
pub(super) fn pack_right<T: Float>(
    b: MatRef<T>,
    [k0, k]: [usize; 2],
    [j0, n]: [usize; 2],
    cols: usize,
    out: &mut [T],
) {
    pack(b.t(), [j0, n], [k0, k], cols, out);
}

/// Panels of `width` rows of `x`, each step of `k` adjacent.
fn pack<T: Float>(
    x: MatRef<T>,
    [i0, m]: [usize; 2],
    [k0, k]: [usize; 2],
    width: usize,
    out: &mut [T],
) {
    let [row, step] = x.strides();
    for (panel, i) in (0..m).step_by(width).enumerate() {
        let out = &mut out[panel * width * k..(panel + 1) * width * k];
        let there = width.min(m - i);
        if there < width {
            out.fill(T::default());
        }
        let start = x.at(i0 + i, k0);
        // SAFETY (both branches): `[i0 + i + r, k0 + p]` with `r < there` and `p < k` is an
        // element of `x`, since the caller's ranges lie within it.
        if row == 1 {
            for p in 0..k {
                let from = start.wrapping_offset(p as isize * step);
                // SAFETY: as said above; with a row stride of 1 the elements are adjacent.
                let from = unsafe { std::slice::from_raw_parts(from, there) };
                out[p * width..p * width + there].copy_from_slice(from);
            }
        } else {
            for r in 0..there {
                let from = start.wrapping_offset(r as isize * row);
                for p in 0..k {
                    // SAFETY: as said above.
                    out[p * width + r] = unsafe { *from.offset(p as isize * step) };
                }
            }
        }
    }
}

/// Memory for packed panels that a thread keeps, aligned to a cache line.
pub(super) struct Scratch {
    memory: Vec<u64>,
    slot: &'static std::thread::LocalKey<Cell<Vec<u64>>>,
}

thread_local! {
    static LEFT: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
    static RIGHT: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

impl Scratch {
    /// This thread's memory for panels of A.
    pub(super) fn left() -> Scratch {
        Scratch {
            memory: LEFT.take(),
            slot: &LEFT,
        }
    }

    /// This thread's memory for panels of B.
    pub(super) fn right() -> Scratch {
        Scratch {
            memory: RIGHT.take(),
            slot: &RIGHT,
        }
    }

    /// `n` elements of `T`, with arbitrary contents.
    pub(super) fn get<T: Float>(&mut self, n: usize) -> &mut [T] {
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
        // A task that a waiting thread stole may have left its own memory here: keep the larger.
        let other = self.slot.take();
        let mine = std::mem::take(&mut self.memory);
        self.slot.set(if other.len() > mine.len() {
            other
        } else {
            mine
        });
    }
}
