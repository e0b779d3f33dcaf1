//! Pooling over two-dimensional windows, by PyTorch's rules.

mod average;
mod max;
mod plain;
mod window;

use lepton_tensor::Tensor;
use lepton_tensor::ops::{Divisor, Pool, Window};
use smallvec::smallvec;

use crate::engine::var::Var;
pub use average::{AvgPool2dBack, AvgPool2dOp};
pub use max::{MaxPool2dBack, MaxPool2dOp, MaxPool2dPick};

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [average::catalogue(), max::catalogue()].concat()
}

/// How a pool of the largest elements walks; the default is windows side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPoolOptions {
    /// Steps between windows; the window's own size where it is not given.
    pub stride: Option<[usize; 2]>,
    /// Places around the image, which never win.
    pub padding: [usize; 2],
    /// Distance of neighbours in a window.
    pub dilation: [usize; 2],
    /// Whether a last window that reaches beyond the padding counts.
    pub ceil: bool,
}

impl Default for MaxPoolOptions {
    fn default() -> MaxPoolOptions {
        MaxPoolOptions {
            stride: None,
            padding: [0, 0],
            dilation: [1, 1],
            ceil: false,
        }
    }
}

/// How a pool of means walks; the default is windows side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPoolOptions {
    /// Steps between windows; the window's own size where it is not given.
    pub stride: Option<[usize; 2]>,
    /// Zeros around the image.
    pub padding: [usize; 2],
    /// Whether a last window that reaches beyond the padding counts.
    pub ceil: bool,
    /// What sums are divided by.
    pub divisor: Divisor,
}

impl Default for AvgPoolOptions {
    fn default() -> AvgPoolOptions {
        AvgPoolOptions {
            stride: None,
            padding: [0, 0],
            ceil: false,
            divisor: Divisor::Padded,
        }
    }
}

impl MaxPoolOptions {
    fn pool(&self, kernel: [usize; 2]) -> Pool {
        Pool {
            window: Window {
                kernel,
                stride: self.stride.unwrap_or(kernel),
                padding: self.padding,
                dilation: self.dilation,
            },
            ceil: self.ceil,
        }
    }
}

impl Var {
    /// The largest element of each window of images `[n, c, h, w]`: PyTorch's `max_pool2d`. NaN wins;
    /// the gradient goes to the first of equals.
    ///
    /// ```
    /// use lepton_autograd::{MaxPoolOptions, Var};
    /// let x = Var::new(&[1.0f32, 5.0, 3.0, 2.0], &[1, 1, 2, 2]);
    /// let y = x.max_pool2d([2, 2], MaxPoolOptions::default());
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [5.0]);
    /// ```
    ///
    /// # Panics
    /// When no window fits the image, or the padding is more than half a window.
    #[track_caller]
    pub fn max_pool2d(&self, kernel: [usize; 2], options: MaxPoolOptions) -> Var {
        let pool = options.pool(kernel);
        crate::engine::apply::one(MaxPool2dOp { pool }, smallvec![self.clone()])
    }

    /// The largest elements as [`Var::max_pool2d`] gives them, and where each stands in its image, row
    /// after row, as i64.
    ///
    /// ```
    /// use lepton_autograd::{MaxPoolOptions, Var};
    /// let x = Var::new(&[1.0f32, 5.0, 3.0, 2.0], &[1, 1, 2, 2]);
    /// let (_, places) = x.max_pool2d_with_indices([2, 2], MaxPoolOptions::default());
    /// assert_eq!(places.to_vec::<i64>().unwrap(), [1]);
    /// ```
    ///
    /// # Panics
    /// As [`Var::max_pool2d`].
    #[track_caller]
    pub fn max_pool2d_with_indices(
        &self,
        kernel: [usize; 2],
        options: MaxPoolOptions,
    ) -> (Var, Var) {
        let values = self.max_pool2d(kernel, options);
        let (h, w) = (self.shape()[2], self.shape()[3]);
        // Whole numbers this small are exact in f64.
        let wide = self.detach().to_dtype(lepton_tensor::DType::F64);
        let numbers = Tensor::build(&[h, w], |out: &mut [f64]| {
            out.iter_mut().enumerate().for_each(|(i, y)| *y = i as f64);
        });
        let op = MaxPool2dPick {
            pool: options.pool(kernel),
        };
        let numbers = Var::from(numbers).expand(self.shape());
        let places = crate::engine::apply::one(op, smallvec![wide, numbers]);
        (values, places.to_dtype(lepton_tensor::DType::I64))
    }

    /// The mean of each window of images `[n, c, h, w]`: PyTorch's `avg_pool2d`.
    ///
    /// ```
    /// use lepton_autograd::{AvgPoolOptions, Var};
    /// let x = Var::new(&[1.0f32, 5.0, 3.0, 3.0], &[1, 1, 2, 2]);
    /// let y = x.avg_pool2d([2, 2], AvgPoolOptions::default());
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [3.0]);
    /// ```
    ///
    /// # Panics
    /// When no window fits the image, or the padding is more than half a window.
    #[track_caller]
    pub fn avg_pool2d(&self, kernel: [usize; 2], options: AvgPoolOptions) -> Var {
        let pool = Pool {
            window: Window {
                kernel,
                stride: options.stride.unwrap_or(kernel),
                padding: options.padding,
                dilation: [1, 1],
            },
            ceil: options.ceil,
        };
        let divisor = options.divisor;
        crate::engine::apply::one(AvgPool2dOp { pool, divisor }, smallvec![self.clone()])
    }
}
