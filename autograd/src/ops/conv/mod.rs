//! Two-dimensional convolution and what it is made of.
//!
//! Convolution is linear in its images and linear in its weights. So there are three products,
//! [`Conv2dOp`] of images and weights, [`Conv2dInput`] of results and weights and [`Conv2dWeight`]
//! of images and results, and the derivative of each is the two others: gradients of any order stay
//! among them.

mod bilinear;
mod input;
mod plain;
mod product;
mod weight;
mod windows;

use lepton_tensor::ops::Window;
use lepton_tensor::{Error, Meta, Result};
use smallvec::smallvec;

use crate::engine::attrs::{Attrs, Field};
use crate::engine::op::{Cost, Ins};
use crate::engine::var::Var;
pub use bilinear::{Conv2dInput, Conv2dOp, Conv2dWeight};
pub use windows::{Fold2d, Unfold2d};

/// The ops of this room.
pub(crate) fn catalogue() -> Vec<crate::Entry> {
    [
        input::catalogue(),
        product::catalogue(),
        weight::catalogue(),
        windows::catalogue(),
    ]
    .concat()
}

impl Field for Window {
    fn put(&self, _: &str, attrs: Attrs) -> Attrs {
        attrs
            .ints("kernel", &self.kernel)
            .ints("stride", &self.stride)
            .ints("padding", &self.padding)
            .ints("dilation", &self.dilation)
    }

    fn take(_: &str, attrs: &Attrs) -> Result<Window> {
        Ok(Window {
            kernel: attrs.get_pair("kernel")?,
            stride: attrs.get_pair("stride")?,
            padding: attrs.get_pair("padding")?,
            dilation: attrs.get_pair("dilation")?,
        })
    }
}

/// The output size of a window over an image, or why there is none.
pub(super) fn output(what: &str, w: &Window, x: &Meta) -> Result<[usize; 2]> {
    x.dtype.want_float(what)?;
    let [_, _, h, wd] = x.shape[..] else {
        return Err(Error::shape(format!(
            "{what}: wants [batch, channels, height, width], got {:?}",
            x.shape
        )));
    };
    w.output([h, wd]).ok_or_else(|| {
        Error::shape(format!(
            "{what}: a window of {:?} by {:?}, dilated {:?}, does not fit an image of [{h}, {wd}] with padding {:?}",
            w.kernel, w.stride, w.dilation, w.padding
        ))
    })
}

/// The batch of `vmap` and the images' own as one axis, and back.
pub(crate) fn join_batch(x: &Var) -> Var {
    let s = x.shape();
    x.reshape(&[&[s[0] * s[1]], &s[2..]].concat())
}

pub(crate) fn split_batch(y: &Var, [n, images]: [usize; 2]) -> Var {
    y.reshape(&[&[n, images], &y.shape()[1..]].concat())
}

/// Images `[batch, n, c, h, w]` of several examples as `[n, batch * c, h, w]`: each example a group
/// of channels.
fn examples_as_groups(x: &Var) -> Var {
    let s = x.shape();
    x.permute(&[1, 0, 2, 3, 4])
        .reshape(&[s[1], s[0] * s[2], s[3], s[4]])
}

/// The way back from [`examples_as_groups`], for a batch of `n`.
fn groups_as_examples(y: &Var, n: usize) -> Var {
    let s = y.shape();
    y.reshape(&[s[0], n, s[1] / n, s[2], s[3]])
        .permute(&[1, 0, 2, 3, 4])
}

/// Products of `taps` weights for each element of `y`.
fn cost(x: &[&Meta], out: &[Meta], weight: &Meta, y: &Meta) -> Cost {
    let taps = weight.shape[1..].iter().product::<usize>() as u64;
    let bytes = |m: &Meta| (m.numel() * m.dtype.size()) as u64;
    Cost {
        flops: 2 * taps * y.numel() as u64,
        bytes: x.iter().map(|m| bytes(m)).sum::<u64>() + out.iter().map(bytes).sum::<u64>(),
    }
}

/// The sum of two tangents of which one may be missing.
fn both(left: Option<Var>, right: Option<Var>) -> Option<Var> {
    match (left, right) {
        (Some(l), Some(r)) => Some(l + r),
        (l, r) => l.or(r),
    }
}

/// How a convolution walks; the default is stride 1, no padding, no dilation, one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Steps between windows.
    pub stride: [usize; 2],
    /// Zeros around the image.
    pub padding: [usize; 2],
    /// Distance of neighbours in a window.
    pub dilation: [usize; 2],
    /// Groups of channels that do not mix.
    pub groups: usize,
}

impl Default for ConvOptions {
    fn default() -> ConvOptions {
        ConvOptions {
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
        }
    }
}

impl Var {
    /// Cross-correlation of images `[n, c, h, w]` with `weight [k, c / groups, rows, columns]`, plus
    /// `bias [k]`: PyTorch's `conv2d`.
    ///
    /// ```
    /// use lepton_autograd::{ConvOptions, DType, Device, Var};
    /// let x = Var::ones(&[1, 1, 3, 3], DType::F32, Device::Cpu);
    /// let w = Var::ones(&[1, 1, 2, 2], DType::F32, Device::Cpu);
    /// let y = x.conv2d(&w, None, ConvOptions::default());
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [4.0; 4]);
    /// ```
    ///
    /// # Panics
    /// When the weights or the bias do not fit the channels, or no window fits the image.
    #[track_caller]
    pub fn conv2d(&self, weight: &Var, bias: Option<&Var>, options: ConvOptions) -> Var {
        assert!(
            weight.rank() == 4,
            "conv2d: weights have shape {:?}; they are [out, in / groups, rows, columns]",
            weight.shape()
        );
        let op = Conv2dOp {
            window: Window {
                kernel: [weight.shape()[2], weight.shape()[3]],
                stride: options.stride,
                padding: options.padding,
                dilation: options.dilation,
            },
            groups: options.groups,
        };
        let mut x: Ins<Var> = smallvec![self.clone(), weight.clone()];
        x.extend(bias.cloned());
        crate::engine::apply::one(op, x)
    }
}
