//! Drivers of elementwise kernels: tiles of any layout, in parallel, in place where nobody else sees it.
//!
//! A kernel comes as `dyn`, so tiles, threads and buffers are compiled once for each element type
//! and an op adds its body alone. A result of more than one task that needs new memory is deferred instead
//! (`chain`), so the only parallel loops here are those in place.

use crate::dtype::Element;
use crate::kernel::tile_load::{self, TILE};
use crate::simd::arith::{self, SingleOp};
use crate::simd::{self, Float, Level, MapBody, NonTemporal, ZipBody};
use crate::threads::{self, GRAIN};
use crate::{Layout, Tensor};

/// A body and the level to run it at.
pub(crate) struct AtLevel<F> {
    /// The level.
    pub(crate) level: Level,
    /// The body.
    pub(crate) f: F,
}

/// A one-input kernel over slices of one length.
pub(crate) trait MapTile<T>: Send + Sync {
    /// To new memory, by non-temporal stores where permitted.
    fn apply(&self, x: &[T], out: &mut [T], non_temporal: Option<&NonTemporal>);
    /// Of one element.
    fn apply_one(&self, x: T) -> T;
    /// In place of the input.
    fn apply_in_place(&self, x: &mut [T]);
    /// The one arithmetic instruction that it is, if it is one.
    fn single_op(&self) -> Option<SingleOp>;
}

impl<T: Float, F: MapBody> MapTile<T> for AtLevel<F> {
    fn apply(&self, x: &[T], out: &mut [T], non_temporal: Option<&NonTemporal>) {
        simd::map_stored(self.level, &self.f, x, out, non_temporal);
    }
    fn apply_one(&self, x: T) -> T {
        // A single instruction gives a scalar the bits that it gives a vector.
        if arith::of_map(&self.f).is_some() {
            return self.f.f(x);
        }
        let mut y = [T::default()];
        self.apply(&[x], &mut y, None);
        y[0]
    }
    fn apply_in_place(&self, x: &mut [T]) {
        simd::map_in_place(self.level, &self.f, x);
    }
    fn single_op(&self) -> Option<SingleOp> {
        arith::of_map(&self.f)
    }
}

/// A two-input kernel over slices of one length.
pub(crate) trait ZipTile<T>: Send + Sync {
    /// To new memory, by non-temporal stores where permitted.
    fn apply(&self, x: &[T], y: &[T], out: &mut [T], non_temporal: Option<&NonTemporal>);
    /// Of one pair.
    fn apply_one(&self, x: T, y: T) -> T;
    /// In place of the first input.
    fn apply_to_lhs(&self, x: &mut [T], y: &[T]);
    /// In place of the second input.
    fn apply_to_rhs(&self, x: &[T], y: &mut [T]);
    /// The one arithmetic instruction that it is, if it is one.
    fn single_op(&self) -> Option<SingleOp>;
}

impl<T: Float, F: ZipBody> ZipTile<T> for AtLevel<F> {
    fn apply(&self, x: &[T], y: &[T], out: &mut [T], non_temporal: Option<&NonTemporal>) {
        simd::zip_stored(self.level, &self.f, [x, y], out, non_temporal);
    }
    fn apply_one(&self, x: T, y: T) -> T {
        if arith::of_zip(&self.f).is_some() {
            return self.f.f(x, y);
        }
        let mut z = [T::default()];
        self.apply(&[x], &[y], &mut z, None);
        z[0]
    }
    fn apply_to_lhs(&self, x: &mut [T], y: &[T]) {
        simd::zip_in_place_left(self.level, &self.f, x, y);
    }
    fn apply_to_rhs(&self, x: &[T], y: &mut [T]) {
        simd::zip_in_place_right(self.level, &self.f, x, y);
    }
    fn single_op(&self) -> Option<SingleOp> {
        arith::of_zip(&self.f)
    }
}

/// An input as tiles: parts of the slice itself where it is contiguous, else copies in a buffer.
pub(crate) struct Input<'a, T> {
    /// The elements in order, or the storage of a strided input.
    src: &'a [T],
    /// The strided layout; `None` where `src` has the elements in order.
    layout: Option<Layout>,
}

impl<'a, T: Element> Input<'a, T> {
    /// The elements of `x`.
    pub(crate) fn new(x: &'a Tensor) -> Input<'a, T> {
        match x.as_slice::<T>() {
            Some(src) => Input { src, layout: None },
            None => Input {
                src: x.storage::<T>(),
                layout: Some(x.layout().collapse()),
            },
        }
    }

    /// The elements, where they are contiguous.
    #[inline(always)]
    pub(crate) fn flat(&self) -> Option<&'a [T]> {
        self.layout.is_none().then_some(self.src)
    }

