//! Views: other shapes and strides on the same storage.

use crate::layout::{self, Layout, numel};
use crate::{Error, Result, Tensor};

impl Tensor {
    /// Axes reordered: axis `i` of the result is axis `order[i]` of this tensor.
    ///
    /// ```
    /// use lepton_tensor::{DType, ops};
    /// let x = ops::arange(0.0, 1.0, 24, DType::F32).reshape(&[2, 3, 4])?;
    /// assert_eq!(x.permute(&[2, 0, 1])?.shape(), [4, 2, 3]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `order` is not a permutation of the axes.
    pub fn permute(&self, order: &[usize]) -> Result<Tensor> {
        let mut seen = vec![false; self.rank()];
        let fits = order.len() == self.rank()
            && order
                .iter()
                .all(|&a| seen.get_mut(a).is_some_and(|s| !std::mem::replace(s, true)));
        if !fits {
            return Err(Error::shape(format!(
                "permute: {order:?} is not an order of the axes of {:?}",
                self.shape()
            )));
        }
        Ok(self.view(self.layout().permute(order)))
    }

    /// Two axes swapped; negative axes count from the end.
    ///
    /// # Errors
    /// When an axis does not exist.
    pub fn transpose(&self, a: isize, b: isize) -> Result<Tensor> {
        let (a, b) = (
            layout::axis("transpose", a, self.rank())?,
            layout::axis("transpose", b, self.rank())?,
        );
        let mut order: Vec<usize> = (0..self.rank()).collect();
        order.swap(a, b);
        self.permute(&order)
    }

    /// `len` elements along `axis` from `start`, `step` apart; a negative step walks backwards.
    ///
    /// ```
    /// use lepton_tensor::{DType, ops};
    /// let x = ops::arange(0.0, 1.0, 6, DType::F32);
    /// assert_eq!(x.slice(0, 1, 3, 2)?.to_f64(), [1.0, 3.0, 5.0]);
    /// assert_eq!(x.slice(0, 5, 3, -1)?.to_f64(), [5.0, 4.0, 3.0]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an element would fall outside the axis, or `step` is 0.
    pub fn slice(&self, axis: usize, start: usize, len: usize, step: isize) -> Result<Tensor> {
        let size = *self.shape().get(axis).ok_or_else(|| {
            Error::shape(format!(
                "slice: axis {axis} is out of range for shape {:?}",
                self.shape()
            ))
        })?;
        let last = start as i128 + (len as i128 - 1) * step as i128;
        if len > 0 && (step == 0 || start >= size || last < 0 || last >= size as i128) {
            return Err(Error::index(format!(
                "slice: {len} elements from {start} by {step} leave axis {axis} of size {size}"
            )));
        }
        Ok(self.view(self.layout().slice(axis, start, len, step)))
    }

    /// Axes of size 1, and new outer ones, repeated to `shape` without copying.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let row = Tensor::from_vec(vec![1.0f32, 2.0], &[2])?;
    /// let y = row.expand(&[3, 2])?;
    /// assert_eq!(y.strides(), [0, 1]); // one row in memory
    /// assert_eq!(y.to_f64(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an axis has another size than 1 or the wanted one.
    pub fn expand(&self, shape: &[usize]) -> Result<Tensor> {
        numel(shape)?;
        let layout = self.layout().expand(shape).ok_or_else(|| {
            Error::shape(format!(
                "expand: {:?} does not broadcast to {shape:?}",
                self.shape()
            ))
        })?;
        Ok(self.view(layout))
    }

    /// The same elements in row-major order under another shape; a view when strides allow it.
    ///
    /// ```
    /// use lepton_tensor::{DType, ops};
    /// let x = ops::arange(0.0, 1.0, 6, DType::F32).reshape(&[2, 3])?;
    /// assert!(x.reshape(&[3, 2])?.shares_storage(&x));
    /// assert!(!x.transpose(0, 1)?.reshape(&[6])?.shares_storage(&x)); // a copy
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the number of elements differs.
    pub fn reshape(&self, shape: &[usize]) -> Result<Tensor> {
        if numel(shape)? != self.numel() {
            return Err(Error::shape(format!(
                "reshape: {:?} has {} elements, {shape:?} does not",
                self.shape(),
                self.numel()
            )));
        }
        match self.layout().reshape(shape) {
            Some(layout) => Ok(self.view(layout)),
            None => self.contiguous().reshape(shape),
        }
    }

    /// Sliding windows of `size` along `axis`, `step` apart, as a view with one more axis at the end.
    ///
    /// ```
    /// use lepton_tensor::{DType, ops};
    /// let x = ops::arange(0.0, 1.0, 5, DType::F32);
    /// let windows = x.unfold(0, 3, 2)?;
    /// assert_eq!(windows.shape(), [2, 3]);
    /// assert_eq!(windows.to_f64(), [0.0, 1.0, 2.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the axis is shorter than one window, or `step` is 0.
    pub fn unfold(&self, axis: usize, size: usize, step: usize) -> Result<Tensor> {
        if axis >= self.rank() || size > self.shape()[axis] || step == 0 {
            return Err(Error::shape(format!(
                "unfold: windows of {size} by {step} do not fit axis {axis} of {:?}",
                self.shape()
            )));
        }
        Ok(self.view(self.layout().unfold(axis, size, step)))
    }

    /// A view from its parts: shape, strides and offset into this tensor's storage.
    ///
    /// ```
    /// use lepton_tensor::{DType, ops};
    /// let x = ops::arange(0.0, 1.0, 4, DType::F32);
    /// assert_eq!(x.as_strided(&[2, 2], &[1, 1], 1)?.to_f64(), [1.0, 2.0, 2.0, 3.0]);
    /// assert!(x.as_strided(&[2, 2], &[2, 1], 1).is_err()); // would leave the storage
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an index inside `shape` would leave the storage.
    pub fn as_strided(&self, shape: &[usize], strides: &[isize], offset: usize) -> Result<Tensor> {
        let len = self.storage_len();
        Ok(self.view(Layout::new(shape, strides, offset, len)?))
    }
}
