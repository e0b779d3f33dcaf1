//! One or two inputs, one output, element by element, on contiguous tiles.

use std::num::Wrapping;

use crate::dtype::Element;
use crate::fusion::chain;
use crate::fusion::tiles::{self, AtLevel};
use crate::kernel::rows;
use crate::simd::{self, Float, Kernel, Lane, MapBody, Num, Simd, Vector, ZipBody};
use crate::{DType, Tensor, match_dtype};

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
/// ```
/// use lepton_tensor::ops::{self, IntMap};
/// use lepton_tensor::simd::{Lane, MapBody, Num};
/// use lepton_tensor::Tensor;
/// #[derive(Clone, Copy)]
/// struct Double;
/// impl MapBody for Double {
///     #[inline(always)]
///     fn f<T: Lane>(&self, x: T) -> T {
///         self.int(x)
///     }
/// }
/// impl IntMap for Double {
///     const INT: bool = true;
///     #[inline(always)]
///     fn int<T: Num>(&self, x: T) -> T {
///         x + x
///     }
/// }
/// let mut x = Tensor::from_vec(vec![1.5f32, -2.0], &[2])?;
/// assert_eq!(ops::map(&mut x, &Double).to_f64(), [3.0, -4.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
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

fn map_float<T: Float + Element, F: MapBody>(x: &mut Tensor, f: &F) -> Tensor {
    let body = AtLevel {
        level: simd::level(),
        f: *f,
    };
    if chain::worthwhile(x) {
        return chain::map::<T>(x, Box::new(body));
    }
    tiles::map::<T>(x, &body)
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
    let body = AtLevel {
        level: simd::level(),
        f: *f,
    };
    if chain::worthwhile(x) {
        return chain::zip::<T>(x, y, Box::new(body));
    }
    tiles::zip::<T>(x, y, &body)
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
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let cond = Tensor::from_vec(vec![true, false], &[2])?;
/// let (x, y) = (Tensor::from_vec(vec![1i32, 2], &[2])?, Tensor::from_vec(vec![3i32, 4], &[2])?);
/// assert_eq!(ops::select(&cond, &x, &y).to_vec::<i32>()?, [1, 4]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
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

/// The point between `x` and `end` that `w` from 0 to 1 names, of floats of one shape: an end where `w` is
/// 0 or 1 or the ends are equal, though they be infinite.
pub fn lerp(x: &Tensor, end: &Tensor, w: &Tensor) -> Tensor {
    let (x, end, w) = (x.contiguous(), end.contiguous(), w.contiguous());
    match_dtype!(float x.dtype(), T => {
        let a = x.as_slice::<T>().expect("contiguous");
        let b = end.as_slice::<T>().expect("contiguous");
        let w = w.as_slice::<T>().expect("contiguous");
        Tensor::build(x.shape(), |out: &mut [T]| {
            for (((o, &a), &b), &w) in out.iter_mut().zip(a).zip(b).zip(w) {
                *o = between(a, b, w);
            }
        })
    })
}

/// From the nearer end, so that both are met exactly; by weights where the distance is infinite.
#[inline(always)]
fn between<T: Float>(a: T, b: T, w: T) -> T {
    let (zero, one, half) = (T::splat(0.0), T::splat(1.0), T::splat(0.5));
    let (gap, rest) = (b - a, one - w);
    let near = if w < half {
        a + w * gap
    } else {
        b - gap * rest
    };
    if w == zero || a == b {
        a
    } else if w == one {
        b
    } else if gap.abs() < T::splat(f64::INFINITY) {
        near
    } else {
        a * rest + b * w
    }
}

/// True when no element is infinite or NaN.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// assert!(ops::all_finite(&Tensor::scalar(1e30f32)));
/// assert!(!ops::all_finite(&Tensor::scalar(f64::NAN)));
/// ```
pub fn all_finite(x: &Tensor) -> bool {
    if !x.dtype().is_float() {
        return true;
    }
    let (x, level) = (x.contiguous(), simd::level().streaming());
    match_dtype!(float x.dtype(), T => {
        level.dispatch(AllFinite(x.as_slice::<T>().expect("contiguous")))
    })
}

/// Whether the sum of `0 x` is a number: it is NaN exactly when an element is not finite.
struct AllFinite<'a, T>(&'a [T]);

impl<T: Float + Element> Kernel for AllFinite<'_, T> {
    type Out = bool;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> bool {
        let (x, zero) = (self.0, <T::Vec<S> as Vector>::repeat(T::default()));
        rows::total::<T, S>(x, x, T::default(), |sum, x, _| x.mul_add(zero, sum)) == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Level, with_level};

    #[test]
    fn one_element_that_is_not_finite_is_seen_wherever_it_stands() {
        for level in Level::available() {
            for n in [0, 1, 7, 16, 65, 200, 1500] {
                let mut x = vec![f32::MAX; n];
                let finite = |x: &[f32]| {
                    let x = Tensor::from_slice(x, &[n]).expect("as many elements");
                    with_level(level, || all_finite(&x))
                };
                assert!(finite(&x), "{level:?} {n}");
                for i in 0..n {
                    for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                        let good = std::mem::replace(&mut x[i], bad);
                        assert!(!finite(&x), "{level:?} {bad} at {i} of {n}");
                        x[i] = good;
                    }
                }
            }
        }
    }
}
