//! Matrix by vector: every element of the matrix is used once, so memory sets the pace.
//!
//! A matrix with adjacent elements along k gives dot products, four rows at a time; one with
//! adjacent elements across k is added up, eight steps of k at a time.

use super::job::{Job, Shared, Threading};
use crate::kernel::matrix::{MatMut, MatRef};
use crate::kernel::scratch::Scratch;
use crate::simd::{
    self, Float, Kernel, Lane, MAX_LANES, Num, Simd, Vector, prefetch_l2, sum_lanes,
};
use crate::threads;

/// Elements of the matrix in one task.
const TASK: usize = 1 << 16;
/// Sums that stay in L1 while steps of k go by: on one thread, where long stretches of memory are read
/// fastest, and in one task of several. A sum's order does not depend on it.
const SUMS: [usize; 2] = [4096, 1024];
/// Elements of the matrix below which a product stays on one thread.
const PARALLEL: usize = 1 << 18;

/// `C = A B` where one side of C is 1; false where the strides call for packing instead.
pub(super) fn product<T: Float>(job: &Job<T>, c: &MatMut<T>) -> bool {
    let (matrix, vector, y_step) = match c.shape() {
        [_, 1] => (job.a, job.b.t(), c.row_stride()),
        [1, _] => (job.b.t(), job.a, 1),
        _ => return false,
    };
    let dots = match matrix.strides() {
        [_, 1] => true,
        [1, _] => false,
        _ => return false,
    };
    let [rows, k] = matrix.shape();
    let mut memory; // taken only where the vector's elements must be brought together
    let x: &[T] = if vector.strides()[1] == 1 || k == 1 {
        vector.row(0)
    } else {
        memory = Scratch::lhs();
        let x = memory.get::<T>(k);
        vector.row_into(0, x, |v| v);
        x
    };
    let y = Shared(c.at(0, 0));
    let parallel =
        job.threading == Threading::Parallel && rows * k >= PARALLEL && threads::count() > 1;
    let chunk = if dots {
        TASK.div_ceil(k).next_multiple_of(4)
    } else {
        SUMS[usize::from(parallel)]
    };
    let prefetch = simd::exceeds_cache(rows * k * size_of::<T>());
    let task = |t: usize| {
        let (first, count) = (t * chunk, chunk.min(rows - t * chunk));
        let y = y.get().wrapping_add(first * y_step);
        let part = MatrixRows {
            matrix,
            first,
            count,
            x,
            y,
            y_step,
            add: job.add,
        };
        if dots {
            return match prefetch {
                true => job.level.dispatch(RowDots::<T, true>(part)),
                false => job.level.dispatch(RowDots::<T, false>(part)),
            };
        }
        let mut memory = Scratch::rhs();
        let sums = memory.get::<T>(count);
        sums.fill(T::default());
        match prefetch {
            true => job.level.dispatch(ColumnSums::<T, true>(part, sums)),
            false => job.level.dispatch(ColumnSums::<T, false>(part, sums)),
        }
    };
    let tasks = rows.div_ceil(chunk);
    if parallel {
        threads::parallel_for(tasks, task)
    } else {
        (0..tasks).for_each(task)
    }
    true
}

/// Rows `first .. first + count` of the matrix, and where their products go.
struct MatrixRows<'a, T> {
    /// The matrix, `[rows, k]`.
    matrix: MatRef<'a, T>,
    /// The part's first row.
    first: usize,
    /// The part's rows.
    count: usize,
    /// The vector, `[k]`.
    x: &'a [T],
    /// Where the product of the first row goes.
    y: *mut T,
    /// From one product to the next.
    y_step: usize,
    /// Whether the products are added to what is there.
    add: bool,
}

impl<T: Float> MatrixRows<'_, T> {
    /// Writes the product of the part's row `i`.
    #[inline(always)]
    fn put(&self, i: usize, sum: T) {
        debug_assert!(i < self.count);
        let y = self.y.wrapping_add(i * self.y_step);
        // SAFETY: element `first + i` of C exists, and only this part's task touches it.
        unsafe { *y = if self.add { *y + sum } else { sum } };
    }
}

/// The part's dot products; where `PREFETCH`, the next rows are prefetched.
struct RowDots<'a, T, const PREFETCH: bool>(MatrixRows<'a, T>);

impl<T: Float, const PREFETCH: bool> Kernel for RowDots<'_, T, PREFETCH> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let rest = Tail::<T, S>::of(self.0.x);
        let mut i = 0;
        while i + 4 <= self.0.count {
            self.rows::<S, 4>(i, rest);
            i += 4;
        }
        while i < self.0.count {
            self.rows::<S, 1>(i, rest);
            i += 1;
        }
    }
}

/// The tail of a vector behind its whole registers, with zeros behind it.
struct Tail<T: Float, S: Simd> {
    /// Its elements.
    x: T::Vec<S>,
    /// The lanes that it fills.
    there: <T::Vec<S> as Num>::Mask,
}

impl<T: Float, S: Simd> Clone for Tail<T, S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Float, S: Simd> Copy for Tail<T, S> {}

impl<T: Float, S: Simd> Tail<T, S> {
    /// The tail of `x`.
    #[inline(always)]
    fn of(x: &[T]) -> Self {
        let x = &x[x.len() / T::Vec::<S>::LANES * T::Vec::<S>::LANES..];
        let zero = <T::Vec<S> as Num>::splat(0.0);
        let ones = T::Vec::<S>::load_first(&[<T as Num>::splat(1.0); MAX_LANES][..x.len()]);
        Tail {
            x: Vector::load_first(x),
            there: zero.lt(ones),
        }
    }

