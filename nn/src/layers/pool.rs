//! Pooling layers.

use lepton_autograd::{AvgPoolOptions, MaxPoolOptions, Var};

use crate::module;
use crate::module::Module;

/// The largest element of each window of images `[n, c, h, w]`.
///
/// ```
/// use lepton_autograd::{MaxPoolOptions, Var};
/// use lepton_nn::{MaxPool2d, Module};
/// let x = Var::new(&[1.0f32, 5.0, 3.0, 2.0], &[1, 1, 2, 2]);
/// let y = MaxPool2d::new(2, MaxPoolOptions::default()).forward(&x);
/// assert_eq!(y.to_vec::<f32>().unwrap(), [5.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d {
    kernel: usize,
    options: MaxPoolOptions,
}

/// The mean of each window of images `[n, c, h, w]`.
///
/// ```
/// use lepton_autograd::{AvgPoolOptions, Var};
/// use lepton_nn::{AvgPool2d, Module};
/// let x = Var::new(&[1.0f32, 5.0, 3.0, 3.0], &[1, 1, 2, 2]);
/// let y = AvgPool2d::new(2, AvgPoolOptions::default()).forward(&x);
/// assert_eq!(y.to_vec::<f32>().unwrap(), [3.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    kernel: usize,
    options: AvgPoolOptions,
}

module!(MaxPool2d {} plain { kernel, options });
module!(AvgPool2d {} plain { kernel, options });

impl MaxPool2d {
    /// A layer with a square window.
    pub fn new(kernel: usize, options: MaxPoolOptions) -> MaxPool2d {
        MaxPool2d { kernel, options }
    }
}

impl AvgPool2d {
    /// A layer with a square window.
    pub fn new(kernel: usize, options: AvgPoolOptions) -> AvgPool2d {
        AvgPool2d { kernel, options }
    }
}

impl Module for MaxPool2d {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.max_pool2d([self.kernel; 2], self.options)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}

impl Module for AvgPool2d {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.avg_pool2d([self.kernel; 2], self.options)
    }
    fn boxed(&self) -> Box<dyn Module> {
        Box::new(*self)
    }
}
