//! Convolutions.

use lepton_autograd::{ConvOptions, Var};

use crate::inputs::ids;

/// Elements computed by the definition, or all where there are fewer.
const PICKED: usize = 1024;

/// `y` is the convolution of an image by a weight, plus a bias: in elements drawn at random, and
/// in the corners of the first and the last plane.
///
/// # Errors
/// When it is not.
pub fn convolution(
    [x, weight, bias]: &[Var; 3],
    options: ConvOptions,
    y: &Var,
) -> Result<(), String> {
    let [n, c, h, w] = sizes(x)?;
    let [k, depth, r, s] = sizes(weight)?;
    let [_, _, oh, ow] = sizes(y)?;
    let [x, weight, bias] = [x, weight, bias].map(|t| t.tensor().to_f64());
    let y = y.tensor().to_f64();
    let total = n * k * oh * ow;
    if y.len() != total {
        return Err(format!("{} elements instead of {total}", y.len()));
    }
    let plane = oh * ow;
    let corners = [0, ow - 1, plane - ow, plane - 1, total - plane, total - 1];
    let picked = ids(PICKED, total as u64, 99)
        .into_iter()
        .map(|i| i as usize);
    for at in corners.into_iter().chain(picked) {
        let (image, out) = (at / (k * plane), at / plane % k);
        let (i, j) = (at / ow % oh, at % ow);
        let first = out / (k / options.groups) * depth;
        let mut want = bias[out];
        for (channel, p, q) in taps(depth, r, s) {
            // Padding shifts the window; what lies outside the image is zero.
            let row = (i * options.stride[0] + p).wrapping_sub(options.padding[0]);
            let column = (j * options.stride[1] + q).wrapping_sub(options.padding[1]);
            if row < h && column < w {
                let pixel = ((image * c + first + channel) * h + row) * w + column;
                want += x[pixel] * weight[((out * depth + channel) * r + p) * s + q];
            }
        }
        let tolerance = 8e-6 * (1.0 + ((depth * r * s) as f64).sqrt());
        super::near(y[at], want, tolerance, || format!("element {at}"))?;
    }
    Ok(())
}

fn taps(depth: usize, r: usize, s: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..depth * r * s).map(move |i| (i / (r * s), i / s % r, i % s))
}

fn sizes(x: &Var) -> Result<[usize; 4], String> {
    let shape = x.shape();
    shape
        .try_into()
        .map_err(|_| format!("shape {shape:?} instead of four axes"))
}
