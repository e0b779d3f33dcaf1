//! One or two inputs, one output, element by element, on contiguous tiles.

use std::num::Wrapping;

use crate::dtype::Element;
use crate::ops::walk::{self, GRAIN, TILE};
use crate::simd::{self, Float, Level, MapBody, Num, ZipBody};
use crate::{DType, Layout, Tensor, match_dtype, threads};

/// A one-input body that may also have a form for integers.
pub trait IntMap: MapBody {
    /// The value at `x`, for ops that integers have.
    fn int<T: Num>(&self, x: T) -> T;
}

/// A two-input body that may also have a form for integers.
pub trait IntZip: ZipBody {
    /// The value at `x`, `y`, for ops that integers have.
    fn int<T: Num>(&self, x: T, y: T) -> T;
}

/// A comparison of two numbers.
pub trait CompareBody: Copy + Send + Sync {
    /// The answer at `x`, `y`.
    fn f<T: Num>(&self, x: T, y: T) -> T::Mask;
}

/// `f` at each element; writes into `x` when nobody else can see it.
pub fn map<F: IntMap>(x: &mut Tensor, f: &F) -> Tensor {
    match x.dtype() {
        DType::F32 => map_float::<f32, F>(x, f),
        DType::F64 => map_float::<f64, F>(x, f),
        DType::I64 => map_int(x, |v: i64| f.int(Wrapping(v)).0),
        DType::I32 => map_int(x, |v: i32| f.int(Wrapping(v)).0),
        DType::I8 => map_int(x, |v: i8| f.int(Wrapping(v)).0),
        DType::U8 => map_int(x, |v: u8| f.int(Wrapping(v)).0),
        DType::Bool => map_int(x, |v: bool| f.int(Wrapping(u8::from(v))).0 != 0),
    }
}

/// Elements at `i * GRAIN ..` as tiles: the slice itself when contiguous, else loaded one by one.
struct Input<'a, T> {
    src: &'a [T],
    /// Where the elements stand; `None` when `src` has them in order.
    layout: Option<Layout>,
}

impl<'a, T: Element> Input<'a, T> {
    fn new(x: &'a Tensor) -> Input<'a, T> {
        match x.as_slice::<T>() {
            Some(src) => Input { src, layout: None },
            None => Input {
                src: x.storage::<T>(),
                layout: Some(x.layout().collapse()),
            },
        }
    }

    /// The elements, when they stand in order.
    #[inline(always)]
    fn flat(&self) -> Option<&'a [T]> {
        self.layout.is_none().then_some(self.src)
    }

    #[inline(always)]
    fn tile<'t>(&'t self, first: usize, n: usize, buffer: &'t mut [T; TILE]) -> &'t [T] {
        match &self.layout {
            None => &self.src[first..first + n],
            Some(layout) => {
                walk::load(self.src, layout, first, &mut buffer[..n]);
                &buffer[..n]
            }
        }
    }

    /// The one element, when every index shows the same.
    fn constant(&self) -> Option<T> {
        let layout = self.layout.as_ref()?;
        let same = layout.strides().iter().all(|&s| s == 0);
        same.then(|| self.src[layout.offset()])
    }
}

/// Calls `f(i, chunk)` for each [`GRAIN`] of `out`.
#[inline]
fn chunks<T: Send>(out: &mut [T], f: impl Fn(usize, &mut [T]) + Sync) {
    // One chunk waits for nobody, so no stolen task can see this thread's scope: no need to park it.
    if out.len() <= GRAIN {
        f(0, out);
    } else {
        threads::parallel_chunks(out, GRAIN, f);
    }
}