    /// Elements `first .. first + n`: a part of the slice where they are adjacent, else copied to `buffer`.
    #[inline(always)]
    pub(crate) fn tile<'t>(&'t self, first: usize, n: usize, buffer: &'t mut [T]) -> &'t [T] {
        match &self.layout {
            None => &self.src[first..first + n],
            Some(layout) => {
                if let Some(at) = tile_load::contiguous_run(layout, first, n) {
                    return &self.src[at..at + n]; // such as a row that is broadcast
                }
                tile_load::load(self.src, layout, first, &mut buffer[..n]);
                &buffer[..n]
            }
        }
    }

    /// The one element, where every index has the same.
    pub(crate) fn constant(&self) -> Option<T> {
        let layout = self.layout.as_ref()?;
        let same = layout.strides().iter().all(|&s| s == 0);
        same.then(|| self.src[layout.offset()])
    }
}

/// Calls `f(i, chunk)` for each [`GRAIN`] of `out`.
#[inline]
pub(crate) fn chunks<T: Send>(out: &mut [T], f: impl Fn(usize, &mut [T]) + Sync) {
    match out.len() {
        // A single chunk waits for no other thread, so no stolen task can see this thread's scope.
        1..=GRAIN => f(0, out),
        _ => threads::parallel_chunks(out, GRAIN, f),
    }
}

/// `f` at each element of `x`, over `x` when nobody else can see it.
pub(crate) fn map<T: Element>(x: &mut Tensor, f: &dyn MapTile<T>) -> Tensor {
    if x.numel() == 1 {
        let y = f.apply_one(x.first());
        return single(&mut [x], y);
    }
    if let Some(elements) = x.try_mut::<T>() {
        chunks(elements, |_, chunk| f.apply_in_place(chunk));
        return x.clone();
    }
    let input = Input::<T>::new(x);
    x.build_like(|out: &mut [T]| {
        if let Some(src) = input.flat() {
            return f.apply(src, out, None);
        }
        let mut buffer = [T::default(); TILE];
        for (j, part) in out.chunks_mut(TILE).enumerate() {
            f.apply(input.tile(j * TILE, part.len(), &mut buffer), part, None);
        }
    })
}

/// `f` at each pair of elements, over an input that nobody else can see.
pub(crate) fn zip<T: Element>(x: &mut Tensor, y: &mut Tensor, f: &dyn ZipTile<T>) -> Tensor {
    if x.numel() == 1 {
        let z = f.apply_one(x.first(), y.first());
        return single(&mut [x, y], z);
    }
    if let Some(own) = x.try_mut::<T>() {
        zip_in_place(own, &Input::<T>::new(y), &|x, y| f.apply_to_lhs(x, y));
        return x.clone();
    }
    if let Some(own) = y.try_mut::<T>() {
        zip_in_place(own, &Input::<T>::new(x), &|y, x| f.apply_to_rhs(x, y));
        return y.clone();
    }
    zip_to_new(&Input::<T>::new(x), &Input::<T>::new(y), x, f)
}

/// The one element `value`, in place of an input that nobody else sees where there is one: for a single
/// element, tiles and layouts would be most of the work.
fn single<T: Element>(inputs: &mut [&mut Tensor], value: T) -> Tensor {
    for x in &mut *inputs {
        if let Some(own) = x.try_mut::<T>() {
            own[0] = value;
            return x.clone();
        }
    }
    inputs[0].build_like(|out: &mut [T]| out[0] = value)
}

/// `f` over the chunks of `own`, with the tiles of `other`, in parallel.
fn zip_in_place<T: Element>(
    own: &mut [T],
    other: &Input<'_, T>,
    f: &(dyn Fn(&mut [T], &[T]) + Sync),
) {
    chunks(own, |i, chunk| {
        if let Some(src) = other.flat() {
            let (first, n) = (i * GRAIN, chunk.len());
            return f(chunk, &src[first..first + n]);
        }
        let mut buffer = tile_buffer(other.constant());
        for (j, part) in chunk.chunks_mut(TILE).enumerate() {
            f(
                part,
                tile_of(other, i * GRAIN + j * TILE, part.len(), &mut buffer),
            );
        }
    });
}

/// `f` on the tiles of both, to a new tensor like `like`. A single task's work: more is deferred.
fn zip_to_new<T: Element>(
    x: &Input<'_, T>,
    y: &Input<'_, T>,
    like: &Tensor,
    f: &dyn ZipTile<T>,
) -> Tensor {
    like.build_like(|out: &mut [T]| {
        if let (Some(x), Some(y)) = (x.flat(), y.flat()) {
            return f.apply(x, y, out, None);
        }
        let (mut bx, mut by) = (tile_buffer(x.constant()), tile_buffer(y.constant()));
        for (j, part) in out.chunks_mut(TILE).enumerate() {
            let (at, n) = (j * TILE, part.len());
            f.apply(
                tile_of(x, at, n, &mut bx),
                tile_of(y, at, n, &mut by),
                part,
                None,
            );
        }
    })
}

/// A tile buffer, filled at once where the input is one element repeated.
fn tile_buffer<T: Element>(constant: Option<T>) -> [T; TILE] {
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
