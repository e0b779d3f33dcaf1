//! Drivers of elementwise kernels: tiles of any layout, in parallel, in place where nobody sees it.
//!
//! A kernel comes as `dyn`, so tiles, threads and buffers are compiled once for each element type
//! and an op adds its body alone. Where a new place is needed, more than one task's elements are put
//! off instead (`chain`), so only what is written over is shared out here.

use crate::dtype::Element;
use crate::kernel::tile_load::{self, GRAIN, TILE};
use crate::simd::arith::{self, Instruction};
use crate::simd::{self, Float, Level, MapBody, Past, ZipBody};
use crate::{Layout, Tensor, threads};

/// A body and the level to run it at.
pub(crate) struct AtLevel<F> {
    pub(crate) level: Level,
    pub(crate) f: F,
}

/// A one-input kernel over slices of one length.
pub(crate) trait MapTile<T>: Send + Sync {
    /// To a new place, past the caches where there is leave.
    fn fresh(&self, x: &[T], out: &mut [T], past: Option<&Past>);
    /// Of one element.
    fn one(&self, x: T) -> T;
    /// Over the input.
    fn own(&self, x: &mut [T]);
    /// The arithmetic instruction that it is, if it is one.
    fn instruction(&self) -> Option<Instruction>;
}

impl<T: Float, F: MapBody> MapTile<T> for AtLevel<F> {
    fn fresh(&self, x: &[T], out: &mut [T], past: Option<&Past>) {
        simd::map_past(self.level, &self.f, x, out, past);
    }
    fn one(&self, x: T) -> T {
        // A single instruction gives a scalar the bits that it gives a vector.
        if arith::of_map(&self.f).is_some() {
            return self.f.f(x);
        }
        let mut y = [T::default()];
        self.fresh(&[x], &mut y, None);
        y[0]
    }
    fn own(&self, x: &mut [T]) {
        simd::map_in_place(self.level, &self.f, x);
    }
    fn instruction(&self) -> Option<Instruction> {
        arith::of_map(&self.f)
    }
}

/// A two-input kernel over slices of one length.
pub(crate) trait ZipTile<T>: Send + Sync {
    /// To a new place, past the caches where there is leave.
    fn fresh(&self, x: &[T], y: &[T], out: &mut [T], past: Option<&Past>);
    /// Of one pair.
    fn one(&self, x: T, y: T) -> T;
    /// Over the left input.
    fn left(&self, x: &mut [T], y: &[T]);
    /// Over the right input.
    fn right(&self, x: &[T], y: &mut [T]);
    /// The arithmetic instruction that it is, if it is one.
    fn instruction(&self) -> Option<Instruction>;
}

impl<T: Float, F: ZipBody> ZipTile<T> for AtLevel<F> {
    fn fresh(&self, x: &[T], y: &[T], out: &mut [T], past: Option<&Past>) {
        simd::zip_past(self.level, &self.f, [x, y], out, past);
    }
    fn one(&self, x: T, y: T) -> T {
        if arith::of_zip(&self.f).is_some() {
            return self.f.f(x, y);
        }
        let mut z = [T::default()];
        self.fresh(&[x], &[y], &mut z, None);
        z[0]
    }
    fn left(&self, x: &mut [T], y: &[T]) {
        simd::zip_in_place_left(self.level, &self.f, x, y);
    }
    fn right(&self, x: &[T], y: &mut [T]) {
        simd::zip_in_place_right(self.level, &self.f, x, y);
    }
    fn instruction(&self) -> Option<Instruction> {
        arith::of_zip(&self.f)
    }
}

/// Elements at `i * GRAIN ..` as tiles: the slice itself when contiguous, else loaded one by one.
pub(crate) struct Input<'a, T> {
    src: &'a [T],
    /// Where the elements stand; `None` when `src` has them in order.
    layout: Option<Layout>,
}

impl<'a, T: Element> Input<'a, T> {
    pub(crate) fn new(x: &'a Tensor) -> Input<'a, T> {
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
    pub(crate) fn flat(&self) -> Option<&'a [T]> {
        self.layout.is_none().then_some(self.src)
    }

    #[inline(always)]
    pub(crate) fn tile<'t>(&'t self, first: usize, n: usize, buffer: &'t mut [T]) -> &'t [T] {
        match &self.layout {
            None => &self.src[first..first + n],
            Some(layout) => {
                if let Some(at) = tile_load::whole_run(layout, first, n) {
                    return &self.src[at..at + n]; // such as a row that is broadcast
                }
                tile_load::load(self.src, layout, first, &mut buffer[..n]);
                &buffer[..n]
            }
        }
    }

    /// The one element, when every index shows the same.
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
        // One chunk waits for nobody: no stolen task can see this thread's scope, so it stays.
        1..=GRAIN => f(0, out),
        _ => threads::parallel_chunks(out, GRAIN, f),
    }
}

/// `f` at each element of `x`, over `x` when nobody else can see it.
pub(crate) fn map<T: Element>(x: &mut Tensor, f: &dyn MapTile<T>) -> Tensor {
    if x.numel() == 1 {
        let y = f.one(x.first());
        return single(&mut [x], y);
    }
    if let Some(elements) = x.try_mut::<T>() {
        chunks(elements, |_, chunk| f.own(chunk));
        return x.clone();
    }
    let input = Input::<T>::new(x);
    x.build_like(|out: &mut [T]| {
        if let Some(src) = input.flat() {
            return f.fresh(src, out, None);
        }
        let mut buffer = [T::default(); TILE];
        for (j, part) in out.chunks_mut(TILE).enumerate() {
            f.fresh(input.tile(j * TILE, part.len(), &mut buffer), part, None);
        }
    })
}

/// `f` at each pair of elements, over an input that nobody else can see.
pub(crate) fn zip<T: Element>(x: &mut Tensor, y: &mut Tensor, f: &dyn ZipTile<T>) -> Tensor {
    if x.numel() == 1 {
        let z = f.one(x.first(), y.first());
        return single(&mut [x, y], z);
    }
    if let Some(own) = x.try_mut::<T>() {
        zip_own(own, &Input::<T>::new(y), &|x, y| f.left(x, y));
        return x.clone();
    }
    if let Some(own) = y.try_mut::<T>() {
        zip_own(own, &Input::<T>::new(x), &|y, x| f.right(x, y));
        return y.clone();
    }
    zip_fresh(&Input::<T>::new(x), &Input::<T>::new(y), x, f)
}

/// The one element `value`, in the place of an input that nobody else can see where there is one:
/// beside a single element, tiles and layouts would be most of the work.
fn single<T: Element>(inputs: &mut [&mut Tensor], value: T) -> Tensor {
    for x in &mut *inputs {
        if let Some(own) = x.try_mut::<T>() {
            own[0] = value;
            return x.clone();
        }
    }
    inputs[0].build_like(|out: &mut [T]| out[0] = value)
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
    like: &Tensor,
    f: &dyn ZipTile<T>,
) -> Tensor {
    like.build_like(|out: &mut [T]| {
        if let (Some(x), Some(y)) = (x.flat(), y.flat()) {
            return f.fresh(x, y, out, None);
        }
        let (mut bx, mut by) = (filled(x.constant()), filled(y.constant()));
        for (j, part) in out.chunks_mut(TILE).enumerate() {
            let (at, n) = (j * TILE, part.len());
            f.fresh(
                tile_of(x, at, n, &mut bx),
                tile_of(y, at, n, &mut by),
                part,
                None,
            );
        }
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