fn map_float<T: Float + Element, F: MapBody>(x: &mut Tensor, f: &F) -> Tensor {
    let level = simd::level();
    if let Some(own) = x.try_mut::<T>() {
        chunks(own, |_, chunk| simd::map_in_place(level, f, chunk));
        return x.clone();
    }
    let input = Input::<T>::new(x);
    Tensor::build(x.shape(), |out: &mut [T]| {
        chunks(out, |i, chunk| {
            if let Some(src) = input.flat() {
                let first = i * GRAIN;
                return simd::map_slice(level, f, &src[first..first + chunk.len()], chunk);
            }
            let mut buffer = [T::default(); TILE];
            for (j, part) in chunk.chunks_mut(TILE).enumerate() {
                let tile = input.tile(i * GRAIN + j * TILE, part.len(), &mut buffer);
                simd::map_slice(level, f, tile, part);
            }
        });
    })
}

fn map_int<T: Element>(x: &Tensor, f: impl Fn(T) -> T + Sync) -> Tensor {
    let x = x.contiguous();
    let src = x.as_slice::<T>().expect("contiguous");
    Tensor::build(x.shape(), |out: &mut [T]| {
        out.iter_mut().zip(src).for_each(|(y, &v)| *y = f(v))
    })
}

/// `f` at each pair of elements of two tensors of one shape and dtype; writes into an input that
/// nobody else can see.
pub fn zip<F: IntZip>(x: &mut Tensor, y: &mut Tensor, f: &F) -> Tensor {
    match x.dtype() {
        DType::F32 => zip_float::<f32, F>(x, y, f),
        DType::F64 => zip_float::<f64, F>(x, y, f),
        DType::I64 => zip_int(x, y, |a: i64, b| f.int(Wrapping(a), Wrapping(b)).0),
        DType::I32 => zip_int(x, y, |a: i32, b| f.int(Wrapping(a), Wrapping(b)).0),
        DType::I8 => zip_int(x, y, |a: i8, b| f.int(Wrapping(a), Wrapping(b)).0),
        DType::U8 => zip_int(x, y, |a: u8, b| f.int(Wrapping(a), Wrapping(b)).0),
        DType::Bool => zip_int(x, y, |a: bool, b: bool| {
            f.int(Wrapping(u8::from(a)), Wrapping(u8::from(b))).0 != 0
        }),
    }
}

fn zip_float<T: Float + Element, F: ZipBody>(x: &mut Tensor, y: &mut Tensor, f: &F) -> Tensor {
    let level = simd::level();
    if let Some(own) = x.try_mut::<T>() {
        let input = Input::<T>::new(y);
        zip_own(own, &input, |part, tile| {
            simd::zip_in_place_left(level, f, part, tile)
        });
        return x.clone();
    }
    if let Some(own) = y.try_mut::<T>() {
        let input = Input::<T>::new(x);
        zip_own(own, &input, |part, tile| {
            simd::zip_in_place_right(level, f, tile, part)
        });
        return y.clone();
    }
    zip_fresh(
        level,
        &Input::<T>::new(x),
        &Input::<T>::new(y),
        x.shape(),
        f,
    )
}

fn zip_own<T: Element>(own: &mut [T], other: &Input<'_, T>, f: impl Fn(&mut [T], &[T]) + Sync) {
    chunks(own, |i, chunk| {
        if let Some(src) = other.flat() {
            let (first, n) = (i * GRAIN, chunk.len());
            return f(chunk, &src[first..first + n]);
        }
        let mut buffer = filled(other.constant());
        for (j, part) in chunk.chunks_mut(TILE).enumerate() {
            f(
                part,
                tile_of(other, i * GRAIN + j * TILE, part.len(), &mut buffer),
            );
        }
    });
}

fn zip_fresh<T: Float + Element, F: ZipBody>(
    level: Level,
    x: &Input<'_, T>,
    y: &Input<'_, T>,
    shape: &[usize],
    f: &F,
) -> Tensor {
    Tensor::build(shape, |out: &mut [T]| {
        chunks(out, |i, chunk| {
            let first = i * GRAIN;
            if let (Some(x), Some(y)) = (x.flat(), y.flat()) {
                let here = first..first + chunk.len();
                return simd::zip_slice(level, f, &x[here.clone()], &y[here], chunk);
            }
            let (mut bx, mut by) = (filled(x.constant()), filled(y.constant()));
            for (j, part) in chunk.chunks_mut(TILE).enumerate() {
                let (at, n) = (first + j * TILE, part.len());
                simd::zip_slice(
                    level,
                    f,
                    tile_of(x, at, n, &mut bx),
                    tile_of(y, at, n, &mut by),
                    part,
                );
            }
        });
    })
}

