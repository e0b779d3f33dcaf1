//! Reading and adding at indices. An index outside its axis is an error, never a wild read.

use crate::dtype::Element;
use crate::kernel::reduce::{Extreme, Fold};
use crate::kernel::tile_load::{GRAIN, rows_of};
use crate::simd::{self, Float, Kernel, Simd};
use crate::{DType, Error, Result, Tensor, match_dtype, threads};

/// The index as a position on an axis of `size`.
pub(crate) fn position(what: &str, index: i64, size: usize) -> Result<usize> {
    usize::try_from(index)
        .ok()
        .filter(|&i| i < size)
        .ok_or_else(|| {
            Error::index(format!(
                "{what}: index {index} is out of range for an axis of size {size} (0 to {})",
                size as i64 - 1
            ))
        })
}

/// A one-dimensional index whose elements are positions on an axis, each of them looked at once.
struct Ids(Tensor);

impl Ids {
    /// The elements of `index`, positions on an axis of `size`.
    ///
    /// # Errors
    /// When one is outside the axis.
    fn new(what: &str, index: &Tensor, size: usize) -> Result<Ids> {
        let ids = Ids(crate::ops::cast(index, DType::I64).contiguous());
        let outside = |&&i: &&i64| i as u64 >= size as u64; // a negative one is a large one
        match ids.all().iter().find(outside) {
            Some(&i) => position(what, i, size).map(|_| ids),
            None => Ok(ids),
        }
    }

    fn all(&self) -> &[i64] {
        self.0.as_slice().expect("contiguous, of i64")
    }
}

/// Offsets, in the contiguous `shape`, of the places that `index` names along `axis`.
fn places(what: &str, shape: &[usize], axis: usize, index: &Tensor) -> Result<Vec<usize>> {
    let ids = crate::ops::cast(index, DType::I64).to_vec::<i64>()?;
    let strides = crate::layout::contiguous_strides(shape);
    let mut at = vec![0usize; shape.len()];
    ids.into_iter()
        .map(|i| {
            let i = position(what, i, shape[axis])?;
            let offset = (0..at.len())
                .map(|a| strides[a] as usize * if a == axis { i } else { at[a] })
                .sum();
            for a in (0..at.len()).rev() {
                at[a] += 1;
                if at[a] < index.shape()[a] {
                    break;
                }
                at[a] = 0;
            }
            Ok(offset)
        })
        .collect()
}

/// `out[i][j] = x[index[i][j]][j]` (for axis 0, and so on): PyTorch's `gather`.
///
/// # Errors
/// When an index is outside the axis.
pub fn gather(x: &Tensor, axis: usize, index: &Tensor) -> Result<Tensor> {
    let x = x.contiguous();
    let places = places("gather", x.shape(), axis, index)?;
    Ok(match_dtype!(x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(index.shape(), |out: &mut [T]| out.iter_mut().zip(&places).for_each(|(y, &p)| *y = src[p]))
    }))
}

/// `base` with each `src[i][j]` added at `[index[i][j]][j]`: PyTorch's `scatter_add`.
///
/// # Errors
/// When an index is outside the axis.
pub fn scatter_add(mut base: Tensor, axis: usize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
    let places = places("scatter_add", base.shape(), axis, index)?;
    // Only the corner of `src` that `index` covers is read.
    let mut corner = src.clone();
    for a in 0..index.rank() {
        corner = corner.slice(a, 0, index.shape()[a], 1)?;
    }
    match_dtype!(base.dtype(), T => {
        let from = corner.to_vec::<T>()?;
        let to = base.make_mut::<T>();
        for (&p, &v) in places.iter().zip(&from) {
            to[p] = add(to[p], v);
        }
    });
    Ok(base)
}

/// Bytes of rows that are asked for before their turn: rows lie anywhere, and no processor foresees
/// where the next one begins.
const AHEAD: usize = 8192;

/// Rows of a table, in blocks of which each is picked from by the same `ids`.
#[derive(Clone, Copy)]
struct Picked<'a, T> {
    table: &'a [T],
    /// Rows in a block of the table.
    size: usize,
    inner: usize,
    ids: &'a [i64],
}

