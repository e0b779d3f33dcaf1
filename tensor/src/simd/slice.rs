//! Elementwise bodies over contiguous slices.
//!
//! A length that is no multiple of the vector is finished by one padded vector, so an
//! element's bits do not depend on its place or on the length.

use super::{Float, Kernel, Lane, Level, MAX_LANES, NonTemporal, Simd, Vector};

/// A function of one number, written for every lane.
///
/// ```
/// use lepton_tensor::simd::{level, map_slice, Lane, MapBody};
/// #[derive(Clone, Copy)]
/// struct Sigmoid;
/// impl MapBody for Sigmoid {
///     #[inline(always)]
///     fn f<T: Lane>(&self, x: T) -> T {
///         T::splat(1.0) / (T::splat(1.0) + (-x).exp())
///     }
/// }
/// let mut y = [0.0f32; 3];
/// map_slice(level(), &Sigmoid, &[0.0, 1000.0, -1000.0], &mut y);
/// assert_eq!(y, [0.5, 1.0, 0.0]);
/// ```
pub trait MapBody: Copy + Send + Sync + 'static {
    /// True when each element goes through the standard library by itself ([`Lane::libm`]). Wider
    /// registers gain nothing then, so the portable level alone is compiled.
    const SCALAR: bool = false;
    /// The value at `x`; mark it `#[inline(always)]`.
    fn f<T: Lane>(&self, x: T) -> T;
}

/// A function of two numbers, written for every lane.
///
/// ```
/// use lepton_tensor::simd::{level, zip_slice, Lane, ZipBody};
/// #[derive(Clone, Copy)]
/// struct Hypot;
/// impl ZipBody for Hypot {
///     #[inline(always)]
///     fn f<T: Lane>(&self, x: T, y: T) -> T {
///         (x * x + y * y).sqrt()
///     }
/// }
/// let mut z = [0.0f64; 2];
/// zip_slice(level(), &Hypot, &[3.0, 5.0], &[4.0, 12.0], &mut z);
/// assert_eq!(z, [5.0, 13.0]);
/// ```
pub trait ZipBody: Copy + Send + Sync + 'static {
    /// As [`MapBody::SCALAR`].
    const SCALAR: bool = false;
    /// The value at `(x, y)`; mark it `#[inline(always)]`.
    fn f<T: Lane>(&self, x: T, y: T) -> T;
}

/// `out[i] = f(x[i])`.
///
/// # Panics
/// Where the lengths differ.
#[track_caller]
pub fn map_slice<T: Float, F: MapBody>(level: Level, f: &F, x: &[T], out: &mut [T]) {
    map_stored(level, f, x, out, None);
}

/// [`map_slice`], by non-temporal stores where permitted.
///
/// # Panics
/// Where the lengths differ.
#[track_caller]
pub(crate) fn map_stored<T: Float, F: MapBody>(
    level: Level,
    f: &F,
    x: &[T],
    out: &mut [T],
    non_temporal: Option<&NonTemporal>,
) {
    assert_eq!(x.len(), out.len(), "map_slice: lengths differ");
    level.dispatch(Map {
        f: *f,
        x: x.as_ptr(),
        out: Out::new(out, non_temporal),
    });
}

/// `x[i] = f(x[i])`.
///
/// ```
/// use lepton_tensor::simd::{level, map_in_place, Lane, MapBody};
/// #[derive(Clone, Copy)]
/// struct Square;
/// impl MapBody for Square {
///     #[inline(always)]
///     fn f<T: Lane>(&self, x: T) -> T {
///         x * x
///     }
/// }
/// let mut x = [1.0f32, -2.0, 3.0];
/// map_in_place(level(), &Square, &mut x);
/// assert_eq!(x, [1.0, 4.0, 9.0]);
/// ```
pub fn map_in_place<T: Float, F: MapBody>(level: Level, f: &F, x: &mut [T]) {
    let out = Out::new(x, None);
    level.dispatch(Map {
        f: *f,
        x: out.start,
        out,
    });
}

/// `out[i] = f(x[i], y[i])`.
///
/// ```
/// use lepton_tensor::simd::{level, zip_slice, Lane, ZipBody};
/// #[derive(Clone, Copy)]
/// struct Difference;
/// impl ZipBody for Difference {
///     #[inline(always)]
///     fn f<T: Lane>(&self, x: T, y: T) -> T {
///         x - y
///     }
/// }
/// let mut z = [0.0f32; 3];
/// zip_slice(level(), &Difference, &[5.0, 6.0, 7.0], &[1.0, 2.0, 3.0], &mut z);
/// assert_eq!(z, [4.0; 3]);
/// ```
///
/// # Panics
/// Where the lengths differ.
#[track_caller]
pub fn zip_slice<T: Float, F: ZipBody>(level: Level, f: &F, x: &[T], y: &[T], out: &mut [T]) {
    zip_stored(level, f, [x, y], out, None);
}

