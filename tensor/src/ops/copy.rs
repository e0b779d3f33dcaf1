//! Copies: to contiguous memory, to another dtype, side by side, into a part, and from nothing.

use crate::dtype::Element;
use crate::kernel::gemm::{MatMut, MatRef};
use crate::kernel::tile_load::{self, TILE};
use crate::kernel::transpose::transpose;
use crate::layout::contiguous_strides;
use crate::simd;
use crate::sys::alloc::has_room;
use crate::threads::GRAIN;
use crate::{DType, Device, Error, Layout, Meta, Result, Tensor, match_dtype, numel, threads};

/// Writes the elements of `x` in row-major order to `out`, which has as many.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![1i32, 2, 3, 4], &[2, 2])?;
/// let mut out = [0; 4];
/// ops::copy_into(&x.transpose(0, 1)?, &mut out);
/// assert_eq!(out, [1, 3, 2, 4]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Panics
/// When `out` has another length.
pub fn copy_into<T: Element>(x: &Tensor, out: &mut [T]) {
    assert_eq!(x.numel(), out.len(), "copy_into: as many elements");
    if let Some(from) = x.as_slice::<T>() {
        out.copy_from_slice(from);
        return;
    }
    let (src, layout) = (x.storage::<T>(), x.layout().collapse());
    if let Some(axis) = transposed_axis(&layout) {
        return copy_transposed(src, &layout, axis, out);
    }
    threads::parallel_chunks(out, GRAIN, |i, chunk| {
        tile_load::load(src, &layout, i * GRAIN, chunk)
    });
}

/// The axis along which elements are adjacent, when that is not the last one, and both are long enough for
/// squares of vectors.
fn transposed_axis(layout: &Layout) -> Option<usize> {
    const LONG: usize = 4;
    let (&stride, &len) = (layout.strides().last()?, layout.shape().last()?);
    if stride == 1 || stride == 0 || len < LONG {
        return None;
    }
    let axes = layout.strides().iter().zip(layout.shape());
    axes.into_iter().position(|(&s, &n)| s == 1 && n >= LONG)
}

/// [`copy_into`] of a layout whose `axis` has stride 1: one matrix for each index of the others.
fn copy_transposed<T: Element>(src: &[T], layout: &Layout, axis: usize, out: &mut [T]) {
    let (shape, strides) = (layout.shape(), layout.strides());
    let last = shape.len() - 1;
    let to = contiguous_strides(shape);
    let size = [shape[axis], shape[last]];
    let others: Vec<usize> = (0..last).filter(|&a| a != axis).collect();
    let matrices = others.iter().map(|&a| shape[a]).product::<usize>();
    for mut m in 0..matrices {
        let (mut from, mut at) = (layout.offset() as isize, 0);
        for &a in others.iter().rev() {
            from += (m % shape[a]) as isize * strides[a];
            at += m % shape[a] * to[a] as usize;
            m /= shape[a];
        }
        let from = MatRef::new(src, from as usize, size, [1, strides[last]]);
        let to = MatMut::new(&mut out[at..], size, to[axis] as usize);
        transpose(simd::level(), from, to);
    }
}

/// A contiguous copy of `x`.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
/// let t = x.transpose(0, 1)?;
/// assert!(!t.is_contiguous() && ops::copy(&t).is_contiguous());
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn copy(x: &Tensor) -> Tensor {
    if x.is_meta() {
        return Tensor::meta_like(x.meta());
    }
    match_dtype!(x.dtype(), T => Tensor::build(x.shape(), |out: &mut [T]| copy_into(x, out)))
}

