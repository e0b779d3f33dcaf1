//! Many products of one shape.

use super::{Epilogue, Way, product};
use crate::kernel::matrix::{MatMut, MatRef};
use crate::simd::{Float, Level};
use crate::threads::parallel_for;

/// Multiplications in one task.
const TASK: usize = 1 << 18;

/// `C[i] = A[i] B[i]` for `batches` products, or `+=` where `accumulate`, then the epilogue of each; the
/// rows of `c` are those of the results, one after the other. Every product has the bits that
/// [`gemm`](super::gemm) gives it.
///
/// ```
/// use lepton_tensor::kernel::gemm::{MatMut, MatRef, batched};
/// use lepton_tensor::simd::level;
/// let (x, y, mut z) = ([1.0f64, 2.0, 3.0, 4.0], [10.0, 20.0], [0.0; 4]);
/// let a = |i| MatRef::new(&x, 2 * i, [2, 1], [1, 1]);
/// let b = |i| MatRef::new(&y, i, [1, 1], [1, 1]);
/// batched(level(), 2, a, b, MatMut::rows_of(&mut z, [4, 1]), false, |_| None);
/// assert_eq!(z, [10.0, 20.0, 60.0, 80.0]);
/// ```
///
/// # Panics
/// Where the shapes do not fit.
pub fn batched<'a, T: Float>(
    level: Level,
    batches: usize,
    a: impl Fn(usize) -> MatRef<'a, T> + Sync,
    b: impl Fn(usize) -> MatRef<'a, T> + Sync,
    c: MatMut<T>,
    accumulate: bool,
    epilogue: impl Fn(usize) -> Option<&'a dyn Epilogue<T>> + Sync,
) {
    if batches == 0 {
        return;
    }
    let [rows, columns] = c.shape();
    assert!(
        rows.is_multiple_of(batches),
        "batched: {rows} rows are not those of {batches} products"
    );
    let shape = [rows / batches, columns];
    let one = |i: usize, way: Way| {
        // SAFETY: the products' rows of C are disjoint and lie within it.
        let c = unsafe { c.block(i * shape[0], 0, shape) };
        product(level, a(i), b(i), c, accumulate, epilogue(i), way);
    };
    let work = shape[0].saturating_mul(columns);
    let work = work.saturating_mul(a(0).shape()[1]);
    let group = (TASK / work.max(1)).clamp(1, batches);
    if batches < 4 || group == batches {
        return (0..batches).for_each(|i| one(i, Way::Parallel));
    }
    parallel_for(batches.div_ceil(group), |g| {
        (g * group..batches.min((g + 1) * group)).for_each(|i| one(i, Way::Serial));
    });
}