/// [`zip_slice`], by non-temporal stores where permitted.
///
/// # Panics
/// Where the lengths differ.
#[track_caller]
pub(crate) fn zip_stored<T: Float, F: ZipBody>(
    level: Level,
    f: &F,
    [x, y]: [&[T]; 2],
    out: &mut [T],
    non_temporal: Option<&NonTemporal>,
) {
    assert!(
        x.len() == out.len() && y.len() == out.len(),
        "zip_slice: lengths differ"
    );
    level.dispatch(Zip {
        f: *f,
        x: x.as_ptr(),
        y: y.as_ptr(),
        out: Out::new(out, non_temporal),
    });
}

/// `x[i] = f(x[i], y[i])`.
///
/// ```
/// use lepton_tensor::simd::{level, zip_in_place_left, Lane, ZipBody};
/// #[derive(Clone, Copy)]
/// struct Difference;
/// impl ZipBody for Difference {
///     #[inline(always)]
///     fn f<T: Lane>(&self, x: T, y: T) -> T {
///         x - y
///     }
/// }
/// let mut x = [5.0f32, 6.0];
/// zip_in_place_left(level(), &Difference, &mut x, &[1.0, 2.0]);
/// assert_eq!(x, [4.0, 4.0]);
/// ```
///
/// # Panics
/// Where the lengths differ.
#[track_caller]
pub fn zip_in_place_left<T: Float, F: ZipBody>(level: Level, f: &F, x: &mut [T], y: &[T]) {
    assert_eq!(x.len(), y.len(), "zip_in_place_left: lengths differ");
    let out = Out::new(x, None);
    level.dispatch(Zip {
        f: *f,
        x: out.start,
        y: y.as_ptr(),
        out,
    });
}

/// `y[i] = f(x[i], y[i])`.
///
/// # Panics
/// Where the lengths differ.
#[track_caller]
pub fn zip_in_place_right<T: Float, F: ZipBody>(level: Level, f: &F, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "zip_in_place_right: lengths differ");
    let out = Out::new(y, None);
    level.dispatch(Zip {
        f: *f,
        x: x.as_ptr(),
        y: out.start,
        out,
    });
}

/// Where results go: `len` elements from `start`, borrowed mutably by this file's caller.
struct Out<T> {
    /// The first element.
    start: *mut T,
    /// How many there are.
    len: usize,
    /// Whether stores are non-temporal.
    non_temporal: bool,
}

impl<T: Float> Out<T> {
    /// All of `out`.
    fn new(out: &mut [T], non_temporal: Option<&NonTemporal>) -> Out<T> {
        Out {
            start: out.as_mut_ptr(),
            len: out.len(),
            non_temporal: non_temporal.is_some(),
        }
    }
}

/// One body for both forms of `map`: `x` points to `out.len` elements, which may be `out`'s own.
struct Map<T, F> {
    f: F,
    x: *const T,
    out: Out<T>,
}

impl<T: Float, F: MapBody> Kernel for Map<T, F> {
    type Out = ();
    const SCALAR: bool = F::SCALAR;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = T::Wide::<S>::LANES;
        let whole = self.out.len / lanes * lanes;
        let tail = self.out.len - whole;
        // The tail is copied to a padded vector and run by the same loop: a second copy of the body
        // would double what every op adds to the binary.
        let mut pad = [T::default(); MAX_LANES];
        // SAFETY: `x` holds `out.len` elements (the callers above compare lengths), of which `tail`
        // follow the whole vectors; `tail < lanes <= MAX_LANES`.
        unsafe { copy_few(self.x.add(whole), pad.as_mut_ptr(), tail) };
        let padded = pad.as_mut_ptr();
        let (mut x, mut out, mut n) = (self.x, self.out.start, whole);
        for _ in 0..2 {
            let mut i = 0;
            while i < n {
                // SAFETY: `x` and `out` hold `n` elements, a multiple of `lanes`: the callers' in the
                // first round, the pad's in the second.
                unsafe {
                    let y = self.f.f(read::<T, S>(x.add(i)));
                    write::<T, S>(y, out.add(i), self.out.non_temporal);
                }
                i += lanes;
            }
            (x, out, n) = (padded, padded, if tail > 0 { lanes } else { 0 });
        }
        // SAFETY: `out` holds `tail` elements behind the whole vectors, and the pad is apart from it.
        unsafe { copy_few(padded, self.out.start.add(whole), tail) };
    }
}

/// One body for the three forms of `zip`: `x` and `y` point to `out.len` elements, which may be
/// `out`'s own.
struct Zip<T, F> {
    f: F,
    x: *const T,
    y: *const T,
    out: Out<T>,
}

