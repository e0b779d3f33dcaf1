//! Folds over axes: sums, products, extremes and their places.
//!
//! Every fold sees the tensor as `[outer, len, inner]` with the reduced axes in the middle. Rows
//! (`inner == 1`) are summed by many partial sums; columns add whole rows into a row of the result,
//! in blocks whose partial results are folded afterwards, so the error grows with the logarithm.

use std::num::Wrapping;

use crate::dtype::Element;
use crate::kernel::rows;
use crate::ops::IntZip;
use crate::simd::{self, Float, Kernel, Level, MaxBody, Num, Simd, SumBody, ZipBody};
use crate::{DType, Shape, Tensor, match_dtype, threads};

/// Rows of columns that are folded into one partial result.
const BLOCK: usize = 64;
/// Elements that a step of a fold over columns takes at least, where there are as many rows.
const WIDE: usize = 256;
/// Rows below this length are not worth a vector.
const NARROW: usize = 16;

/// The sum of each row of `len` elements.
struct RowSums<'a, T> {
    x: &'a [T],
    y: &'a mut [T],
    len: usize,
}

impl<T: Float + Element> Kernel for RowSums<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for i in 0..self.y.len() {
            let row = &self.x[i * self.len..][..self.len];
            self.y[i] = if self.len < NARROW {
                let mut sum = T::default();
                for j in 0..row.len() {
                    sum = sum + row[j];
                }
                sum
            } else {
                <T as Element>::from_f64(rows::sum::<T, S>(row))
            };
        }
    }
}

/// How elements combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReduceOp {
    /// Their sum; 0 for none. Integers and bool give i64.
    Sum,
    /// Their product; 1 for none. Integers and bool give i64.
    Prod,
    /// The largest; there must be at least one element. NaN wins over every number.
    Max,
    /// The smallest; there must be at least one element. NaN wins over every number.
    Min,
}

/// Which end of the order; NaN wins over every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl ZipBody for ReduceOp {
    #[inline(always)]
    fn f<T: simd::Lane>(&self, x: T, y: T) -> T {
        self.int(x, y)
    }
}

impl IntZip for ReduceOp {
    const INT: bool = true;
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        match self {
            ReduceOp::Sum => x + y,
            ReduceOp::Prod => x * y,
            ReduceOp::Max => x.max(y),
            ReduceOp::Min => x.min(y),
        }
    }
}

/// `x` folded over `axes` (distinct, in order); they vanish from the shape.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])?;
/// assert_eq!(ops::reduce(ops::ReduceOp::Sum, &x, &[1]).to_f64(), [6.0, 15.0]);
/// assert_eq!(ops::reduce(ops::ReduceOp::Max, &x, &[0]).to_f64(), [4.0, 5.0, 6.0]);
/// assert_eq!(ops::reduce(ops::ReduceOp::Prod, &x, &[0, 1]).item()?, 720.0);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn reduce(fold: ReduceOp, x: &Tensor, axes: &[usize]) -> Tensor {
    let kept: Shape = (0..x.rank())
        .filter(|a| !axes.contains(a))
        .map(|a| x.shape()[a])
        .collect();
    let integer = !x.dtype().is_float() && !matches!(fold, ReduceOp::Max | ReduceOp::Min);
    let x = if integer {
        crate::ops::cast(x, DType::I64)
    } else {
        x.clone()
    };
    let (x, [outer, len, inner]) = middle(&x, axes);
    let flat = match x.dtype() {
        DType::F32 => float::<f32>(fold, &x, outer, len, inner),
        DType::F64 => float::<f64>(fold, &x, outer, len, inner),
        _ => integers(fold, &x, [outer, len, inner]),
    };
    flat.reshape(&kept).expect("as many elements")
}

/// `x` contiguous as `[outer, len, inner]`, `len` running over `axes`.
pub(super) fn middle(x: &Tensor, axes: &[usize]) -> (Tensor, [usize; 3]) {
    let size = |s: &[usize]| s.iter().product::<usize>();
    let run = axes.windows(2).all(|w| w[1] == w[0] + 1);
    if run && let (Some(&first), Some(&last)) = (axes.first(), axes.last()) {
        let x = x.contiguous();
        let s = x.shape();
        let dims = [
            size(&s[..first]),
            size(&s[first..=last]),
            size(&s[last + 1..]),
        ];
        return (x, dims);
    }
    let (x, kept, len) = rows_over(x, axes);
    (x, [size(&kept), len, 1])
}

/// `x` contiguous with `axes` as the last ones, the shape of the others, and how many elements `axes` hold.
pub(crate) fn rows_over(x: &Tensor, axes: &[usize]) -> (Tensor, Shape, usize) {
    let kept: Shape = (0..x.rank()).filter(|a| !axes.contains(a)).collect();
    let order: Shape = kept.iter().chain(axes).copied().collect();
    let turned = x.permute(&order).expect("an order of the axes");
    let len = axes.iter().map(|&a| x.shape()[a]).product();
    let kept = kept.iter().map(|&a| x.shape()[a]).collect();
    (turned.contiguous(), kept, len)
}

