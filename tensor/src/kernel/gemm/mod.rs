//! Matrix products in f32 and f64; `README.md` beside this file tells how and why.

mod batched;
mod blocked;
mod epilogue;
mod gemv;
mod micro;
mod pack;
mod transposed;

pub use super::matrix::{MatMut, MatRef};
pub use batched::batched;
use blocked::Job;
pub(crate) use epilogue::RowBias;
pub use epilogue::{Activation, Addend, Bias, Epilogue, Identity, Relu};
pub(crate) use pack::Scratch;

use crate::simd::{Float, Level};

/// `C = A B`, or `C += A B` where `accumulate`; then `epilogue` on each finished block.
///
/// The sums run over k in passes whose order depends on k alone, or, in vectors and in the last one to
/// four columns beside whole tiles, as dot products; so the bits are the same for any number of threads. The error of an element is at most about `k * EPSILON * sum |a| |b|`.
///
/// ```
/// use lepton_tensor::kernel::gemm::{Bias, MatMut, MatRef, Relu, gemm};
/// use lepton_tensor::simd::level;
/// let (x, w, bias) = ([1.0f32, 2.0], [3.0f32, -4.0, 5.0, 6.0], [0.5f32, 0.0]);
/// let mut y = [0.0; 2];
/// let (x, w) = (MatRef::rows_of(&x, [1, 2]), MatRef::rows_of(&w, [2, 2]));
/// let out = MatMut::rows_of(&mut y, [1, 2]);
/// gemm(level(), x, w.t(), out, false, Some(&Bias::new(&bias, Relu)));
/// assert_eq!(y, [0.0, 17.0]);
/// ```
///
/// # Panics
/// Where the shapes do not fit.
#[track_caller]
pub fn gemm<T: Float>(
    level: Level,
    a: MatRef<T>,
    b: MatRef<T>,
    c: MatMut<T>,
    accumulate: bool,
    epilogue: Option<&dyn Epilogue<T>>,
) {
    product(level, a, b, c, accumulate, epilogue, Way::Parallel);
}

/// [`gemm`] on the caller's thread alone, without an epilogue: a tile of a larger kernel.
pub(crate) fn tile<T: Float>(
    level: Level,
    a: MatRef<T>,
    b: MatRef<T>,
    c: MatMut<T>,
    accumulate: bool,
) {
    product(level, a, b, c, accumulate, None, Way::Serial);
}

/// Whether one product may use several threads; its bits are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Serial,
    Parallel,
}

#[track_caller]
fn product<T: Float>(
    level: Level,
    a: MatRef<T>,
    b: MatRef<T>,
    mut c: MatMut<T>,
    accumulate: bool,
    epilogue: Option<&dyn Epilogue<T>>,
    way: Way,
) {
    let ([m, k], [l, n]) = (a.shape(), b.shape());
    assert!(
        k == l && c.shape() == [m, n],
        "gemm: [{m}, {k}] x [{l}, {n}] does not give {:?}",
        c.shape()
    );
    if m == 0 || n == 0 {
        return;
    }
    let job = Job {
        level,
        a,
        b,
        add: accumulate,
        epilogue,
        parallel: way == Way::Parallel,
    };
    if k > 0 && !gemv::product(&job, &c) {
        return blocked::product(&job, &c); // which finishes each block itself
    }
    if k == 0 && !accumulate {
        (0..m).for_each(|i| c.row(i).fill(T::default()));
    }
    if let Some(epilogue) = epilogue {
        epilogue.finish(level, c, [0, 0]);
    }
}

#[cfg(test)]
mod tests;
