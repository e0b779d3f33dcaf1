//! Many products of one shape.

use super::view::{MatMut, MatRef};
use super::{Epilogue, Way, product};
use crate::simd::{Float, Level};
use crate::threads::parallel_for;

/// Multiplications in one task.
const TASK: usize = 1 << 18;

/// `C[i] = A[i] B[i]` for `batches` products, or `+=` where `accumulate`; `c` holds the results one
/// after the other, each `shape` (rows, columns). Every product has the bits that
/// [`gemm`](super::gemm) gives it.
///
/// ```
/// use lepton_tensor::kernel::gemm::{MatRef, batched};
/// use lepton_tensor::simd::level;
/// let (x, y, mut z) = ([1.0f64, 2.0, 3.0, 4.0], [10.0, 20.0], [0.0; 4]);
/// let a = |i| MatRef::new(&x, 2 * i, [2, 1], [1, 1]);
/// let b = |i| MatRef::new(&y, i, [1, 1], [1, 1]);
/// batched(level(), 2, [2, 1], a, b, &mut z, false, None);
/// assert_eq!(z, [10.0, 20.0, 60.0, 80.0]);
/// ```
///
/// # Panics
/// Where the shapes do not fit, or `c` is too short.
#[expect(
    clippy::too_many_arguments,
    reason = "a product has three matrices and how to join them"
)]
pub fn batched<'a, T: Float>(
    level: Level,
    batches: usize,
    shape: [usize; 2],
    a: impl Fn(usize) -> MatRef<'a, T> + Sync,
    b: impl Fn(usize) -> MatRef<'a, T> + Sync,
    c: &mut [T],
    accumulate: bool,
    epilogue: Option<&dyn Epilogue<T>>,
) {
    if batches == 0 {
        return;
    }
    // The whole of C is one tall matrix, which checks the length once.
    let rows = batches
        .checked_mul(shape[0])
        .expect("a number of rows that exists");
    let whole = MatMut::rows_of(c, [rows, shape[1]]);
    let one = |i: usize, way: Way| {
        // SAFETY: the products' rows of C are disjoint and lie within it.
        let c = unsafe { whole.block(i * shape[0], 0, shape) };
        product(level, a(i), b(i), c, accumulate, epilogue, way);
    };
    let work = shape[0]
        .saturating_mul(shape[1])
        .saturating_mul(a(0).shape()[1]);
    let group = (TASK / work.max(1)).clamp(1, batches);
    if batches < 4 || group == batches {
        return (0..batches).for_each(|i| one(i, Way::Parallel));
    }
    parallel_for(batches.div_ceil(group), |g| {
        (g * group..batches.min((g + 1) * group)).for_each(|i| one(i, Way::Serial));
    });
}