fn float<T: Float + Element>(
    fold: ReduceOp,
    x: &Tensor,
    outer: usize,
    len: usize,
    inner: usize,
) -> Tensor {
    let src = x.as_slice::<T>().expect("contiguous");
    if inner != 1 {
        return columns(fold, src, outer, len, inner);
    }
    let level = simd::level().streaming();
    if fold == ReduceOp::Sum && len > PIECE {
        return long_rows(src, outer, len);
    }
    Tensor::build(&[outer], |out: &mut [T]| {
        let rows = crate::threads::rows_per_task(len);
        threads::parallel_chunks(out, rows, |i, y| {
            let x = &src[i * rows * len..][..y.len() * len];
            match fold {
                ReduceOp::Sum => level.dispatch(RowSums { x, y, len }),
                _ => rows_by(fold, x, y, len),
            }
        });
    })
}

/// Elements of a long row that are summed by one task.
const PIECE: usize = 1 << 16;

/// Sums of rows that are worth several tasks each; the sums of their pieces are added in f64.
fn long_rows<T: Float + Element>(src: &[T], outer: usize, len: usize) -> Tensor {
    let (level, pieces) = (simd::level().streaming(), len.div_ceil(PIECE));
    let mut parts = vec![T::default(); outer * pieces];
    threads::parallel_chunks(&mut parts, 1, |i, y| {
        let (row, from) = (i / pieces * len, i % pieces * PIECE);
        let x = &src[row + from..row + len.min(from + PIECE)];
        level.dispatch(RowSums { x, y, len: x.len() });
    });
    let total = |parts: &[T]| parts.iter().fold(0.0, |sum, &x| sum + Element::to_f64(x));
    Tensor::build(&[outer], |out: &mut [T]| {
        for (y, parts) in out.iter_mut().zip(parts.chunks_exact(pieces)) {
            *y = <T as Element>::from_f64(total(parts));
        }
    })
}

/// Folds of rows that are not sums.
fn rows_by<T: Float + Element>(fold: ReduceOp, x: &[T], y: &mut [T], len: usize) {
    let level = simd::level().streaming();
    let neutral = <T as Element>::from_f64(match fold {
        ReduceOp::Sum => 0.0,
        ReduceOp::Prod => 1.0,
        ReduceOp::Max => f64::NEG_INFINITY,
        ReduceOp::Min => f64::INFINITY,
    });
    for (i, y) in y.iter_mut().enumerate() {
        let row = &x[i * len..][..len];
        *y = match len {
            0..NARROW => row.iter().fold(neutral, |a, &b| fold.f(a, b)),
            _ if fold == ReduceOp::Max => simd::max_slice(level, row),
            _ => simd::reduce_slice(level, &fold, neutral, row),
        };
    }
}

fn columns<T: Float + Element>(
    fold: ReduceOp,
    src: &[T],
    outer: usize,
    len: usize,
    inner: usize,
) -> Tensor {
    let start = <T as Element>::from_f64(if fold == ReduceOp::Prod { 1.0 } else { 0.0 });
    let level = simd::level().streaming();
    // Several short rows side by side make one that is worth a kernel.
    let side = (WIDE / inner.max(1)).max(1);
    let rows = BLOCK * side;
    let blocks = len.div_ceil(rows).max(1);
    let far = simd::exceeds_cache(size_of_val(src));
    let partial = Tensor::build(&[outer, blocks, inner], |out: &mut [T]| {
        if len == 0 || out.is_empty() {
            return out.fill(start);
        }
        let block = |i: usize, acc: &mut [T]| {
            let (o, first) = (i / blocks, i % blocks * rows);
            let count = rows.min(len - first);
            let all = &src[(o * len + first) * inner..][..count * inner];
            fold_block(level, fold, (all, far), inner * side.min(count), acc);
        };
        // As many blocks a task as make its work worth a fork; each block's bits are its own.
        let group = (crate::threads::GRAIN / (inner * len.min(rows))).max(1);
        threads::parallel_chunks(out, inner * group, |i, accs| {
            let own = accs.chunks_exact_mut(inner).enumerate();
            own.for_each(|(j, acc)| block(i * group + j, acc));
        });
    });
    if blocks == 1 {
        partial
    } else {
        columns::<T>(fold, partial.as_slice().expect("new"), outer, blocks, inner)
    }
}

/// Folds the rows of `all` into `acc`, `wide` elements (a multiple of a row) at a time; they may be `far`.
fn fold_block<T: Float>(
    level: Level,
    fold: ReduceOp,
    (all, far): (&[T], bool),
    wide: usize,
    acc: &mut [T],
) {
    let mut room = [T::default(); WIDE];
    let alone = wide == acc.len();
    let sums = if alone { &mut *acc } else { &mut room[..wide] };
    match fold {
        ReduceOp::Sum => simd::fold_rows(level, &SumBody, all, far, sums),
        ReduceOp::Max => simd::fold_rows(level, &MaxBody, all, far, sums),
        _ => simd::fold_rows(level, &fold, all, far, sums),
    }
    if alone {
        return;
    }
    let (first, rest) = room[..wide].split_at(acc.len());
    acc.copy_from_slice(first);
    for next in rest.chunks_exact(acc.len()) {
        acc.iter_mut()
            .zip(next)
            .for_each(|(a, &b)| *a = fold.f(*a, b));
    }
}

