//! Transposing copies: squares of vectors, transposed in registers.
//!
//! Element by element such a copy reads a cache line for each element it moves. Here a square of as many rows
//! as a vector has lanes is read by whole vectors, so that a line is used up while it is in L1; squares are
//! visited in blocks whose lines on both sides stay in L2.

use super::matrix::{MatMut, MatRef};
use crate::dtype::Element;
use crate::simd::{Float, Kernel, Level, MAX_LANES, Num, Simd, Vector, prefetch};
use crate::threads::parallel_for;
use std::ops::Range;

/// Rows of the result in one task.
const BAND: usize = 64;
/// Elements below which a copy stays on one thread.
const PARALLEL: usize = 1 << 17;

/// `to[i][j] = from[i][j]`, where `from` has adjacent elements along its columns.
///
/// # Panics
/// Where the shapes differ, or `from`'s row stride is not 1.
pub(crate) fn transpose<T: Element>(level: Level, from: MatRef<T>, to: MatMut<T>) {
    check(&from, &to);
    let [rows, cols] = to.shape();
    let band = |b: usize| {
        let (i, n) = (b * BAND, BAND.min(rows - b * BAND));
        // SAFETY: bands are disjoint rows of `to`.
        let to = unsafe { to.block(i, 0, [n, cols]) };
        let from = Band { from, first: i };
        match size_of::<T>() {
            4 => level.dispatch(from.squares::<f32>(to)),
            8 => level.dispatch(from.squares::<f64>(to)),
            _ => from.one_by_one(to),
        }
    };
    let bands = rows.div_ceil(BAND);
    if rows * cols >= PARALLEL {
        parallel_for(bands, band)
    } else {
        (0..bands).for_each(band)
    }
}

/// Panics where the shapes differ or the source's columns are strided.
fn check<T>(from: &MatRef<T>, to: &MatMut<T>) {
    assert!(
        from.shape() == to.shape() && from.strides()[0] == 1,
        "transpose: {:?} by {:?} to {:?}",
        from.shape(),
        from.strides(),
        to.shape()
    );
}

/// Rows of the source from `first` on.
struct Band<'a, T> {
    /// The matrix.
    from: MatRef<'a, T>,
    /// Where the band begins.
    first: usize,
}

impl<'a, T: Element> Band<'a, T> {
    /// The copy as moves of floats as large as `T`, whose bits they leave alone.
    fn squares<F: Float>(&self, to: MatMut<'a, T>) -> Squares<'a, F> {
        assert_eq!(size_of::<T>(), size_of::<F>());
        Squares {
            from: self.from.at(self.first, 0).cast(),
            column: self.from.strides()[1],
            to: to.cast(),
        }
    }

    /// The copy of elements that no float stands for.
    fn one_by_one(&self, mut to: MatMut<T>) {
        let [rows, cols] = to.shape();
        for j0 in (0..cols).step_by(BAND) {
            for i in 0..rows {
                let row = to.row(i);
                for j in j0..cols.min(j0 + BAND) {
                    // SAFETY: `[first + i, j]` is an element of the source.
                    row[j] = unsafe { *self.from.at(self.first + i, j) };
                }
            }
        }
    }
}

/// A band of rows: `to[i][j]` comes from `from + i + j * column`.
pub(super) struct Squares<'a, T> {
    /// The first element of the source.
    from: *const T,
    /// From one of its columns to the next.
    column: isize,
    /// The result.
    to: MatMut<'a, T>,
}

impl<'a, T> Squares<'a, T> {
    /// `to[i][j] = columns[j][i]`, for a `to` of not many rows.
    ///
    /// # Panics
    /// Where the shapes do not fit, or the elements of a row of `columns` are not adjacent.
    pub(super) fn of(columns: MatRef<'a, T>, to: MatMut<'a, T>) -> Self {
        let from = columns.t();
        check(&from, &to);
        Squares {
            from: from.at(0, 0),
            column: from.strides()[1],
            to,
        }
    }
}

