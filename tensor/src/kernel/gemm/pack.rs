//! Copies of A and B in the order in which the innermost loop reads them.
//!
//! A panel of A has a tile's rows adjacent at each step of k, a panel of B a tile's columns; what
//! fills up a short panel has no meaning.

use super::prefetch::{AHEAD, prefetch_lines};
use crate::kernel::matrix::MatRef;
use crate::simd::{Float, Kernel, MAX_LANES, Num, Simd, Vector, prefetch, prefetch_l2};

/// Elements of one panel's step beyond its own that may be written (and are overwritten after).
pub(super) const SLACK: usize = MAX_LANES;

/// Panels that are packed together where a step's rows are adjacent.
const GROUP: usize = 4;

/// Packs a part of a matrix: `width` rows a panel, each step's adjacent. B packs its transpose.
pub(super) struct Pack<'a, T> {
    /// The matrix.
    pub(super) from: MatRef<'a, T>,
    /// First row and how many, within `from`.
    pub(super) rows: [usize; 2],
    /// First step of k and how many, within `from`.
    pub(super) steps: [usize; 2],
    /// Rows of a panel.
    pub(super) width: usize,
    /// Room for the panels; where rows are short, also for `SLACK`.
    pub(super) out: &'a mut [T],
}

impl<T: Float> Kernel for Pack<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let ([i0, m], [k0, k]) = (self.rows, self.steps);
        let [row, step] = self.from.strides();
        let group = match (row, self.width) {
            (1, 8 | 16 | 32) => GROUP * self.width,
            _ => self.width,
        };
        let mut i = 0;
        while i < m {
            let out = &mut self.out[i * k..];
            // Whole panels that are copied a step at a time, together; else one.
            let rows = if m - i >= group {
                group
            } else {
                self.width.min(m - i)
            };
            // Elements `[r, p]` with `r < rows` and `p < k`, from here by `row` and `step`.
            let start = self.from.at(i0 + i, k0);
            let panel = SourcePanel {
                start,
                row,
                step,
                rows,
                k,
                width: self.width,
            };
            // SAFETY: the caller's rows and steps lie within the matrix, so all of these elements
            // exist.
            unsafe {
                match (row, step, self.width) {
                    (1, _, 32) if rows > 32 => panel.together::<32>(out),
                    (1, _, 16) if rows > 16 => panel.together::<16>(out),
                    (1, _, 8) if rows > 8 => panel.together::<8>(out),
                    (1, _, 32) => panel.adjacent::<32>(out),
                    (1, _, 16) => panel.adjacent::<16>(out),
                    (1, _, 8) => panel.adjacent::<8>(out),
                    (1, _, 6) => panel.adjacent::<6>(out),
                    (_, 1, _) if rows * 2 >= T::Vec::<S>::LANES => panel.transposed::<S>(out),
                    _ => panel.one_by_one(out),
                }
            }
            i += rows.next_multiple_of(self.width);
        }
    }
}

/// A panel to be packed.
struct SourcePanel<T> {
    /// Element `[0, 0]`.
    start: *const T,
    /// From one row to the next.
    row: isize,
    /// From one step of k to the next.
    step: isize,
    /// Rows that exist.
    rows: usize,
    /// Steps.
    k: usize,
    /// Rows of the packed panel.
    width: usize,
}

impl<T: Float> SourcePanel<T> {
    /// Any strides, any number of rows; zeros where there is no row.
    #[inline(always)]
    unsafe fn one_by_one(&self, out: &mut [T]) {
        let out = &mut out[..self.width * self.k];
        if self.rows < self.width {
            out.fill(T::default());
        }
        for r in 0..self.rows {
            let from = self.start.wrapping_offset(r as isize * self.row);
            for p in 0..self.k {
                // SAFETY: `[r, p]` is an element, as the caller vouches.
                out[p * self.width + r] = unsafe { *from.offset(p as isize * self.step) };
            }
        }
    }

