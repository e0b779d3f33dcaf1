//! What a handle needs kernels for: zeros, copies and conversions.

use crate::dtype::Element;
use crate::{DType, Device, Error, Result, Tensor, ops};

impl Tensor {
    /// A tensor of zeros (`false` for bool).
    ///
    /// ```
    /// use lepton_tensor::{DType, Device, Tensor};
    /// let x = Tensor::zeros(&[2, 2], DType::I64, Device::Cpu)?;
    /// assert_eq!(x.to_vec::<i64>()?, [0; 4]);
    /// assert!(Tensor::zeros(&[2], DType::F32, Device::Cuda(0)).is_err()); // not in this build
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shape is too large, or the device cannot hold tensors in this build.
    pub fn zeros(shape: &[usize], dtype: DType, device: Device) -> Result<Tensor> {
        ops::full(shape, 0.0, dtype, device)
    }

    /// This tensor when it is contiguous, else a contiguous copy.
    pub fn contiguous(&self) -> Tensor {
        if self.is_contiguous() {
            self.clone()
        } else {
            ops::copy(self)
        }
    }

    /// The elements to write; copied first when anyone else can see them.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let mut x = Tensor::from_vec(vec![1.0f32, 2.0], &[2])?;
    /// let before = x.clone();
    /// x.make_mut::<f32>()[0] = 5.0; // copied first, as `before` shares the elements
    /// assert_eq!((x.to_f64(), before.to_f64()), (vec![5.0, 2.0], vec![1.0, 2.0]));
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Panics
    /// When `T` is not this tensor's dtype, or on the device `Meta`.
    pub fn make_mut<T: Element>(&mut self) -> &mut [T] {
        if self.try_mut::<T>().is_none() {
            let mut copy = Tensor::build(self.shape(), |out: &mut [T]| ops::copy_into(self, out));
            std::mem::swap(self, &mut copy);
        }
        self.try_mut().expect("a fresh copy has one owner")
    }

    /// The elements in row-major order.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let x = Tensor::from_vec(vec![1i32, 2, 3, 4], &[2, 2])?;
    /// assert_eq!(x.transpose(0, 1)?.to_vec::<i32>()?, [1, 3, 2, 4]);
    /// assert!(x.to_vec::<f32>().is_err()); // cast first
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `T` is not this tensor's dtype, or there are no elements (device `Meta`).
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE != self.dtype() {
            return Err(Error::dtype(format!(
                "to_vec: the tensor is {}, not {}; cast first: x.to_dtype(..)",
                self.dtype(),
                T::DTYPE
            )));
        }
        self.want_elements("to_vec")?;
        let mut out = vec![T::default(); self.numel()];
        ops::copy_into(self, &mut out);
        Ok(out)
    }

    /// The elements in row-major order, as f64 whatever the dtype.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// assert_eq!(Tensor::scalar(true).to_f64(), [1.0]);
    /// ```
    ///
    /// # Panics
    /// On the device `Meta`.
    pub fn to_f64(&self) -> Vec<f64> {
        crate::match_dtype!(self.dtype(), T => {
            self.to_vec::<T>().expect("the dtype is its own").into_iter().map(Element::to_f64).collect()
        })
    }

    /// The one element, as f64.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// assert_eq!(Tensor::scalar(3u8).item().unwrap(), 3.0);
    /// ```
    ///
    /// # Errors
    /// When there is not exactly one element, or none to read (device `Meta`).
    pub fn item(&self) -> Result<f64> {
        if self.numel() != 1 {
            return Err(Error::shape(format!(
                "item: shape {:?} has {} elements, not one",
                self.shape(),
                self.numel()
            )));
        }
        self.want_elements("item")?;
        Ok(crate::match_dtype!(self.dtype(), T => self.first::<T>().to_f64()))
    }

    /// Fails, in the name of `what`, on the device `Meta`.
    fn want_elements(&self, what: &str) -> Result<()> {
        if self.is_meta() {
            return Err(Error::unsupported(format!(
                "{what}: a tensor on the device meta has a shape but no elements"
            )));
        }
        Ok(())
    }
}
