//! More views: shapes with a size to infer, axes of one element, diagonals.

use crate::layout::{self, Shape};
use crate::{Error, Result, Tensor};

/// The shape `to`, of which one size may be -1, for the elements of `from`.
///
/// ```
/// use lepton_tensor::infer_shape;
/// assert_eq!(infer_shape("reshape", &[2, 6], &[3, -1]).unwrap()[..], [3, 4]);
/// assert!(infer_shape("reshape", &[2, 6], &[5, -1]).is_err());
/// ```
///
/// # Errors
/// When the number of elements differs, or the size to infer is not determined.
pub fn infer_shape(what: &str, from: &[usize], to: &[isize]) -> Result<Shape> {
    let fail = || {
        Error::shape(format!(
            "{what}: {from:?} does not become {to:?}; the number of elements must agree, and one size at most may be -1"
        ))
    };
    let n = layout::numel(from)?;
    let known: Shape = to
        .iter()
        .filter(|&&d| d != -1)
        .map(|&d| d.max(0) as usize)
        .collect();
    let free = to.len() - known.len();
    if free > 1 || to.iter().any(|&d| d < -1) {
        return Err(fail());
    }
    let rest = layout::numel(&known)?;
    let fits = if free == 0 {
        rest == n
    } else {
        rest > 0 && n % rest == 0
    };
    if !fits {
        return Err(fail());
    }
    Ok(to
        .iter()
        .map(|&d| if d == -1 { n / rest } else { d as usize })
        .collect())
}

impl Tensor {
    /// Fails, in the name of `what`, unless `axis` is one of `rank`.
    fn want_axis(&self, what: &str, axis: usize, rank: usize) -> Result<()> {
        layout::axis(what, axis as isize, rank).map(|_| ())
    }

    /// Without `axis` when it has one element, else unchanged.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0], &[1, 2])?;
    /// assert_eq!(x.squeeze(0)?.shape(), [2]);
    /// assert_eq!(x.squeeze(1)?.shape(), [1, 2]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn squeeze(&self, axis: usize) -> Result<Tensor> {
        self.want_axis("squeeze", axis, self.rank().max(1))?;
        if self.shape().get(axis) != Some(&1) {
            return Ok(self.clone());
        }
        let layout = self.layout();
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        shape.remove(axis);
        strides.remove(axis);
        self.as_strided(&shape, &strides, layout.offset())
    }

    /// A new axis of one element in front of `axis`.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0], &[2])?;
    /// assert_eq!(x.unsqueeze(1)?.shape(), [2, 1]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn unsqueeze(&self, axis: usize) -> Result<Tensor> {
        self.want_axis("unsqueeze", axis, self.rank() + 1)?;
        let layout = self.layout();
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        let step = shape.get(axis).map_or(1, |&d| d as isize * strides[axis]);
        shape.insert(axis, 1);
        strides.insert(axis, step);
        self.as_strided(&shape, &strides, layout.offset())
    }

    /// The elements whose index along `b` is that along `a` plus `offset`, on a new last axis.
    ///
    /// ```
    /// use lepton_tensor::{DType, ops};
    /// let x = ops::arange(0.0, 1.0, 9, DType::F32).reshape(&[3, 3])?;
    /// assert_eq!(x.diagonal(0, 0, 1)?.to_f64(), [0.0, 4.0, 8.0]);
    /// assert_eq!(x.diagonal(1, 0, 1)?.to_f64(), [1.0, 5.0]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an axis does not exist, or both are the same.
    pub fn diagonal(&self, offset: isize, a: usize, b: usize) -> Result<Tensor> {
        self.want_axis("diagonal", a, self.rank())?;
        self.want_axis("diagonal", b, self.rank())?;
        if a == b {
            return Err(Error::shape(format!(
                "diagonal: the axes are both {a}; they must differ"
            )));
        }
        let (down, right) = ((-offset).max(0) as usize, offset.max(0) as usize);
        let (rows, cols) = (self.shape()[a], self.shape()[b]);
        let len = rows.saturating_sub(down).min(cols.saturating_sub(right));
        let layout = self.layout();
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        let skip = down as isize * strides[a] + right as isize * strides[b];
        let start = if len == 0 { 0 } else { skip };
        shape.push(len);
        strides.push(strides[a] + strides[b]);
        for axis in [a.max(b), a.min(b)] {
            shape.remove(axis);
            strides.remove(axis);
        }
        self.as_strided(
            &shape,
            &strides,
            (layout.offset() as isize + start) as usize,
        )
    }

    /// The same elements under another shape without a copy.
    ///
    /// ```
    /// use lepton_tensor::{DType, ops};
    /// let x = ops::arange(0.0, 1.0, 6, DType::F32).reshape(&[2, 3])?;
    /// assert_eq!(x.try_view(&[6])?.shape(), [6]);
    /// assert!(x.transpose(0, 1)?.try_view(&[6]).is_err()); // `reshape` would copy
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the number of elements differs, or the strides cannot express the shape.
    pub fn try_view(&self, shape: &[usize]) -> Result<Tensor> {
        let new = infer_shape(
            "view",
            self.shape(),
            &shape.iter().map(|&d| d as isize).collect::<Vec<_>>(),
        )?;
        let layout = self.layout().reshape(&new).ok_or_else(|| {
            Error::shape(format!(
                "view: {:?} with strides {:?} does not become {shape:?} without a copy; use reshape",
                self.shape(),
                self.strides()
            ))
        })?;
        self.as_strided(layout.shape(), layout.strides(), layout.offset())
    }
}