    /// Each step's rows are adjacent already. Where the panel is short, what follows them in memory
    /// comes along, as long as it is part of the matrix.
    #[inline(always)]
    unsafe fn adjacent<const WIDTH: usize>(&self, out: &mut [T]) {
        let lacking = WIDTH - self.rows;
        let steps = match usize::try_from(self.step) {
            _ if lacking == 0 => self.k,
            // `lacking` elements more than step `p` has are there when later steps reach as far.
            Ok(step) if step > 0 => self.k - self.k.min(lacking.div_ceil(step)),
            _ => 0,
        };
        let (whole, rest) = out.split_at_mut(WIDTH * steps);
        let (whole, _) = whole.as_chunks_mut::<WIDTH>();
        for p in 0..steps {
            let from = self.start.wrapping_offset(p as isize * self.step);
            prefetch_lines(from.wrapping_offset(AHEAD * self.step), WIDTH);
            // SAFETY: `row` is 1, so these are elements `[.., p]`, as the caller vouches, and behind
            // them at most as much as lies before the last step's last row.
            whole[p] = unsafe { *from.cast::<[T; WIDTH]>() };
        }
        let rest_of = SourcePanel {
            start: self.start.wrapping_offset(steps as isize * self.step),
            k: self.k - steps,
            ..*self
        };
        // SAFETY: the rest of the steps, of which the caller vouches for.
        unsafe { rest_of.one_by_one(rest) };
    }

    /// [`GROUP`] whole panels whose rows are adjacent: of memory, as many lines at a time.
    #[inline(always)]
    unsafe fn together<const WIDTH: usize>(&self, out: &mut [T]) {
        let (out, _) = out[..GROUP * WIDTH * self.k].as_chunks_mut::<WIDTH>();
        for p in 0..self.k {
            let from = self.start.wrapping_offset(p as isize * self.step);
            prefetch_lines(from.wrapping_offset(AHEAD * self.step), GROUP * WIDTH);
            for g in 0..GROUP {
                // SAFETY: as in `adjacent`, where no panel is short.
                out[g * self.k + p] = unsafe { *from.wrapping_add(g * WIDTH).cast::<[T; WIDTH]>() };
            }
        }
    }

    /// Each row's steps are adjacent: squares of vectors are transposed in registers. The last row
    /// stands for those that a short panel lacks; what comes of them is never written.
    #[inline(always)]
    unsafe fn transposed<S: Simd>(&self, out: &mut [T]) {
        let lanes = T::Vec::<S>::LANES;
        let groups = self.width.div_ceil(lanes);
        let next = self.width as isize * self.row;
        let mut p = 0;
        while p + lanes <= self.k {
            // The last group may write beyond its step, into what is written next.
            for g in (0..groups).rev() {
                let mut square = [<T::Vec<S> as Num>::splat(0.0); MAX_LANES];
                for r in 0..lanes {
                    let row = (g * lanes + r).min(self.rows - 1) as isize;
                    let from = self.start.wrapping_offset(row * self.row).wrapping_add(p);
                    prefetch(from.wrapping_add(2 * lanes));
                    // The next panel's rows begin in other pages, where no processor looks ahead.
                    prefetch_l2(from.wrapping_offset(next));
                    // SAFETY: `[row, p .. p + lanes]` are elements, adjacent as `step` is 1.
                    square[r] = Vector::load(unsafe { std::slice::from_raw_parts(from, lanes) });
                }
                T::Vec::<S>::transpose(&mut square);
                for q in 0..lanes {
                    square[q].store(&mut out[(p + q) * self.width + g * lanes..]);
                }
            }
            p += lanes;
        }
        let rest = SourcePanel {
            start: self.start.wrapping_add(p),
            k: self.k - p,
            ..*self
        };
        // SAFETY: the rest of the steps, of which the caller vouches for.
        unsafe { rest.one_by_one(&mut out[p * self.width..]) };
    }
}
