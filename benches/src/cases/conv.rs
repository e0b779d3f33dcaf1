//! Convolutions and pooling, forward.

use lepton_autograd::{ConvOptions, Var};

use crate::check;
use crate::inputs::tensor;
use crate::modules::max_pool2;
use crate::{Case, Id, Work};

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

    fn id(self) -> Id {
        let op = format!("conv{0}x{0}", self.r);
        let layout = match (self.stride, self.pad, self.groups) {
            (s, p, 1) => format!("nchw-s{s}p{p}"),
            (s, p, g) => format!("nchw-s{s}p{p}g{g}"),
        };
        Id::new(
            &op,
            "f32",
            &[self.n, self.c, self.h, self.w, self.k],
            &layout,
        )
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
        let kept = [x.clone(), weight.clone(), bias.clone()];
        let check = move |y: &Var| check::convolution(&kept, options, y);
        (move || x.conv2d(&weight, Some(&bias), options), check)
    };
    let result = s.n * s.k * oh * ow;
    let flops = 2.0 * result as f64 * taps as f64;
    let bytes = 4.0 * (s.n * s.c * s.h * s.w + s.k * (taps + 1) + result) as f64;
    Case::new(name, s.id(), Work::flops(flops, bytes), start)
}

fn pool() -> Case {
    let shape = [16, 64, 56, 56];
    let start = move || {
        let x = tensor(&shape, 1);
        let kept = x.clone();
        let check = move |y: &Var| {
            let x = kept.tensor().to_f64();
            let [h, w] = [shape[2] / 2, shape[3] / 2];
            let corner = |i: usize| (i / w * 2) * (2 * w) + i % w * 2;
            let square = |i: usize| [0, 1, 2 * w, 2 * w + 1].map(|d| x[corner(i) + d]);
            let largest = |i: usize| square(i).into_iter().fold(f64::MIN, f64::max);
            check::close(y, (0..shape[0] * shape[1] * h * w).map(largest), 0.0)
        };
        (move || max_pool2(&x), check)
    };
    let elements = shape.iter().product::<usize>() as f64;
    let id = Id::new("max_pool2x2", "f32", &shape, "nchw");
    let work = Work::bytes(5.0 * elements, 0.75 * elements);
    Case::new("max_pool2d", id, work, start)
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
