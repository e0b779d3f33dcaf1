//! Folds over rows: each column of a block of them.

use super::slice::{load, store};
use super::{Float, Kernel, Level, Simd, Vector, ZipBody};

/// Rows that are taken in before the results are stored: fewer stores, and as many streams from
/// memory as a processor foresees.
const ROWS: usize = 4;

/// `acc[j] = f(acc[j], x[i][j])` for each row `i` of `x`, in order; the last row may be shorter.
///
/// # Panics
/// Where `acc` is empty and `x` is not.
pub(crate) fn fold_rows<T: Float, F: ZipBody>(level: Level, f: &F, x: &[T], acc: &mut [T]) {
    level.dispatch(FoldRows { f: *f, x, acc });
}

struct FoldRows<'a, T, F> {
    f: F,
    x: &'a [T],
    acc: &'a mut [T],
}

impl<T: Float, F: ZipBody> Kernel for FoldRows<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (f, acc) = (self.f, self.acc);
        let group = ROWS * acc.len();
        let mut x = self.x;
        while group > 0 && x.len() >= group {
            let (now, rest) = x.split_at(group);
            take_in::<T, F, S, ROWS>(f, now, acc);
            x = rest;
        }
        while !x.is_empty() {
            let (now, rest) = x.split_at(acc.len().min(x.len()));
            take_in::<T, F, S, 1>(f, now, &mut acc[..now.len()]);
            x = rest;
        }
    }
}

/// Takes in `R` whole rows.
#[inline(always)]
fn take_in<T: Float, F: ZipBody, S: Simd, const R: usize>(f: F, x: &[T], acc: &mut [T]) {
    let (lanes, width) = (T::Vec::<S>::LANES, acc.len());
    assert_eq!(x.len(), R * width, "{R} rows of {width}");
    let whole = width / lanes * lanes;
    let mut j = 0;
    while j < whole {
        // SAFETY: `j + lanes <= width`, which `column` asks for.
        unsafe { column::<T, F, S, R>(f, x, acc, j, lanes) };
        j += lanes;
    }
    if j < width {
        // SAFETY: as above.
        unsafe { column::<T, F, S, R>(f, x, acc, j, width - j) };
    }
}

/// The `n` columns from `j` on.
///
/// # Safety
/// `j + n <= acc.len()`, `n` is at most a vector's length, and `x` holds `R` rows as long as `acc`.
#[inline(always)]
unsafe fn column<T: Float, F: ZipBody, S: Simd, const R: usize>(
    f: F,
    x: &[T],
    acc: &mut [T],
    j: usize,
    n: usize,
) {
    let (from, at) = (x.as_ptr(), acc.as_mut_ptr());
    // SAFETY: the caller vouches that all these places are inside; no borrow is used meanwhile.
    unsafe {
        let mut sum = load::<T, S>(at.add(j), n);
        for i in 0..R {
            sum = f.f(sum, load::<T, S>(from.add(i * acc.len() + j), n));
        }
        store::<T, S>(sum, at.add(j), n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::reduce::{MaxBody, SumBody};

    #[test]
    fn rows_are_taken_in_one_after_the_other_at_every_level() {
        for level in Level::available() {
            for (rows, width, missing) in [
                (0, 3, 0),
                (1, 1, 0),
                (3, 7, 2),
                (4, 16, 0),
                (9, 37, 36),
                (13, 64, 1),
            ] {
                let x: Vec<f32> = (0..rows * width - missing)
                    .map(|i| ((i * 37) % 101) as f32 / 7.0)
                    .collect();
                let start: Vec<f32> = (0..width).map(|j| j as f32 / 3.0).collect();
                let (mut sums, mut most) = (start.clone(), start.clone());
                fold_rows(level, &SumBody, &x, &mut sums);
                fold_rows(level, &MaxBody, &x, &mut most);
                let (mut sums_too, mut most_too) = (start.clone(), start);
                for (i, &v) in x.iter().enumerate() {
                    sums_too[i % width] += v;
                    most_too[i % width] = most_too[i % width].max(v);
                }
                assert_eq!(sums, sums_too, "{rows} rows of {width}, {level:?}");
                assert_eq!(most, most_too, "{rows} rows of {width}, {level:?}");
            }
        }
    }
}