    /// A whole register of `row` with zeros where this rest has them, so that what follows a row
    /// does not matter: no store and load of a part, which would wait for one another.
    #[inline(always)]
    fn only(&self, row: &[T]) -> T::Vec<S> {
        Num::select(self.there, Vector::load(row), Num::splat(0.0))
    }
}

/// Prefetches the cache lines of the `n` elements at `from` but the one that they may end in, which the
/// elements behind them prefetch (other than [`super::prefetch::prefetch_lines`], for a row's only part).
#[inline(always)]
fn prefetch_part<T>(from: *const T, n: usize) {
    let line = 64 / size_of::<T>();
    for i in 0..n.div_ceil(line) {
        prefetch_l2(from.wrapping_add(i * line));
    }
}

impl<T: Float, const PREFETCH: bool> RowDots<'_, T, PREFETCH> {
    /// `ROWS` dot products, each in the same order whatever `ROWS` is; `rest` has the elements of
    /// the vector that fill no register.
    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize>(&self, i: usize, rest: Tail<T, S>) {
        let (part, lanes) = (&self.0, T::Vec::<S>::LANES);
        let x = part.x;
        let mut rows = [x; ROWS];
        for r in 0..ROWS {
            let start = part.matrix.at(part.first + i + r, 0);
            // SAFETY: a row of the matrix has `x.len()` elements, adjacent for dot products.
            rows[r] = unsafe { std::slice::from_raw_parts(start, x.len()) };
        }
        let next = ROWS as isize * part.matrix.strides()[0];
        let mut sums = [[<T::Vec<S> as Num>::splat(0.0); 2]; ROWS];
        let mut p = 0;
        while p + 2 * lanes <= x.len() {
            for half in 0..2 {
                let at = p + half * lanes;
                let x = T::Vec::<S>::load(&x[at..]);
                for r in 0..ROWS {
                    if PREFETCH {
                        prefetch_part(
                            rows[r].as_ptr().wrapping_add(at).wrapping_offset(next),
                            lanes,
                        );
                    }
                    sums[r][half] = x.mul_add(Vector::load(&rows[r][at..]), sums[r][half]);
                }
            }
            p += 2 * lanes;
        }
        if p + lanes <= x.len() {
            let x = T::Vec::<S>::load(&x[p..]);
            for r in 0..ROWS {
                sums[r][0] = x.mul_add(Vector::load(&rows[r][p..]), sums[r][0]);
            }
            p += lanes;
        }
        if p < x.len() {
            // The last row has the fewest elements behind it.
            let whole = part.matrix.ahead(part.first + i + ROWS - 1, p) >= lanes;
            for r in 0..ROWS {
                let row = if whole {
                    let start = part.matrix.at(part.first + i + r, p);
                    // SAFETY: from there on the borrowed slice goes on for a register, or more.
                    rest.only(unsafe { std::slice::from_raw_parts(start, lanes) })
                } else {
                    Vector::load_first(&rows[r][p..])
                };
                sums[r][0] = rest.x.mul_add(row, sums[r][0]);
            }
        }
        for r in 0..ROWS {
            part.put(i + r, sum_lanes::<T, S>(sums[r][0] + sums[r][1]));
        }
    }
}

/// The part's sums, and room for them; where `PREFETCH`, the next steps are prefetched.
struct ColumnSums<'a, T, const PREFETCH: bool>(MatrixRows<'a, T>, &'a mut [T]);

impl<T: Float, const PREFETCH: bool> Kernel for ColumnSums<'_, T, PREFETCH> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let ColumnSums(part, sums) = self;
        let mut p = 0;
        while p + 8 <= part.x.len() {
            part.steps::<S, 8, PREFETCH>(p, sums);
            p += 8;
        }
        while p < part.x.len() {
            part.steps::<S, 1, PREFETCH>(p, sums);
            p += 1;
        }
        for i in 0..part.count {
            part.put(i, sums[i]);
        }
    }
}

impl<T: Float> MatrixRows<'_, T> {
    /// Adds steps `p .. p + STEPS` of k to `sums`, one after the other.
    #[inline(always)]
    fn steps<S: Simd, const STEPS: usize, const PREFETCH: bool>(&self, p: usize, sums: &mut [T]) {
        let (part, lanes) = (self, T::Vec::<S>::LANES);
        let mut from = [&[][..]; STEPS];
        let mut x = [<T::Vec<S> as Num>::splat(0.0); STEPS];
        for s in 0..STEPS {
            let start = part.matrix.at(part.first, p + s);
            // SAFETY: the part has `count` rows from `first` on, adjacent at each step of k.
            from[s] = unsafe { std::slice::from_raw_parts(start, part.count) };
            x[s] = Vector::repeat(part.x[p + s]);
        }
        let next = STEPS as isize * part.matrix.strides()[1];
        let mut i = 0;
        while i + lanes <= sums.len() {
            let mut sum = T::Vec::<S>::load(&sums[i..]);
            for s in 0..STEPS {
                if PREFETCH {
                    prefetch_part(
                        from[s].as_ptr().wrapping_add(i).wrapping_offset(next),
                        lanes,
                    );
                }
                sum = x[s].mul_add(Vector::load(&from[s][i..]), sum);
            }
            sum.store(&mut sums[i..]);
            i += lanes;
        }
        if i < sums.len() {
            let mut sum = T::Vec::<S>::load_first(&sums[i..]);
            for s in 0..STEPS {
                sum = x[s].mul_add(Vector::load_first(&from[s][i..]), sum);
            }
            sum.store_first(&mut sums[i..]);
        }
    }
}
