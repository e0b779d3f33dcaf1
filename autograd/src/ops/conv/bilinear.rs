//! The three products of a convolution as values: the derivative of each is the two others.

use lepton_tensor::ops::Window;
use smallvec::smallvec;

use crate::engine::apply::one;
use crate::engine::var::Var;

/// Cross-correlation of `x [n, c, h, w]` with `w [k, c / groups, rows, columns]`, plus `b [k]` where
/// it is given: PyTorch's `conv2d`.
#[derive(Clone, Debug)]
pub struct Conv2dOp {
    /// The window; its kernel is that of the weights.
    pub window: Window,
    /// Groups of channels that do not mix.
    pub groups: usize,
}

impl Conv2dOp {
    pub(super) fn of(&self, x: &Var, w: &Var) -> Var {
        one(self.clone(), smallvec![x.clone(), w.clone()])
    }
}

/// The gradient of a convolution in its images, `[n, c, h, w]`, from that of its result,
/// `g [n, k, oh, ow]`, and the weights `w [k, c / groups, rows, columns]`.
#[derive(Clone, Debug)]
pub struct Conv2dInput {
    /// The convolution's window.
    pub window: Window,
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Height and width of the images.
    pub size: [usize; 2],
}

impl Conv2dInput {
    pub(super) fn of(&self, g: &Var, w: &Var) -> Var {
        one(self.clone(), smallvec![g.clone(), w.clone()])
    }
}

/// The gradient of a convolution in its weights, `[k, c / groups, rows, columns]`, from its images
/// `x [n, c, h, w]` and the gradient of its result, `g [n, k, oh, ow]`.
#[derive(Clone, Debug)]
pub struct Conv2dWeight {
    /// The convolution's window.
    pub window: Window,
    /// Groups of channels that do not mix.
    pub groups: usize,
}

impl Conv2dWeight {
    pub(super) fn of(&self, x: &Var, g: &Var) -> Var {
        one(self.clone(), smallvec![x.clone(), g.clone()])
    }
}
