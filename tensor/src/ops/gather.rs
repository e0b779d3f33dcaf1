//! Reading at indices. An index outside its axis is an error, never a wild read.

use crate::kernel::index::{check_positions, copy_rows, places};
use crate::simd;
use crate::{DType, Error, Result, Tensor, match_dtype};

/// Offsets of the places that `index` names along `axis` of the contiguous `shape`.
pub(super) fn places_of(
    what: &str,
    shape: &[usize],
    axis: usize,
    index: &Tensor,
) -> Result<Vec<usize>> {
    let ids = super::cast(index, DType::I64).to_vec::<i64>()?;
    places(what, shape, axis, &ids, index.shape())
}

/// `out[i][j] = x[index[i][j]][j]` (for axis 0, and so on): PyTorch's `gather`.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
/// let index = Tensor::from_vec(vec![1i64, 0], &[1, 2])?;
/// assert_eq!(ops::gather(&x, 0, &index)?.to_f64(), [3.0, 2.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When an index is outside the axis.
pub fn gather(x: &Tensor, axis: usize, index: &Tensor) -> Result<Tensor> {
    let x = x.contiguous();
    let places = places_of("gather", x.shape(), axis, index)?;
    Ok(match_dtype!(x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(index.shape(), |out: &mut [T]| out.iter_mut().zip(&places).for_each(|(y, &p)| *y = src[p]))
    }))
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
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
/// let index = Tensor::from_vec(vec![1i64, 1, 0], &[3])?;
/// assert_eq!(ops::take(&x, 0, &index)?.to_f64(), [3.0, 4.0, 3.0, 4.0, 1.0, 2.0]);
/// let outside = Tensor::from_vec(vec![2i64], &[1])?;
/// assert!(ops::take(&x, 0, &outside).is_err());
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When an index is outside the axis.
pub fn take(x: &Tensor, axis: usize, index: &Tensor) -> Result<Tensor> {
    let x = x.contiguous();
    let (size, inner) = (
        x.shape()[axis],
        x.shape()[axis + 1..].iter().product::<usize>(),
    );
    let index = super::cast(index, DType::I64).contiguous();
    let ids = index.as_slice::<i64>().expect("contiguous");
    check_positions("index_select", ids, size)?;
    let mut shape: crate::Shape = x.shape().into();
    shape[axis] = ids.len();
    Ok(match_dtype!(x.dtype(), T => {
        let table = x.as_slice::<T>().expect("contiguous");
        Tensor::build(&shape, |out: &mut [T]| {
            copy_rows(simd::level(), table, ids, [size, inner], out);
        })
    }))
}
