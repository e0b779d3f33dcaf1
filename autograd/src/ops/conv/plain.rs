//! Convolution by its definition, for the cases of its three products.

use lepton_tensor::Tensor;
use lepton_tensor::ops::Window;
use lepton_tensor::random::Rng;

use crate::engine::case::floats;

/// Images, weights and a gradient of their convolution.
pub(super) struct Plain {
    pub(super) window: Window,
    pub(super) groups: usize,
    pub(super) x: Tensor,
    pub(super) w: Tensor,
    pub(super) g: Tensor,
}

/// Three convolutions that differ in everything.
pub(super) fn examples(rng: &mut Rng) -> Vec<Plain> {
    let mut example = |x: [usize; 4], k: usize, groups: usize, window: [[usize; 2]; 4]| {
        let [kernel, stride, padding, dilation] = window;
        let window = Window {
            kernel,
            stride,
            padding,
            dilation,
        };
        let [oh, ow] = window.output([x[2], x[3]]).expect("it fits");
        Plain {
            window,
            groups,
            x: floats(rng, &x, -1.0, 1.0),
            w: floats(rng, &[k, x[1] / groups, kernel[0], kernel[1]], -1.0, 1.0),
            g: floats(rng, &[x[0], k, oh, ow], -1.0, 1.0),
        }
    };
    vec![
        example([2, 2, 4, 5], 4, 2, [[2, 3], [1, 2], [1, 1], [1, 1]]),
        example([1, 3, 3, 3], 2, 1, [[1, 1], [1, 1], [0, 0], [1, 1]]),
        example([1, 2, 5, 4], 2, 2, [[2, 2], [2, 1], [0, 1], [2, 1]]),
    ]
}

impl Plain {
    /// Calls `f` with the offsets, in result, images and weights, of each product that is added.
    fn products(&self, mut f: impl FnMut(usize, usize, usize)) {
        let ([_, c, h, wd], [k, cg, kh, kw]) = (dims(&self.x), dims(&self.w));
        let [_, _, oh, ow] = dims(&self.g);
        let win = &self.window;
        for y in 0..self.g.numel() {
            let (image, out, r, col) = (y / (k * oh * ow), y / (oh * ow) % k, y / ow % oh, y % ow);
            for tap in 0..cg * kh * kw {
                let (ci, a, b) = (tap / (kh * kw), tap / kw % kh, tap % kw);
                let channel = out / (k / self.groups) * cg + ci;
                let row = (r * win.stride[0] + a * win.dilation[0]).wrapping_sub(win.padding[0]);
                let column =
                    (col * win.stride[1] + b * win.dilation[1]).wrapping_sub(win.padding[1]);
                if row < h && column < wd {
                    let x = ((image * c + channel) * h + row) * wd + column;
                    f(y, x, out * cg * kh * kw + tap);
                }
            }
        }
    }

    /// The result; images from the gradient; weights from the gradient.
    pub(super) fn wanted(&self) -> [Tensor; 3] {
        let [x, w, g] = [&self.x, &self.w, &self.g].map(Tensor::to_f64);
        let (mut y, mut gx, mut gw) = (vec![0.0; g.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        self.products(|iy, ix, iw| {
            y[iy] += x[ix] * w[iw];
            gx[ix] += g[iy] * w[iw];
            gw[iw] += g[iy] * x[ix];
        });
        [(y, &self.g), (gx, &self.x), (gw, &self.w)]
            .map(|(v, like)| Tensor::from_vec(v, like.shape()).expect("as many"))
    }
}

fn dims(x: &Tensor) -> [usize; 4] {
    x.shape().try_into().expect("four axes")
}
