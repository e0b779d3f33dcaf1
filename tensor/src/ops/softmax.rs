//! Softmax rows in three passes over cache: the maximum, the exponentials, the scale.

use crate::dtype::Element;
use crate::simd::{self, Float, Lane, Level, MapBody};
use crate::{Tensor, match_dtype, threads};

/// `e^x / sum e^x` along `axis`, or `x - ln sum e^x` when `log`.
pub fn softmax(x: &Tensor, axis: usize, log: bool) -> Tensor {
    if axis + 1 != x.rank() {
        let mut order: Vec<usize> = (0..x.rank()).collect();
        order.swap(axis, x.rank() - 1);
        let turned = x.permute(&order).expect("an order of the axes");
        return softmax(&turned, x.rank() - 1, log)
            .permute(&order)
            .expect("an order of the axes");
    }
    let x = x.contiguous();
    let len = x.shape()[axis];
    let level = simd::level();
    match_dtype!(float x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(x.shape(), |out: &mut [T]| {
            let rows = (super::walk::GRAIN / 4 / len.max(1)).max(1) * len.max(1);
            threads::parallel_chunks(out, rows, |i, chunk| {
                for (row, y) in src[i * rows..].chunks(len.max(1)).zip(chunk.chunks_mut(len.max(1))) {
                    if log { log_row(level, row, y) } else { row_of(level, row, y) }
                }
            });
        })
    })
}

#[derive(Clone, Copy)]
struct ExpMinus(f64);

impl MapBody for ExpMinus {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        (x - T::splat(self.0)).exp()
    }
}

#[derive(Clone, Copy)]
struct Minus(f64);

impl MapBody for Minus {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x - T::splat(self.0)
    }
}

#[derive(Clone, Copy)]
struct Times(f64);

impl MapBody for Times {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x * T::splat(self.0)
    }
}

fn row_of<T: Float + Element>(level: Level, x: &[T], y: &mut [T]) {
    let top = Element::to_f64(simd::max_slice(level, x));
    simd::map_slice(level, &ExpMinus(top), x, y);
    let total = Element::to_f64(simd::sum_slice(level, y));
    simd::map_in_place(level, &Times(1.0 / total), y);
}

fn log_row<T: Float + Element>(level: Level, x: &[T], y: &mut [T]) {
    let top = Element::to_f64(simd::max_slice(level, x));
    simd::map_slice(level, &ExpMinus(top), x, y);
    let total = Element::to_f64(simd::sum_slice(level, y));
    // Two steps, so that a large `top` does not swallow the digits of the logarithm.
    simd::map_slice(level, &Minus(top), x, y);
    simd::map_in_place(level, &Minus(total.ln()), y);
}