impl<T: Float> Kernel for Squares<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let [rows, cols] = self.to.shape();
        let (whole_rows, whole_cols) = (rows / lanes * lanes, cols / lanes * lanes);
        // As many squares side by side as fill the result's cache lines: rows a page apart share few sets of
        // a cache, and a half-written line would be evicted before its other half is written.
        let wide = lanes.max(64 / size_of::<T>());
        for j in (0..whole_cols).step_by(wide) {
            let end = whole_cols.min(j + wide);
            self.prefetch_columns(end..cols.min(end + wide));
            for i in (0..whole_rows).step_by(lanes) {
                for j in (j..end).step_by(lanes) {
                    self.square::<S>(i, j);
                }
            }
            self.edge([whole_rows, rows], [j, end]);
        }
        self.edge([0, rows], [whole_cols, cols]);
    }
}

impl<T: Float> Squares<'_, T> {
    /// The address of the source's element.
    #[inline(always)]
    fn at(&self, i: usize, j: usize) -> *const T {
        self.from
            .wrapping_offset(j as isize * self.column)
            .wrapping_add(i)
    }

    /// Prefetches the lines of some columns, which the hardware prefetcher does not follow.
    #[inline(always)]
    fn prefetch_columns(&self, columns: Range<usize>) {
        let line = 64 / size_of::<T>();
        for q in columns {
            let mut i = 0;
            while i < self.to.shape()[0] {
                prefetch(self.at(i, q));
                i += line;
            }
        }
    }

    /// One square, through registers.
    #[inline(always)]
    fn square<S: Simd>(&self, i: usize, j: usize) {
        let lanes = T::Vec::<S>::LANES;
        let mut square = [<T::Vec<S> as Num>::splat(0.0); MAX_LANES];
        for q in 0..lanes {
            // SAFETY: rows `i .. i + lanes` of column `j + q` are elements, adjacent to each other.
            let column = unsafe { std::slice::from_raw_parts(self.at(i, j + q), lanes) };
            square[q] = Vector::load(column);
        }
        T::Vec::<S>::transpose(&mut square);
        for q in 0..lanes {
            // SAFETY: columns `j .. j + lanes` of row `i + q` lie in `to`, which the band owns.
            let row = unsafe { std::slice::from_raw_parts_mut(self.to.at(i + q, j), lanes) };
            square[q].store(row);
        }
    }

    /// What fills no square, element by element.
    #[inline(always)]
    fn edge(&self, rows: [usize; 2], cols: [usize; 2]) {
        for i in rows[0]..rows[1] {
            for j in cols[0]..cols[1] {
                // SAFETY: `[i, j]` is an element on both sides; the band owns `to`.
                unsafe { *self.to.at(i, j) = *self.at(i, j) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check<T: Element + PartialEq>(level: Level, rows: usize, cols: usize, gap: usize) {
        let stride = rows + gap;
        let data: Vec<T> = (0..stride * cols + 1)
            .map(|i| T::from_i64((i % 251) as i64))
            .collect();
        let from = MatRef::new(&data, 1, [rows, cols], [1, stride as isize]);
        let mut out = vec![T::default(); rows * (cols + gap)];
        transpose(level, from, MatMut::new(&mut out, [rows, cols], cols + gap));
        for i in 0..rows {
            for j in 0..cols + gap {
                let want = if j < cols {
                    data[1 + i + j * stride]
                } else {
                    T::default()
                };
                assert!(out[i * (cols + gap) + j] == want, "[{i}, {j}]");
            }
        }
    }

    proptest! {
        #[test]
        fn every_element_lands_in_its_place(
            rows in 1usize..150, cols in 1usize..80, gap in 0usize..3,
        ) {
            for level in Level::available() {
                check::<f32>(level, rows, cols, gap);
                check::<i64>(level, rows, cols, gap);
                check::<u8>(level, rows, cols, gap);
            }
        }
    }

    #[test]
    fn bits_that_are_no_number_survive() {
        let data: Vec<f32> = (0..1024u32)
            .map(|i| f32::from_bits(0x7f80_0000 + i))
            .collect();
        for level in Level::available() {
            let mut out = vec![0.0f32; 1024];
            let from = MatRef::rows_of(&data, [32, 32]).t();
            transpose(level, from, MatMut::rows_of(&mut out, [32, 32]));
            for i in 0..1024 {
                assert_eq!(out[i].to_bits(), data[i % 32 * 32 + i / 32].to_bits());
            }
        }
    }
}
