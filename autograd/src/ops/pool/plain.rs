//! Pools by their definition, for the cases.

use lepton_tensor::Tensor;
use lepton_tensor::ops::{Pool, Window};

/// Pools of images of 5 by 6 that differ in everything, the last with windows beyond the padding.
pub(super) fn pools() -> [Pool; 3] {
    let pool = |kernel, stride, padding, dilation, ceil| Pool {
        window: Window {
            kernel,
            stride,
            padding,
            dilation,
        },
        ceil,
    };
    [
        pool([2, 2], [2, 2], [0, 0], [1, 1], false),
        pool([3, 2], [1, 3], [1, 1], [1, 1], false),
        pool([2, 3], [2, 2], [1, 0], [1, 1], true),
    ]
}

/// For each window, the offsets in all of `x [n, c, h, w]` that it meets.
pub(super) fn windows(pool: &Pool, x: &Tensor) -> Vec<Vec<usize>> {
    let [n, c, h, wd]: [usize; 4] = x.shape().try_into().expect("four axes");
    let w = &pool.window;
    let [oh, ow] = pool.output([h, wd]).expect("it fits");
    let window = |o: usize| {
        let (image, r, col) = (o / (oh * ow), o / ow % oh, o % ow);
        let taps = (0..w.kernel[0] * w.kernel[1]).filter_map(move |tap| {
            let [a, b] = [tap / w.kernel[1], tap % w.kernel[1]];
            let row = (r * w.stride[0] + a * w.dilation[0]).wrapping_sub(w.padding[0]);
            let column = (col * w.stride[1] + b * w.dilation[1]).wrapping_sub(w.padding[1]);
            (row < h && column < wd).then(|| (image * h + row) * wd + column)
        });
        taps.collect()
    };
    (0..n * c * oh * ow).map(window).collect()
}