impl<'a, T> Picked<'a, T> {
    #[inline(always)]
    fn row(&self, block: usize, k: usize) -> &'a [T] {
        let at = (block * self.size + self.ids[k] as usize) * self.inner;
        &self.table[at..at + self.inner]
    }
}

/// Copies to the rows of `to` row `k` of block `block` of what is picked, and those after it.
struct CopyRows<'a, T> {
    from: Picked<'a, T>,
    block: usize,
    k: usize,
    to: &'a mut [T],
}

impl<T: Copy> Kernel for CopyRows<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (from, mut block, mut k) = (self.from, self.block, self.k);
        let ahead = (AHEAD / (from.inner * size_of::<T>())).clamp(1, 32);
        let last = from.ids.len() - 1;
        for row in self.to.chunks_exact_mut(from.inner) {
            let later = from.row(block, (k + ahead).min(last));
            copy_row(from.row(block, k), later, row);
            // No division for each row: it would take as long as a short row.
            (block, k) = match k == last {
                true => (block + 1, 0),
                false => (block, k + 1),
            };
        }
    }
}

/// Copies a row a piece at a time, and asks for the same piece of a `later` one: asked for at once, a
/// row would wait for more lines than a core can have under way.
#[inline(always)]
fn copy_row<T: Copy>(row: &[T], later: &[T], to: &mut [T]) {
    let piece = const { 128 / size_of::<T>() };
    let whole = row.len() / piece * piece;
    let pieces = row.chunks_exact(piece).zip(later.chunks_exact(piece));
    for ((row, later), to) in pieces.zip(to.chunks_exact_mut(piece)) {
        simd::prefetch(later.as_ptr());
        simd::prefetch(&raw const later[piece / 2]);
        to.copy_from_slice(row);
    }
    if let Some(start) = later.get(whole..).filter(|rest| !rest.is_empty()) {
        simd::prefetch(start.as_ptr());
        to[whole..].copy_from_slice(&row[whole..]);
    }
}

/// The rows `rows` of `x`, its parts along the first axis, in the order given.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2])?;
/// assert_eq!(ops::take_rows(&x, &[2, 0])?.to_vec::<f32>()?, [5.0, 6.0, 1.0, 2.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When `x` has no axis, or not so many rows.
pub fn take_rows(x: &Tensor, rows: &[usize]) -> Result<Tensor> {
    if x.rank() == 0 {
        return Err(Error::shape("take_rows: a tensor without axes has no rows"));
    }
    let index = rows.iter().map(|&row| row as i64).collect();
    take(x, 0, &Tensor::from_vec(index, &[rows.len()])?)
}

/// Rows of `x` along `axis` picked by the one-dimensional `index`: PyTorch's `index_select`.
///
/// # Errors
/// When an index is outside the axis.
pub fn take(x: &Tensor, axis: usize, index: &Tensor) -> Result<Tensor> {
    let x = x.contiguous();
    let (size, inner) = (
        x.shape()[axis],
        x.shape()[axis + 1..].iter().product::<usize>(),
    );
    let ids = Ids::new("index_select", index, size)?;
    let ids = ids.all();
    let mut shape: crate::Shape = x.shape().into();
    shape[axis] = ids.len();
    Ok(match_dtype!(x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(&shape, |out: &mut [T]| {
            if out.is_empty() {
                return;
            }
            let from = Picked { table: src, size, inner, ids };
            let rows = rows_of(inner);
            let level = simd::level().streaming();
            threads::parallel_chunks(out, rows * inner, |i, to| {
                level.dispatch(CopyRows {
                    from,
                    block: i * rows / ids.len(),
                    k: i * rows % ids.len(),
                    to,
                });
            });
        })
    }))
}

/// `base` with rows of `src` added along `axis` at `index`: the adjoint of [`take`].
///
/// # Errors
/// When an index is outside the axis.
pub fn index_add(mut base: Tensor, axis: usize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
    let (size, inner) = (
        base.shape()[axis],
        base.shape()[axis + 1..].iter().product::<usize>(),
    );
    let ids = Ids::new("index_add", index, size)?;
    let ids = ids.all();
    let src = src.contiguous();
    match base.dtype() {
        DType::F32 => add_floats::<f32>(&mut base, ids, &src, [size, inner]),
        DType::F64 => add_floats::<f64>(&mut base, ids, &src, [size, inner]),
        _ => match_dtype!(base.dtype(), T => {
            let from = src.as_slice::<T>().expect("contiguous");
            add_rows(base.make_mut::<T>(), ids, from, [size, inner], &|to, row| {
                to.iter_mut().zip(row).for_each(|(y, &v)| *y = add(*y, v));
            });
        }),
    }
    Ok(base)
}