impl<T: Float, F: ZipBody> Kernel for Zip<T, F> {
    type Out = ();
    const SCALAR: bool = F::SCALAR;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = T::Wide::<S>::LANES;
        let whole = self.out.len / lanes * lanes;
        let tail = self.out.len - whole;
        let (mut pad_x, mut pad_y) = ([T::default(); MAX_LANES], [T::default(); MAX_LANES]);
        // SAFETY: as in `Map`, for `x` and for `y`.
        unsafe {
            copy_few(self.x.add(whole), pad_x.as_mut_ptr(), tail);
            copy_few(self.y.add(whole), pad_y.as_mut_ptr(), tail);
        }
        let padded = pad_x.as_mut_ptr();
        let (mut x, mut y, mut out, mut n) = (self.x, self.y, self.out.start, whole);
        for _ in 0..2 {
            let mut i = 0;
            while i < n {
                // SAFETY: as in `Map`: `x`, `y` and `out` hold `n` elements, a multiple of `lanes`.
                unsafe {
                    let a = read::<T, S>(x.add(i));
                    let b = read::<T, S>(y.add(i));
                    write::<T, S>(self.f.f(a, b), out.add(i), self.out.non_temporal);
                }
                i += lanes;
            }
            (x, y, out) = (padded, pad_y.as_ptr(), padded);
            n = if tail > 0 { lanes } else { 0 };
        }
        // SAFETY: as in `Map`.
        unsafe { copy_few(padded, self.out.start.add(whole), tail) };
    }
}

/// A whole vector.
///
/// # Safety
/// A vector's elements at `x` are readable.
#[inline(always)]
pub(super) unsafe fn read<T: Float, S: Simd>(x: *const T) -> T::Wide<S> {
    // SAFETY: the caller vouches for the elements; the borrow ends before anything is written.
    Vector::load(unsafe { std::slice::from_raw_parts(x, T::Wide::<S>::LANES) })
}

/// Writes a whole vector.
///
/// # Safety
/// A vector's elements at `out` are writable.
#[inline(always)]
pub(super) unsafe fn write<T: Float, S: Simd>(v: T::Wide<S>, out: *mut T, non_temporal: bool) {
    // SAFETY: the caller vouches for the elements, and `read` keeps no borrow of them.
    let out = unsafe { std::slice::from_raw_parts_mut(out, T::Wide::<S>::LANES) };
    match non_temporal {
        true => v.stream(out),
        false => v.store(out),
    }
}

/// The elements of `x` before the first whose address is a multiple of `bytes`, a power of two; all where
/// there is none.
#[inline(always)]
pub(crate) fn elements_before_aligned<T>(x: &[T], bytes: usize) -> usize {
    let bytes = x.as_ptr().cast::<u8>().align_offset(bytes);
    (bytes / size_of::<T>()).min(x.len())
}

/// Copies `n` elements, of which there is often one or none, when a call of `memcpy` would cost more
/// than the rest of an op.
///
/// # Safety
/// `n` elements at `from` are readable, as many at `to` writable, and the two do not overlap.
#[inline(always)]
unsafe fn copy_few<T: Copy>(from: *const T, to: *mut T, n: usize) {
    match n {
        0 => {}
        // SAFETY: the caller vouches for one element at each place.
        1 => unsafe { to.write(from.read()) },
        // SAFETY: the caller vouches for `n` elements at each place, apart from one another.
        _ => unsafe { std::ptr::copy_nonoverlapping(from, to, n) },
    }
}

/// The `n` elements at `x`, padded (with zeros, or with the one element there is).
///
/// # Safety
/// `n` elements at `x` are readable and `n <= LANES`.
#[inline(always)]
pub(crate) unsafe fn load<T: Float, S: Simd>(x: *const T, n: usize) -> T::Vec<S> {
    // SAFETY: the caller vouches for `n` elements; the borrow ends before anything is written.
    let x = unsafe { std::slice::from_raw_parts(x, n) };
    if n == T::Vec::<S>::LANES {
        return Vector::load(x);
    }
    if n == 1 {
        return Vector::repeat(x[0]); // scalars are common, and this is quicker than a copy
    }
    Vector::load_first(x)
}

/// Writes the first `n` elements of `v` to `out`.
///
/// # Safety
/// `n` elements at `out` are writable and `n <= LANES`.
#[inline(always)]
pub(crate) unsafe fn store<T: Float, S: Simd>(v: T::Vec<S>, out: *mut T, n: usize) {
    // SAFETY: the caller vouches for `n` elements; no other borrow of them is alive, since `load`
    // keeps none.
    let out = unsafe { std::slice::from_raw_parts_mut(out, n) };
    v.store_first(out);
}