/// A tile buffer, filled at once where the input is one element repeated.
fn filled<T: Element>(constant: Option<T>) -> [T; TILE] {
    [constant.unwrap_or_default(); TILE]
}

/// The input's tile; a constant stands in the buffer already.
#[inline(always)]
fn tile_of<'t, T: Element>(
    x: &'t Input<'_, T>,
    first: usize,
    n: usize,
    buffer: &'t mut [T; TILE],
) -> &'t [T] {
    if x.constant().is_some() {
        &buffer[..n]
    } else {
        x.tile(first, n, buffer)
    }
}

fn zip_int<T: Element>(x: &Tensor, y: &Tensor, f: impl Fn(T, T) -> T) -> Tensor {
    pairs(x, y, f)
}

/// Comparison of two tensors of one shape and dtype, as bool.
pub fn compare<F: CompareBody>(x: &Tensor, y: &Tensor, f: &F) -> Tensor {
    match x.dtype() {
        DType::F32 => pairs(x, y, |a: f32, b| f.f(a, b)),
        DType::F64 => pairs(x, y, |a: f64, b| f.f(a, b)),
        DType::I64 => pairs(x, y, |a: i64, b| f.f(Wrapping(a), Wrapping(b))),
        DType::I32 => pairs(x, y, |a: i32, b| f.f(Wrapping(a), Wrapping(b))),
        DType::I8 => pairs(x, y, |a: i8, b| f.f(Wrapping(a), Wrapping(b))),
        DType::U8 => pairs(x, y, |a: u8, b| f.f(Wrapping(a), Wrapping(b))),
        DType::Bool => pairs(x, y, |a: bool, b: bool| {
            f.f(Wrapping(u8::from(a)), Wrapping(u8::from(b)))
        }),
    }
}

fn pairs<A: Element, B: Element>(x: &Tensor, y: &Tensor, f: impl Fn(A, A) -> B) -> Tensor {
    let (x, y) = (x.contiguous(), y.contiguous());
    let (a, b) = (
        x.as_slice::<A>().expect("contiguous"),
        y.as_slice::<A>().expect("contiguous"),
    );
    Tensor::build(x.shape(), |out: &mut [B]| {
        for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *o = f(a, b);
        }
    })
}

/// `x` where `cond` (bool) holds, else `y`; all of one shape.
pub fn select(cond: &Tensor, x: &Tensor, y: &Tensor) -> Tensor {
    let (cond, x, y) = (cond.contiguous(), x.contiguous(), y.contiguous());
    let c = cond.as_slice::<bool>().expect("contiguous");
    match_dtype!(x.dtype(), T => {
        let (a, b) = (x.as_slice::<T>().expect("contiguous"), y.as_slice::<T>().expect("contiguous"));
        Tensor::build(x.shape(), |out: &mut [T]| {
            for (((o, &c), &a), &b) in out.iter_mut().zip(c).zip(a).zip(b) {
                *o = if c { a } else { b };
            }
        })
    })
}

/// True when no element is infinite or NaN.
pub fn all_finite(x: &Tensor) -> bool {
    if !x.dtype().is_float() {
        return true;
    }
    let x = x.contiguous();
    match_dtype!(float x.dtype(), T => {
        // `0 * x` is NaN exactly when x is not finite; sixteen sums of it vectorise, `all` does not.
        let mut sums = [0.0 as T; 16];
        for chunk in x.as_slice::<T>().expect("contiguous").chunks(16) {
            chunk.iter().zip(&mut sums).for_each(|(v, s)| *s += v * 0.0);
        }
        sums.iter().all(|s| *s == 0.0)
    })
}
