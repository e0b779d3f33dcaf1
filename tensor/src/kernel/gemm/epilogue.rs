//! What is done to a block of C once its sums are complete, while it is still in the cache.

use std::any::TypeId;
use std::ops::Range;

use crate::kernel::matrix::MatMut;
use crate::simd::{
    Float, Kernel, Lane, Level, MapBody, Num, Simd, Vector, ZipBody, load_part, store_part,
};

/// A last step on each finished block of a product.
pub trait Epilogue<T>: Sync {
    /// Finishes `block`, whose first element is `[row, column]` of the product.
    fn finish(&self, level: Level, block: MatMut<T>, first: [usize; 2]);

    /// What is added, where that is all that is done: then tiles do so as they are written, and
    /// [`Epilogue::finish`] is for what is no tile.
    fn addend(&self) -> Addend<'_, T> {
        Addend::None
    }
}

/// A number that each element of a product meets.
#[derive(Clone, Copy, Debug)]
pub enum Addend<'a, T> {
    /// None.
    None,
    /// That of its row.
    Rows(&'a [T]),
    /// That of its column.
    Columns(&'a [T]),
}

impl<T> Addend<'_, T> {
    /// The part that a block of rows and columns meets.
    pub(super) fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        match self {
            Addend::None => Addend::None,
            Addend::Rows(x) => Addend::Rows(&x[rows]),
            Addend::Columns(x) => Addend::Columns(&x[columns]),
        }
    }
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
    /// A number for each column.
    bias: &'a [T],
    /// What is applied to the sum.
    activation: F,
}

impl<'a, T: Float, F: MapBody> Bias<'a, T, F> {
    /// With one element of `bias` for each column of the product.
    pub fn new(bias: &'a [T], activation: F) -> Self {
        Bias { bias, activation }
    }
}

impl<T: Float, F: MapBody> Epilogue<T> for Bias<'_, T, F> {
    fn finish(&self, level: Level, block: MatMut<T>, [_, column]: [usize; 2]) {
        let bias = &self.bias[column..column + block.shape()[1]];
        level.dispatch(FinishRows {
            f: AddThen(self.activation),
            block,
            bias: Addend::Columns(bias),
        });
    }

    fn addend(&self) -> Addend<'_, T> {
        match TypeId::of::<F>() == TypeId::of::<Identity>() {
            true => Addend::Columns(self.bias),
            false => Addend::None,
        }
    }
}

/// `activation(x)`.
///
/// ```
/// use lepton_tensor::kernel::gemm::{Apply, MatMut, MatRef, Relu, gemm};
/// use lepton_tensor::simd::level;
/// let (a, b, mut c) = ([1.0f32], [-2.0f32, 2.0], [0.0; 2]);
/// let (a, b) = (MatRef::rows_of(&a, [1, 1]), MatRef::rows_of(&b, [1, 2]));
/// gemm(level(), a, b, MatMut::rows_of(&mut c, [1, 2]), false, Some(&Apply(Relu)));
/// assert_eq!(c, [0.0, 2.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Apply<F>(pub F);

impl<T: Float, F: MapBody> Epilogue<T> for Apply<F> {
    fn finish(&self, level: Level, block: MatMut<T>, _: [usize; 2]) {
        level.dispatch(FinishRows {
            f: First(self.0),
            block,
            bias: Addend::None,
        });
    }
}

/// `x + bias[row]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowBias<'a, T>(pub(crate) &'a [T]);

impl<T: Float> Epilogue<T> for RowBias<'_, T> {
    fn finish(&self, level: Level, block: MatMut<T>, [row, _]: [usize; 2]) {
        let bias = &self.0[row..row + block.shape()[0]];
        level.dispatch(FinishRows {
            f: AddThen(Identity),
            block,
            bias: Addend::Rows(bias),
        });
    }

    fn addend(&self) -> Addend<'_, T> {
        Addend::Rows(self.0)
    }
}

/// `f(x + y)`.
#[derive(Clone, Copy)]
struct AddThen<F>(F);

impl<F: MapBody> ZipBody for AddThen<F> {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        self.0.f(x + y)
    }
}

/// `f(x)`, whatever `y` is.
#[derive(Clone, Copy)]
struct First<F>(F);

impl<F: MapBody> ZipBody for First<F> {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T, _: T) -> T {
        self.0.f(x)
    }
}

/// `f` of each element and its bias.
struct FinishRows<'a, T, F> {
    /// The function of an element and its addend.
    f: F,
    /// The block of C.
    block: MatMut<'a, T>,
    /// The addends of the block.
    bias: Addend<'a, T>,
}

impl<T: Float, F: ZipBody> Kernel for FinishRows<'_, T, F> {
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
                        Addend::Columns(bias) => load_part::<T, S>(bias[j..j + n].as_ptr(), n),
                        Addend::Rows(bias) => Vector::repeat(bias[i]),
                        Addend::None => Num::splat(0.0),
                    };
                    let y = self.f.f(load_part::<T, S>(part.as_ptr(), n), bias);
                    store_part::<T, S>(y, part.as_mut_ptr(), n);
                }
            }
        }
    }
}