/// `x` with elements of `dtype`: floats to integers truncate and saturate, to bool compare with 0.
///
/// ```
/// use lepton_tensor::{DType, Tensor, ops};
/// let x = Tensor::from_vec(vec![-1.9f32, 0.0, 300.7], &[3])?;
/// assert_eq!(ops::cast(&x, DType::I64).to_vec::<i64>()?, [-1, 0, 300]);
/// assert_eq!(ops::cast(&x, DType::U8).to_vec::<u8>()?, [0, 0, 255]);
/// assert_eq!(ops::cast(&x, DType::Bool).to_vec::<bool>()?, [true, false, true]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn cast(x: &Tensor, dtype: DType) -> Tensor {
    if x.dtype() == dtype {
        return x.clone();
    }
    match_dtype!(x.dtype(), A => match_dtype!(dtype, B => cast_to::<A, B>(x)))
}

/// [`cast`] between two element types, tile by tile.
fn cast_to<A: Element, B: Element>(x: &Tensor) -> Tensor {
    let (src, layout) = (x.storage::<A>(), x.layout().collapse());
    let integers = !A::DTYPE.is_float() && !B::DTYPE.is_float();
    Tensor::build(x.shape(), |out: &mut [B]| {
        threads::parallel_chunks(out, GRAIN, |i, chunk| {
            let mut tile = [A::default(); TILE];
            for (j, part) in chunk.chunks_mut(TILE).enumerate() {
                let tile = &mut tile[..part.len()];
                tile_load::load(src, &layout, i * GRAIN + j * TILE, tile);
                // Integers keep their low bits (i64 is wider than f64's mantissa); floats go by value.
                for (y, &v) in part.iter_mut().zip(&*tile) {
                    *y = if integers {
                        B::from_i64(v.to_i64())
                    } else {
                        B::from_f64(v.to_f64())
                    };
                }
            }
        });
    })
}

/// The constant `value` at every index of `shape`.
///
/// ```
/// use lepton_tensor::{DType, Device, ops};
/// let x = ops::full(&[2], 0.5, DType::F64, Device::Cpu)?;
/// assert_eq!(x.to_vec::<f64>()?, [0.5, 0.5]);
/// let m = ops::full(&[1 << 20, 1 << 20], 0.5, DType::F64, Device::Meta)?; // no bytes
/// assert!(m.is_meta());
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When the shape is too large, or the device cannot hold tensors in this build.
pub fn full(shape: &[usize], value: f64, dtype: DType, device: Device) -> Result<Tensor> {
    device.check()?;
    numel(shape)?;
    if device == Device::Meta {
        return Ok(Tensor::meta_like(&Meta::new(shape, dtype)));
    }
    let bytes = numel(shape)? * dtype.size();
    if !has_room(bytes) {
        return Err(Error::value(format!(
            "full: a tensor of {shape:?} takes {bytes} bytes, more than the system gives; Device::Meta has shapes without bytes"
        )));
    }
    Ok(match_dtype!(dtype, T => Tensor::build(shape, |out: &mut [T]| out.fill(T::from_f64(value)))))
}

/// `start`, `start + step`, .. : `n` values along one axis.
///
/// ```
/// use lepton_tensor::{DType, ops};
/// assert_eq!(ops::arange(1.0, -0.5, 4, DType::F32).to_f64(), [1.0, 0.5, 0.0, -0.5]);
/// ```
pub fn arange(start: f64, step: f64, n: usize, dtype: DType) -> Tensor {
    match_dtype!(dtype, T => Tensor::build(&[n], |out: &mut [T]| {
        out.iter_mut().enumerate().for_each(|(i, x)| *x = T::from_f64(start + i as f64 * step));
    }))
}