/// Folds of integers, which wrap; bool is folded as 0 and 1.
fn integers(fold: ReduceOp, x: &Tensor, dims: [usize; 3]) -> Tensor {
    match x.dtype() {
        DType::I64 => whole(fold, x, dims, Wrapping::<i64>, |w| w.0),
        DType::I32 => whole(fold, x, dims, Wrapping::<i32>, |w| w.0),
        DType::I8 => whole(fold, x, dims, Wrapping::<i8>, |w| w.0),
        DType::U8 => whole(fold, x, dims, Wrapping::<u8>, |w| w.0),
        _ => whole(fold, x, dims, |v: bool| Wrapping(u8::from(v)), |w| w.0 != 0),
    }
}

/// Folds elements that `read` makes numbers of, and `write` elements again.
fn whole<T: Element, N: Num>(
    fold: ReduceOp,
    x: &Tensor,
    dims: [usize; 3],
    read: impl Fn(T) -> N + Copy + Sync,
    write: impl Fn(N) -> T + Copy + Sync,
) -> Tensor {
    let none = write(N::splat(if fold == ReduceOp::Prod { 1.0 } else { 0.0 }));
    // A loop of its own for each fold: it has no branch inside, and vectorises.
    match fold {
        ReduceOp::Sum => lines(x, dims, none, |a, b| write(read(a) + read(b))),
        ReduceOp::Prod => lines(x, dims, none, |a, b| write(read(a) * read(b))),
        ReduceOp::Max => lines(x, dims, none, |a, b| write(read(a).max(read(b)))),
        ReduceOp::Min => lines(x, dims, none, |a, b| write(read(a).min(read(b)))),
    }
}

/// `step` from the first element of each line on, whole rows at a time; `none` for an empty line.
fn lines<T: Element>(
    x: &Tensor,
    [outer, len, inner]: [usize; 3],
    none: T,
    step: impl Fn(T, T) -> T + Copy + Sync,
) -> Tensor {
    let src = x.as_slice::<T>().expect("contiguous");
    let fold_rows = |rows: &[T], acc: &mut [T]| {
        acc.copy_from_slice(&rows[..inner]);
        for row in rows[inner..].chunks_exact(inner) {
            acc.iter_mut().zip(row).for_each(|(a, &b)| *a = step(*a, b));
        }
    };
    let fold_row = |row: &[T]| row[1..].iter().fold(row[0], |a, &b| step(a, b));
    Tensor::build(&[outer, inner], |out: &mut [T]| {
        if len == 0 {
            return out.fill(none);
        }
        let group = threads::rows_per_task(len * inner);
        threads::parallel_chunks(out, group * inner, |i, y| {
            let x = src[i * group * len * inner..].chunks_exact(len * inner);
            match inner {
                1 => y.iter_mut().zip(x).for_each(|(y, row)| *y = fold_row(row)),
                _ => (y.chunks_exact_mut(inner).zip(x)).for_each(|(y, rows)| fold_rows(rows, y)),
            }
        });
    })
}

/// The index (i64) of the extreme along `axis`, which vanishes; the first of equals, NaN first.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![1.0f32, 5.0, 5.0, f32::NAN, 2.0, 0.0], &[2, 3])?;
/// let at = ops::arg_reduce(ops::Extreme::Max, &x, 1);
/// assert_eq!(at.to_vec::<i64>()?, [1, 0]); // the first of equals, and NaN before any number
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn arg_reduce(extreme: Extreme, x: &Tensor, axis: usize) -> Tensor {
    let kept: Shape = (0..x.rank())
        .filter(|&a| a != axis)
        .map(|a| x.shape()[a])
        .collect();
    let (x, [outer, len, inner]) = middle(x, &[axis]);
    let flat = match_dtype!(x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(&[outer * inner], |out: &mut [i64]| {
            for (i, y) in out.iter_mut().enumerate() {
                let at = |r: usize| src[(i / inner * len + r) * inner + i % inner];
                *y = (1..len).fold(0, |best, r| if beats(extreme, at(r), at(best)) { r } else { best }) as i64;
            }
        })
    });
    flat.reshape(&kept).expect("as many elements")
}

/// True when `a` takes the place of `b`: further out, or NaN against a number.
#[allow(clippy::eq_op, reason = "x != x is how a generic float says NaN")]
fn beats<T: Element>(extreme: Extreme, a: T, b: T) -> bool {
    let further = match extreme {
        Extreme::Max => a > b,
        Extreme::Min => a < b,
    };
    further || (a != a && b == b)
}
