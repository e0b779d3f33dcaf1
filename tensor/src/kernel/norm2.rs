//! The Euclidean norm over axes, for every length that the type can hold.

use crate::dtype::Element;
use crate::kernel::reduce::middle;
use crate::kernel::rows;
use crate::simd::{self, Float, Kernel, Simd};
use crate::{Shape, Tensor, match_dtype, threads};

/// Elements of a row that one task squares and adds up.
const PIECE: usize = 1 << 16;

/// The sum of the squares of a row.
struct Squares<'a, T>(&'a [T]);

impl<T: Float + Element> Kernel for Squares<'_, T> {
    type Out = f64;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f64 {
        rows::dot::<T, S>(self.0, self.0)
    }
}

/// The square root of the sum of squares over `axes` (distinct, in order), which vanish.
///
/// Where the squares leave the normal numbers, they are taken again of the elements divided by the largest.
pub fn norm2(x: &Tensor, axes: &[usize]) -> Tensor {
    let kept: Shape = (0..x.rank())
        .filter(|a| !axes.contains(a))
        .map(|a| x.shape()[a])
        .collect();
    let (x, dims) = middle(x, axes);
    let flat = match_dtype!(float x.dtype(), T => {
        lengths::<T>(x.as_slice().expect("contiguous"), dims)
    });
    flat.reshape(&kept).expect("as many elements")
}

fn lengths<T: Float + Element>(src: &[T], [outer, len, inner]: [usize; 3]) -> Tensor {
    let squares = match inner {
        1 => of_rows(src, outer, len),
        _ => of_columns(src, [outer, len, inner]),
    };
    let safe = 1e8 * T::TINY..f64::INFINITY;
    Tensor::build(&[outer * inner], |out: &mut [T]| {
        for (i, (y, &sum)) in out.iter_mut().zip(&squares).enumerate() {
            let start = i / inner * len * inner + i % inner;
            let at = |r: usize| Element::to_f64(src[start + r * inner]);
            *y = <T as Element>::from_f64(if safe.contains(&sum) {
                sum.sqrt()
            } else {
                scaled((0..len).map(at))
            });
        }
    })
}

/// The sums of squares of rows, a long one in pieces.
fn of_rows<T: Float + Element>(src: &[T], outer: usize, len: usize) -> Vec<f64> {
    let (level, pieces) = (simd::level().streaming(), len.div_ceil(PIECE).max(1));
    let mut parts = vec![0.0; outer * pieces];
    let group = (PIECE / len.max(1)).max(1);
    threads::parallel_chunks(&mut parts, group, |i, sums| {
        for (j, sum) in sums.iter_mut().enumerate() {
            let (row, piece) = ((i * group + j) / pieces, (i * group + j) % pieces);
            let x = &src[row * len..][..len][piece * PIECE..];
            *sum = level.dispatch(Squares(&x[..x.len().min(PIECE)]));
        }
    });
    let total = |parts: &[f64]| parts.iter().fold(0.0, |sum, x| sum + x);
    parts.chunks_exact(pieces).map(total).collect()
}

/// The sums of squares of columns, in f64.
fn of_columns<T: Element>(src: &[T], [outer, len, inner]: [usize; 3]) -> Vec<f64> {
    let mut sums = vec![0.0; outer * inner];
    threads::parallel_chunks(&mut sums, inner, |i, sums| {
        for row in src[i * len * inner..][..len * inner].chunks_exact(inner) {
            let squares = row.iter().map(|x| x.to_f64() * x.to_f64());
            sums.iter_mut().zip(squares).for_each(|(sum, x)| *sum += x);
        }
    });
    sums
}

/// The norm by way of the largest element: NaN where one is, else infinite where one is.
fn scaled(x: impl Iterator<Item = f64> + Clone) -> f64 {
    let larger = |top: f64, x: f64| {
        if x.is_nan() || x.abs() > top {
            x.abs()
        } else {
            top
        }
    };
    let top = x.clone().fold(0.0, larger);
    if x.clone().any(f64::is_nan) {
        return f64::NAN;
    }
    if top == 0.0 || top.is_infinite() {
        return top;
    }
    let sum = x.fold(0.0, |sum, x| sum + (x / top) * (x / top));
    top * sum.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(x: &[f32]) -> f64 {
        let x = Tensor::from_slice(x, &[x.len()]).expect("as many");
        let columns = x
            .reshape(&[x.numel(), 1])
            .and_then(|x| x.expand(&[x.numel(), 2]));
        let down = norm2(&columns.expect("columns"), &[0]).to_f64();
        let along = norm2(&x, &[0]).to_f64()[0];
        for y in down {
            assert!(y == along || y.is_nan() || (y - along).abs() <= 1e-6 * along);
        }
        along
    }

    #[test]
    fn squares_that_overflow_or_vanish_do_no_harm() {
        for (x, want) in [
            ([1e20, 1e20], 2f64.sqrt() * 1e20),
            ([3e-30, 4e-30], 5e-30),
            ([3e38, 0.0], 3e38),
            ([0.0, 0.0], 0.0),
            ([1e-45, 0.0], f64::from(1e-45f32)),
            ([f32::NEG_INFINITY, 1.0], f64::INFINITY),
        ] {
            let y = length(&x);
            assert!(y == want || (y - want).abs() <= 1e-6 * want, "{x:?}: {y}");
        }
        assert!(length(&[f32::NAN, f32::INFINITY]).is_nan());
        assert!(length(&[1.0, f32::NAN]).is_nan());
        let x = Tensor::from_vec(vec![3e200, 4e200, 3e-200, 4e-200], &[2, 2]).expect("four");
        let y = norm2(&x, &[1]).to_f64();
        assert!((y[0] / 5e200 - 1.0).abs() < 1e-15 && (y[1] / 5e-200 - 1.0).abs() < 1e-15);
    }

    #[test]
    fn long_rows_are_the_sum_of_their_pieces() {
        let x = Tensor::from_vec(vec![0.5f32; 2 * 200_000], &[2, 200_000]).expect("as many");
        for y in norm2(&x, &[1]).to_f64() {
            assert!((y - 50_000f64.sqrt()).abs() < 1e-3);
        }
    }
}