fn add_floats<T: Float + Element>(base: &mut Tensor, ids: &[i64], src: &Tensor, dims: [usize; 2]) {
    let (level, from) = (simd::level(), src.as_slice::<T>().expect("contiguous"));
    add_rows(base.make_mut::<T>(), ids, from, dims, &|to, row| {
        simd::zip_in_place_left(level, &Fold::Sum, to, row);
    });
}

/// Adds rows of `inner` elements of `from` at `ids` among `size` rows of `to`, in their order, by `add`.
/// A task has a part of the rows of `to`, and looks for the ids that fall there.
fn add_rows<T: Element>(
    to: &mut [T],
    ids: &[i64],
    from: &[T],
    [size, inner]: [usize; 2],
    add: &(dyn Fn(&mut [T], &[T]) + Sync),
) {
    if from.is_empty() {
        return;
    }
    // Half a dozen tasks where there is work for them, none across two blocks of the outer axes.
    let share = size.div_ceil(if from.len() > 8 * GRAIN { 6 } else { 1 });
    let mut parts: Vec<(usize, usize, &mut [T])> = Vec::new();
    for (outer, block) in to.chunks_exact_mut(size * inner).enumerate() {
        let rows = block.chunks_mut(share * inner).enumerate();
        parts.extend(rows.map(|(i, part)| (outer, i * share, part)));
    }
    threads::parallel_chunks(&mut parts, 1, |_, part| {
        let (outer, first, to) = &mut part[0];
        let from = &from[*outer * ids.len() * inner..][..ids.len() * inner];
        for (&id, row) in ids.iter().zip(from.chunks_exact(inner)) {
            let id = id as usize;
            let at = id.wrapping_sub(*first).wrapping_mul(inner);
            if id >= *first && at < to.len() {
                add(&mut to[at..at + inner], row);
            }
        }
    });
}

/// A sum in the element's own arithmetic: floats add, integers wrap, bool is "or".
fn add<T: Element>(a: T, b: T) -> T {
    if T::DTYPE == DType::F64 || T::DTYPE == DType::F32 {
        // For f32 the sum of two in f64, rounded once, is the f32 sum.
        T::from_f64(a.to_f64() + b.to_f64())
    } else {
        T::from_i64(a.to_i64().wrapping_add(b.to_i64()))
    }
}

/// How elements that meet in one place combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meet {
    /// The last one stays.
    Set,
    /// Their product, with what was there.
    Prod,
    /// The extreme of them and of what was there; NaN wins.
    Extreme(Extreme),
}

/// `base` with each `src[i][j]` met at `[index[i][j]][j]`; `src` has the shape of `index`.
///
/// # Errors
/// When an index is outside the axis.
pub fn scatter(
    how: Meet,
    mut base: Tensor,
    axis: usize,
    index: &Tensor,
    src: &Tensor,
) -> Result<Tensor> {
    let places = places("scatter", base.shape(), axis, index)?;
    match_dtype!(base.dtype(), T => {
        let from = src.to_vec::<T>()?;
        let to = base.make_mut::<T>();
        for (&p, &v) in places.iter().zip(&from) {
            to[p] = meet(how, to[p], v);
        }
    });
    Ok(base)
}

#[allow(clippy::eq_op, reason = "x != x is how a generic float says NaN")]
fn meet<T: Element>(how: Meet, old: T, new: T) -> T {
    let keep_if = |further: bool| if further || old != old { old } else { new };
    match how {
        Meet::Set => new,
        Meet::Prod if T::DTYPE.is_float() => T::from_f64(old.to_f64() * new.to_f64()),
        Meet::Prod => T::from_i64(old.to_i64().wrapping_mul(new.to_i64())),
        Meet::Extreme(Extreme::Max) => keep_if(old > new),
        Meet::Extreme(Extreme::Min) => keep_if(old < new),
    }
}