/// Tensors of one dtype side by side along `axis`; their other axes agree. Parts that stand side by side
/// in one memory already are not copied: the result is a view of it.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![1i64, 2, 3, 4], &[2, 2])?;
/// let column = x.slice(1, 0, 1, 1)?;
/// assert_eq!(ops::cat(&[x.clone(), column], 1).to_vec::<i64>()?, [1, 2, 1, 3, 4, 3]);
/// // Parts of one tensor, in order, are that tensor again.
/// let rows = [x.slice(0, 0, 1, 1)?, x.slice(0, 1, 1, 1)?];
/// assert!(ops::cat(&rows, 0).shares_storage(&x));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn cat(parts: &[Tensor], axis: usize) -> Tensor {
    let mut shape: crate::Shape = parts[0].shape().into();
    shape[axis] = parts.iter().map(|p| p.shape()[axis]).sum();
    if let Some(whole) = whole(parts, axis, &shape) {
        return whole;
    }
    // Every element is written below, so nothing is filled first.
    let mut out = match_dtype!(parts[0].dtype(), T => Tensor::build(&shape, |_: &mut [T]| {}));
    let mut start = 0;
    for part in parts {
        let n = part.shape()[axis];
        if part.numel() > 0 {
            out = assign_view(out, part, |l| l.slice(axis, start, n, 1));
        }
        start += n;
    }
    out
}

/// The contiguous tensor of `shape` that `parts` are cut from, one after the other along `axis`.
fn whole(parts: &[Tensor], axis: usize, shape: &[usize]) -> Option<Tensor> {
    let (first, others) = parts.split_first()?;
    if !others.iter().all(|p| p.shares_storage(first)) {
        return None;
    }
    let strides = contiguous_strides(shape);
    let whole = first.as_strided(shape, &strides, first.offset()).ok()?;
    let mut start = 0;
    for part in parts {
        let n = part.shape()[axis];
        let place = whole.layout().slice(axis, start, n, 1);
        if place.collapse() != part.layout().collapse() {
            return None;
        }
        start += n;
    }
    Some(whole)
}

/// `base` with `value` written where `region` (start, length, step per axis) selects; `base` is
/// copied first unless nobody else can see it.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let base = Tensor::from_vec(vec![0i64; 6], &[2, 3])?;
/// let value = Tensor::from_vec(vec![1i64, 2], &[1, 2])?;
/// let y = ops::assign(base, &value, &[(1, 1, 1), (0, 2, 2)])?; // row 1, columns 0 and 2
/// assert_eq!(y.to_vec::<i64>()?, [0, 0, 0, 1, 0, 2]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When the region leaves `base`.
pub fn assign(base: Tensor, value: &Tensor, region: &[(usize, usize, isize)]) -> Result<Tensor> {
    let mut view = base.clone();
    for (axis, &(start, len, step)) in region.iter().enumerate() {
        view = view.slice(axis, start, len, step)?;
    }
    if view.shape() != value.shape() {
        return Err(Error::shape(format!(
            "assign: the region is {:?}, the value {:?}",
            view.shape(),
            value.shape()
        )));
    }
    drop(view);
    if value.numel() == 0 {
        return Ok(base);
    }
    Ok(assign_view(base, value, |l| {
        region
            .iter()
            .enumerate()
            .fold(l, |l, (a, r)| l.slice(a, r.0, r.1, r.2))
    }))
}

/// `base` with `value` written to a part of it, `region` of its contiguous layout.
fn assign_view(mut base: Tensor, value: &Tensor, region: impl FnOnce(Layout) -> Layout) -> Tensor {
    match_dtype!(base.dtype(), T => {
        let shape: crate::Shape = base.shape().into();
        let to = base.make_mut::<T>();
        let layout = region(Layout::contiguous(&shape));
        let from = value.contiguous();
        store(from.as_slice::<T>().expect("contiguous"), &layout.collapse(), to);
    });
    base
}

/// The inverse of a tile load: `src` in row-major order to the places of `layout` in `out`.
fn store<T: Copy>(src: &[T], layout: &Layout, out: &mut [T]) {
    tile_load::runs(layout, 0, src.len(), |at, stride, done, n| {
        let from = &src[done..done + n];
        match stride {
            1 => out[at..at + n].copy_from_slice(from),
            _ => (0..n).for_each(|i| out[(at as isize + i as isize * stride) as usize] = from[i]),
        }
    });
}
