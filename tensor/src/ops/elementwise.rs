//! One or two inputs, one output, element by element, on contiguous tiles.

use std::num::Wrapping;

use crate::dtype::Element;
use crate::ops::walk::{self, GRAIN, TILE};
use crate::simd::{self, Float, MapBody, Num, ZipBody};
use crate::{DType, Layout, Tensor, match_dtype, threads};

/// A one-input body that may also have a form for integers.
pub trait IntMap: MapBody {
    /// Whether integers have it; the integer forms of the others are not even compiled.
    const INT: bool;
    /// The value at `x`, for ops that integers have.
    fn int<T: Num>(&self, x: T) -> T;
}

/// A two-input body that may also have a form for integers.
pub trait IntZip: ZipBody {
    /// Whether integers have it; the integer forms of the others are not even compiled.
    const INT: bool;
    /// The value at `x`, `y`, for ops that integers have.
    fn int<T: Num>(&self, x: T, y: T) -> T;
}

/// A comparison of two numbers.
pub trait CompareBody: Copy + Send + Sync {
    /// The answer at `x`, `y`.
    fn f<T: Num>(&self, x: T, y: T) -> T::Mask;
}

/// `f` at each element; writes into `x` when nobody else can see it.
///
/// # Panics
/// When `x` holds integers and `f` has no form for them; shape rules refuse that before.
pub fn map<F: IntMap>(x: &mut Tensor, f: &F) -> Tensor {
    match x.dtype() {
        DType::F32 => map_float::<f32, F>(x, f),
        DType::F64 => map_float::<f64, F>(x, f),
        other => {
            if F::INT {
                return map_integers(x, f);
            }
            no_integers(other)
        }
    }
}

fn no_integers(dtype: DType) -> ! {
    unreachable!("the shape rule lets only floats through, not {dtype}")
}

