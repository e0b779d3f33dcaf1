//! Convolutions and pooling, forward.

use lepton_autograd::ConvOptions;

use crate::inputs::tensor;
use crate::modules::max_pool2;
use crate::{Case, Work};

/// A convolution of `[n, c, h, w]` by `k` square kernels of `r`, with bias.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv {
    pub(crate) n: usize,
    pub(crate) c: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) k: usize,
    pub(crate) r: usize,
    pub(crate) stride: usize,
    pub(crate) pad: usize,
    pub(crate) groups: usize,
}

impl Conv {
    /// Rows and columns of the result; the kernel fits the padded image.
    pub(crate) fn output(self) -> [usize; 2] {
        [self.h, self.w].map(|d| (d + 2 * self.pad - self.r) / self.stride + 1)
    }
}

/// The case of one convolution.
pub(crate) fn conv(name: &str, s: Conv) -> Case {
    let [oh, ow] = s.output();
    let taps = s.c / s.groups * s.r * s.r;
    let start = move || {
        let x = tensor(&[s.n, s.c, s.h, s.w], 1);
        let weight = tensor(&[s.k, s.c / s.groups, s.r, s.r], 2);
        let bias = tensor(&[s.k], 3);
        let options = ConvOptions {
            stride: [s.stride; 2],
            padding: [s.pad; 2],
            groups: s.groups,
            ..ConvOptions::default()
        };
        move || x.conv2d(&weight, Some(&bias), options)
    };
    let flops = 2.0 * (s.n * s.k * oh * ow) as f64 * taps as f64;
    Case::new(name, Work::Flops(flops), start)
}

fn pool() -> Case {
    let shape = [16, 64, 56, 56];
    let start = move || {
        let x = tensor(&shape, 1);
        move || max_pool2(&x)
    };
    let bytes = 5.0 * shape.iter().product::<usize>() as f64;
    Case::new("max_pool2d", Work::Bytes(bytes), start)
}

pub(super) fn cases() -> Vec<Case> {
    let square = |c, size, k, r, pad, groups| Conv {
        n: 16,
        c,
        h: size,
        w: size,
        k,
        r,
        stride: 1,
        pad,
        groups,
    };
    vec![
        conv("conv3x3_64", square(64, 56, 64, 3, 1, 1)),
        conv("conv_dw128", square(128, 56, 128, 3, 1, 128)),
        conv("conv5x5_1to32", square(1, 28, 32, 5, 0, 1)),
        conv("conv1x1_256to64", square(256, 28, 64, 1, 0, 1)),
        pool(),
    ]
}
