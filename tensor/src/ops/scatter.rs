//! Writing and adding at indices, in the order of the elements.

use super::gather::places_of;
use crate::dtype::Element;
use crate::kernel::index::{ScatterReduce, add, add_rows, check_positions, combine};
use crate::simd::{self, Float, SumBody};
use crate::{DType, Result, Tensor, match_dtype};

/// `base` with each `src[i][j]` added at `[index[i][j]][j]`: PyTorch's `scatter_add`.
///
/// ```
/// use lepton_tensor::{DType, Device, Tensor, ops};
/// let base = Tensor::zeros(&[3], DType::F32, Device::Cpu)?;
/// let index = Tensor::from_vec(vec![2i64, 2, 0], &[3])?;
/// let src = Tensor::from_vec(vec![1.0f32, 10.0, 5.0], &[3])?;
/// assert_eq!(ops::scatter_add(base, 0, &index, &src)?.to_f64(), [5.0, 0.0, 11.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When an index is outside the axis.
pub fn scatter_add(mut base: Tensor, axis: usize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
    let places = places_of("scatter_add", base.shape(), axis, index)?;
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

/// `base` with rows of `src` added along `axis` at `index`: the adjoint of [`super::take`].
///
/// ```
/// use lepton_tensor::{DType, Device, Tensor, ops};
/// let base = Tensor::zeros(&[2, 2], DType::F32, Device::Cpu)?;
/// let index = Tensor::from_vec(vec![1i64, 1], &[2])?;
/// let src = Tensor::from_vec(vec![1.0f32, 2.0, 10.0, 20.0], &[2, 2])?;
/// assert_eq!(ops::index_add(base, 0, &index, &src)?.to_f64(), [0.0, 0.0, 11.0, 22.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When an index is outside the axis.
pub fn index_add(mut base: Tensor, axis: usize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
    let (size, inner) = (
        base.shape()[axis],
        base.shape()[axis + 1..].iter().product::<usize>(),
    );
    let index = super::cast(index, DType::I64).contiguous();
    let ids = index.as_slice::<i64>().expect("contiguous");
    check_positions("index_add", ids, size)?;
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

/// [`index_add`] for floats, whose rows are added by vectors.
fn add_floats<T: Float + Element>(base: &mut Tensor, ids: &[i64], src: &Tensor, dims: [usize; 2]) {
    let (level, from) = (simd::level(), src.as_slice::<T>().expect("contiguous"));
    add_rows(base.make_mut::<T>(), ids, from, dims, &|to, row| {
        simd::zip_in_place_left(level, &SumBody, to, row);
    });
}

/// `base` with each `src[i][j]` combined at `[index[i][j]][j]`; `src` has the shape of `index`.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// use ops::ScatterReduce;
/// let base = || Tensor::from_vec(vec![2.0f32, 2.0], &[2]);
/// let index = Tensor::from_vec(vec![0i64, 0], &[2])?;
/// let src = Tensor::from_vec(vec![3.0f32, 1.0], &[2])?;
/// let run = |how| ops::scatter(how, base()?, 0, &index, &src).map(|y| y.to_f64());
/// assert_eq!(run(ScatterReduce::Set)?, [1.0, 2.0]);
/// assert_eq!(run(ScatterReduce::Prod)?, [6.0, 2.0]);
/// assert_eq!(run(ScatterReduce::Max)?, [3.0, 2.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When an index is outside the axis.
pub fn scatter(
    how: ScatterReduce,
    mut base: Tensor,
    axis: usize,
    index: &Tensor,
    src: &Tensor,
) -> Result<Tensor> {
    let places = places_of("scatter", base.shape(), axis, index)?;
    match_dtype!(base.dtype(), T => {
        let from = src.to_vec::<T>()?;
        let to = base.make_mut::<T>();
        for (&p, &v) in places.iter().zip(&from) {
            to[p] = combine(how, to[p], v);
        }
    });
    Ok(base)
}