fn map_integers<F: IntMap>(x: &Tensor, f: &F) -> Tensor {
    match x.dtype() {
        DType::I64 => map_int(x, |v: i64| f.int(Wrapping(v)).0),
        DType::I32 => map_int(x, |v: i32| f.int(Wrapping(v)).0),
        DType::I8 => map_int(x, |v: i8| f.int(Wrapping(v)).0),
        DType::U8 => map_int(x, |v: u8| f.int(Wrapping(v)).0),
        _ => map_int(x, |v: bool| f.int(Wrapping(u8::from(v))).0 != 0),
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
    match out.len() {
        // One chunk waits for nobody: no stolen task can see this thread's scope, so it stays.
        1..=GRAIN => f(0, out),
        _ => threads::parallel_chunks(out, GRAIN, f),
    }
}

// The drivers below take the kernel as `dyn`: tiles, threads and buffers are compiled once for each
// element type, and an op adds its body alone.

fn map_float<T: Float + Element, F: MapBody>(x: &mut Tensor, f: &F) -> Tensor {
    let level = simd::level();
    let fresh = |x: &[T], y: &mut [T]| simd::map_slice(level, f, x, y);
    map_tiles(x, &fresh, &|x| simd::map_in_place(level, f, x))
}

fn map_tiles<T: Element>(
    x: &mut Tensor,
    fresh: &(dyn Fn(&[T], &mut [T]) + Sync),
    own: &(dyn Fn(&mut [T]) + Sync),
) -> Tensor {
    if let Some(elements) = x.try_mut::<T>() {
        chunks(elements, |_, chunk| own(chunk));
        return x.clone();
    }
    let input = Input::<T>::new(x);
    Tensor::build(x.shape(), |out: &mut [T]| {
        chunks(out, |i, chunk| {
            if let Some(src) = input.flat() {
                let first = i * GRAIN;
                return fresh(&src[first..first + chunk.len()], chunk);
            }
            let mut buffer = [T::default(); TILE];
            for (j, part) in chunk.chunks_mut(TILE).enumerate() {
                fresh(
                    input.tile(i * GRAIN + j * TILE, part.len(), &mut buffer),
                    part,
                );
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
///
/// # Panics
/// When they hold integers and `f` has no form for them; shape rules refuse that before.
pub fn zip<F: IntZip>(x: &mut Tensor, y: &mut Tensor, f: &F) -> Tensor {
    match x.dtype() {
        DType::F32 => zip_float::<f32, F>(x, y, f),
        DType::F64 => zip_float::<f64, F>(x, y, f),
        other => {
            if F::INT {
                return zip_integers(x, y, f);
            }
            no_integers(other)
        }
    }
}

fn zip_integers<F: IntZip>(x: &Tensor, y: &Tensor, f: &F) -> Tensor {
    match x.dtype() {
        DType::I64 => pairs(x, y, |a: i64, b| f.int(Wrapping(a), Wrapping(b)).0),
        DType::I32 => pairs(x, y, |a: i32, b| f.int(Wrapping(a), Wrapping(b)).0),
        DType::I8 => pairs(x, y, |a: i8, b| f.int(Wrapping(a), Wrapping(b)).0),
        DType::U8 => pairs(x, y, |a: u8, b| f.int(Wrapping(a), Wrapping(b)).0),
        _ => pairs(x, y, |a: bool, b: bool| {
            f.int(Wrapping(u8::from(a)), Wrapping(u8::from(b))).0 != 0
        }),
    }
}

fn zip_float<T: Float + Element, F: ZipBody>(x: &mut Tensor, y: &mut Tensor, f: &F) -> Tensor {
    let level = simd::level();
    let kernels = Kernels::<T> {
        fresh: &|x, y, out| simd::zip_slice(level, f, x, y, out),
        left: &|x, y| simd::zip_in_place_left(level, f, x, y),
        right: &|y, x| simd::zip_in_place_right(level, f, x, y),
    };
    zip_tiles(x, y, &kernels)
}

/// A two-input kernel that writes to a new place.
type Fresh<'a, T> = &'a (dyn Fn(&[T], &[T], &mut [T]) + Sync);

/// The three forms of a two-input kernel: to a new place, over the left input, over the right one.
struct Kernels<'a, T> {
    fresh: Fresh<'a, T>,
    left: &'a (dyn Fn(&mut [T], &[T]) + Sync),
    right: &'a (dyn Fn(&mut [T], &[T]) + Sync),
}

fn zip_tiles<T: Element>(x: &mut Tensor, y: &mut Tensor, kernels: &Kernels<'_, T>) -> Tensor {
    if let Some(own) = x.try_mut::<T>() {
        zip_own(own, &Input::<T>::new(y), kernels.left);
        return x.clone();
    }
    if let Some(own) = y.try_mut::<T>() {
        zip_own(own, &Input::<T>::new(x), kernels.right);
        return y.clone();
    }
    zip_fresh(
        &Input::<T>::new(x),
        &Input::<T>::new(y),
        x.shape(),
        kernels.fresh,
    )
}

fn zip_own<T: Element>(own: &mut [T], other: &Input<'_, T>, f: &(dyn Fn(&mut [T], &[T]) + Sync)) {
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

fn zip_fresh<T: Element>(
    x: &Input<'_, T>,
    y: &Input<'_, T>,
    shape: &[usize],
    f: Fresh<'_, T>,
) -> Tensor {
    Tensor::build(shape, |out: &mut [T]| {
        chunks(out, |i, chunk| {
            let first = i * GRAIN;
            if let (Some(x), Some(y)) = (x.flat(), y.flat()) {
                let here = first..first + chunk.len();
                return f(&x[here.clone()], &y[here], chunk);
            }
            let (mut bx, mut by) = (filled(x.constant()), filled(y.constant()));
            for (j, part) in chunk.chunks_mut(TILE).enumerate() {
                let (at, n) = (first + j * TILE, part.len());
                f(tile_of(x, at, n, &mut bx), tile_of(y, at, n, &mut by), part);
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
