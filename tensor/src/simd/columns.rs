//! Folds over rows: each column of a block of them.

use super::slice::{load, read, store, write};
use super::{Float, Kernel, Level, Simd, Vector, ZipBody, prefetch_l2};

/// Rows that are folded before the results are stored: more rows mean fewer stores, fewer rows mean fewer
/// streams from memory.
const ROWS_CACHED: usize = 4;
const ROWS_PREFETCHED: usize = 2;
/// Bytes of the results, at most, that stay in L1 while all rows go by.
const STRIP: usize = 4096;
/// Bytes prefetched ahead: hardware prefetchers stop at the end of a page, and each row of a strip may lie in
/// another one.
const AHEAD: usize = 4 * STRIP;

/// `acc[j]` = the fold by `f` of `x[i][j]` over the rows `i` of `x`, in order; the last row may be shorter.
/// `prefetch` is for rows that exceed the cache; cached rows would take longer with it.
///
/// # Panics
/// Where `acc` is empty, or `x` has no whole row.
pub(crate) fn fold_rows<T: Float, F: ZipBody>(
    level: Level,
    f: &F,
    x: &[T],
    prefetch: bool,
    acc: &mut [T],
) {
    let width = acc.len();
    assert!(0 < width && width <= x.len(), "no row of {width} columns");
    match prefetch {
        true => level.dispatch(FoldRows::<T, F, ROWS_PREFETCHED, true> { f: *f, x, acc }),
        false => level.dispatch(FoldRows::<T, F, ROWS_CACHED, false> { f: *f, x, acc }),
    }
}

/// `R` rows at a time, prefetched where `PREFETCH`.
struct FoldRows<'a, T, F, const R: usize, const PREFETCH: bool> {
    /// How elements combine.
    f: F,
    /// The rows, one after the other.
    x: &'a [T],
    /// The result, a row.
    acc: &'a mut [T],
}

impl<T: Float, F: ZipBody, const R: usize, const PREFETCH: bool> Kernel
    for FoldRows<'_, T, F, R, PREFETCH>
{
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (f, width) = (self.f, self.acc.len());
        let strip = STRIP / size_of::<T>();
        for (i, acc) in self.acc.chunks_mut(strip).enumerate() {
            let rows = RowFold::<F, R, PREFETCH> { f, width };
            let mut x = rows.fold_first::<T, S, true>(&self.x[i * strip..], acc);
            while !x.is_empty() {
                x = rows.fold_first::<T, S, false>(x, acc);
            }
        }
    }
}

/// Rows of `width` columns, of which a strip is folded.
struct RowFold<F, const R: usize, const PREFETCH: bool> {
    /// How elements combine.
    f: F,
    /// Elements of a row.
    width: usize,
}

impl<F: ZipBody, const R: usize, const PREFETCH: bool> RowFold<F, R, PREFETCH> {
    /// Folds the first rows of `x` into `acc`, and returns the rest; where `FRESH`, `acc` holds nothing yet.
    #[inline(always)]
    fn fold_first<'a, T: Float, S: Simd, const FRESH: bool>(
        &self,
        x: &'a [T],
        acc: &mut [T],
    ) -> &'a [T] {
        let (n, width) = (acc.len(), self.width);
        let rows = match x.len() >= (R - 1) * width + n {
            true => {
                let ahead = if PREFETCH { self.ahead::<T>(x, n) } else { 0 };
                self.columns::<T, S, R, FRESH>(x, ahead, acc);
                R
            }
            false => {
                self.columns::<T, S, 1, FRESH>(x, 0, &mut acc[..n.min(x.len())]);
                1
            }
        };
        x.get(rows * width..).unwrap_or(&[])
    }

    /// The distance, in elements, from rows to those that are prefetched meanwhile; 0 where there are none.
    /// Behind a block of short rows another block is likely to follow.
    #[inline(always)]
    fn ahead<T>(&self, x: &[T], n: usize) -> usize {
        let ahead = (AHEAD / (n * size_of::<T>())).next_multiple_of(R) * self.width;
        match ahead < x.len() || n == self.width {
            true => ahead,
            false => 0,
        }
    }

    /// Folds the columns of `acc` of `N` rows; where `PREFETCH`, prefetches what lies `ahead` of them.
    #[inline(always)]
    fn columns<T: Float, S: Simd, const N: usize, const FRESH: bool>(
        &self,
        x: &[T],
        ahead: usize,
        acc: &mut [T],
    ) {
        let (n, width) = (acc.len(), self.width);
        assert!(x.len() >= (N - 1) * width + n, "{N} rows of {n}");
        let (x, acc) = (x.as_ptr(), acc.as_mut_ptr());
        let (wide, lanes) = (T::Wide::<S>::LANES, T::Vec::<S>::LANES);
        let first = usize::from(FRESH);
        let mut j = 0;
        while j + wide <= n {
            for i in 0..if PREFETCH { N } else { 0 } {
                prefetch_l2(x.wrapping_add(i * width + j + ahead));
            }
            // SAFETY: `j + wide <= n`, and `x` holds `n` columns of each row.
            unsafe {
                let (x, acc) = (x.add(j), acc.add(j));
                let mut sum = read::<T, S>(if FRESH { x } else { acc });
                for i in first..N {
                    sum = self.f.f(sum, read::<T, S>(x.add(i * width)));
                }
                write::<T, S>(sum, acc, false);
            }
            j += wide;
        }
        while j < n {
            let part = lanes.min(n - j);
            // SAFETY: as above, for the `part` columns from `j` on.
            unsafe {
                let (x, acc) = (x.add(j), acc.add(j));
                let mut sum = load::<T, S>(if FRESH { x } else { acc }, part);
                for i in first..N {
                    sum = self.f.f(sum, load::<T, S>(x.add(i * width), part));
                }
                store::<T, S>(sum, acc, part);
            }
            j += part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{MaxBody, SumBody};

    #[test]
    fn rows_are_taken_in_one_after_the_other_at_every_level() {
        for (rows, width, missing) in [
            (1, 1, 0),
            (2, 3, 2),
            (3, 7, 2),
            (4, 16, 0),
            (9, 37, 36),
            (13, 64, 1),
            (7, 1024, 3),
            (5, 1031, 0),
            (6, 2100, 1050),
        ] {
            let x: Vec<f32> = (0..rows * width - missing)
                .map(|i| ((i * 37) % 101) as f32 / 7.0)
                .collect();
            let (mut sums_too, mut most_too) = (x[..width].to_vec(), x[..width].to_vec());
            for (i, &v) in x.iter().enumerate().skip(width) {
                sums_too[i % width] += v;
                most_too[i % width] = most_too[i % width].max(v);
            }
            for (level, far) in Level::available()
                .into_iter()
                .flat_map(|l| [(l, false), (l, true)])
            {
                let (mut sums, mut most) = (vec![9.0; width], vec![9.0; width]);
                fold_rows(level, &SumBody, &x, far, &mut sums);
                fold_rows(level, &MaxBody, &x, far, &mut most);
                assert_eq!(sums, sums_too, "{rows} rows of {width}, {level:?}, {far}");
                assert_eq!(most, most_too, "{rows} rows of {width}, {level:?}, {far}");
            }
        }
    }
}
