//! What is done to a block of C once its sums are complete, while it is still in the cache.

use super::view::MatMut;
use crate::simd::{
    Float, Kernel, Lane, Level, MapBody, Num, Simd, Vector, ZipBody, load_part, store_part,
};

/// A last step on each finished block of a product.
pub trait Epilogue<T>: Sync {
    /// Finishes `block`, whose first column is column `first_column` of the product.
    fn finish(&self, level: Level, block: MatMut<T>, first_column: usize);
}

/// The rectifier, `max(x, 0)`.
#[derive(Clone, Copy, Debug)]
pub struct Relu;

impl MapBody for Relu {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.max(T::splat(0.0))
    }
}

/// `x` itself.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl MapBody for Identity {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x
    }
}

/// `activation(x + bias[column])`: the bits of a separate addition and map.
#[derive(Clone, Copy, Debug)]
pub struct Bias<'a, T, F = Identity> {
    bias: &'a [T],
    activation: F,
}

impl<'a, T: Float, F: MapBody> Bias<'a, T, F> {
    /// With one element of `bias` for each column of the product.
    pub fn new(bias: &'a [T], activation: F) -> Self {
        Bias { bias, activation }
    }
}

impl<T: Float, F: MapBody> Epilogue<T> for Bias<'_, T, F> {
    fn finish(&self, level: Level, block: MatMut<T>, first_column: usize) {
        let bias = &self.bias[first_column..first_column + block.shape()[1]];
        level.dispatch(Rows {
            f: AddThen(self.activation),
            block,
            bias: Some(bias),
        });
    }
}

/// `activation(x)`.
#[derive(Clone, Copy, Debug)]
pub struct Activation<F>(pub F);

impl<T: Float, F: MapBody> Epilogue<T> for Activation<F> {
    fn finish(&self, level: Level, block: MatMut<T>, _: usize) {
        level.dispatch(Rows {
            f: First(self.0),
            block,
            bias: None,
        });
    }
}

#[derive(Clone, Copy)]
struct AddThen<F>(F);

impl<F: MapBody> ZipBody for AddThen<F> {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        self.0.f(x + y)
    }
}

#[derive(Clone, Copy)]
struct First<F>(F);

impl<F: MapBody> ZipBody for First<F> {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, _: T) -> T {
        self.0.f(x)
    }
}

/// `f` of each element and its column's bias (0 where there is none).
struct Rows<'a, T, F> {
    f: F,
    block: MatMut<'a, T>,
    bias: Option<&'a [T]>,
}

impl<T: Float, F: ZipBody> Kernel for Rows<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let [rows, cols] = self.block.shape();
        for i in 0..rows {
            let row = self.block.row(i);
            for j in (0..cols).step_by(lanes) {
                let part = &mut row[j..cols.min(j + lanes)];
                let n = part.len();
                // SAFETY: `n` elements stand at each of the addresses, and `n <= lanes`.
                unsafe {
                    let bias = match self.bias {
                        Some(bias) => load_part::<T, S>(bias[j..j + n].as_ptr(), n),
                        None => Num::splat(0.0),
                    };
                    let y = self.f.f(load_part::<T, S>(part.as_ptr(), n), bias);
                    store_part::<T, S>(y, part.as_mut_ptr(), n);
                }
            }
        }
    }
}
