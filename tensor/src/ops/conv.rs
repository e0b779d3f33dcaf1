//! Two-dimensional convolution and its two transposes.

use crate::dtype::Element;
use crate::kernel::conv::{Axis, Correlation, WeightGradient, Weights, correlate, weight_gradient};
use crate::kernel::gemm::MatMut;
use crate::kernel::window::Window;
use crate::simd::{self, Float};
use crate::{Tensor, match_dtype};

/// Sizes that the three products share.
struct Sizes {
    /// Images.
    n: usize,
    /// Input channels of a group.
    inputs: usize,
    /// Output channels of a group.
    outputs: usize,
    /// Height and width of an image.
    image: [usize; 2],
    /// Rows and columns of outputs.
    out: [usize; 2],
}

impl Sizes {
    /// The sizes for weights `w` and images of size `image`.
    fn new(n: usize, w: &Tensor, groups: usize, image: [usize; 2], window: &Window) -> Sizes {
        Sizes {
            n,
            inputs: w.shape()[1],
            outputs: w.shape()[0] / groups,
            image,
            out: window
                .output(image)
                .expect("the shape rule saw that a window fits"),
        }
    }
}

/// The window along `axis`, as the kernels take it.
fn along(w: &Window, axis: usize) -> [usize; 4] {
    [
        w.kernel[axis],
        w.stride[axis],
        w.padding[axis],
        w.dilation[axis],
    ]
}

/// The four axes of `x`.
fn dims(x: &Tensor) -> [usize; 4] {
    x.shape().try_into().expect("an image has four axes")
}

/// Cross-correlation of `x [n, c, h, w]` with `w [k, c / groups, rows, columns]`, plus `bias [k]`.
///
/// ```
/// use lepton_tensor::ops::{Window, conv2d};
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_vec((1..=9).map(|v| v as f32).collect(), &[1, 1, 3, 3])?;
/// let w = Tensor::from_vec(vec![1.0f32, 0.0, 0.0, -1.0], &[1, 1, 2, 2])?;
/// let window = Window { kernel: [2, 2], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
/// // Each element less its neighbour below and to the right.
/// assert_eq!(conv2d(&x, &w, None, &window, 1).to_f64(), [-4.0; 4]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn conv2d(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    window: &Window,
    groups: usize,
) -> Tensor {
    let bias = bias.map(Tensor::contiguous);
    let (x, w) = (x.contiguous(), w.contiguous());
    match_dtype!(float x.dtype(), T => forward::<T>(&x, &w, bias.as_ref(), window, groups))
}

/// [`conv2d`] of contiguous tensors.
fn forward<T: Element + Float>(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    window: &Window,
    groups: usize,
) -> Tensor {
    let [n, _, height, width] = dims(x);
    let s = Sizes::new(n, w, groups, [height, width], window);
    let axes = [0, 1].map(|a| Axis::forward(s.image[a], s.out[a], along(window, a)));
    let taps = window.kernel[0] * window.kernel[1];
    let job = Correlation {
        x: x.as_slice::<T>().expect("contiguous"),
        images: n,
        groups,
        inputs: s.inputs,
        outputs: s.outputs,
        weights: Weights {
            data: w.as_slice::<T>().expect("contiguous"),
            group: s.outputs * s.inputs * taps,
            out: s.inputs * taps,
            input: taps,
        },
        taps: [window.kernel[1], 1],
        axes: [&axes[0], &axes[1]],
        bias: bias.map(|b| b.as_slice::<T>().expect("contiguous")),
    };
    let shape = [n, s.outputs * groups, s.out[0], s.out[1]];
    Tensor::build(&shape, |out: &mut [T]| {
        let out = MatMut::rows_of(out, [shape[0] * shape[1], shape[2] * shape[3]]);
        correlate(simd::level(), &job, out, shape[3]);
    })
}

/// The transpose of [`conv2d`] in its images: from `g [n, k, oh, ow]` back to images of `size`.
///
/// ```
/// use lepton_tensor::ops::{Window, conv2d_input_backward};
/// use lepton_tensor::Tensor;
/// let g = Tensor::from_vec(vec![1.0f32, 10.0], &[1, 1, 1, 2])?;
/// let w = Tensor::from_vec(vec![1.0f32, 2.0], &[1, 1, 1, 2])?;
/// let window = Window { kernel: [1, 2], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
/// let dx = conv2d_input_backward(&g, &w, &window, 1, [1, 3]);
/// assert_eq!(dx.to_f64(), [1.0, 12.0, 20.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn conv2d_input_backward(
    g: &Tensor,
    w: &Tensor,
    window: &Window,
    groups: usize,
    size: [usize; 2],
) -> Tensor {
    let (g, w) = (g.contiguous(), w.contiguous());
    match_dtype!(float g.dtype(), T => back::<T>(&g, &w, window, groups, size))
}

/// [`conv2d_input_backward`] of contiguous tensors: one correlation for each phase of the strides.
fn back<T: Element + Float>(
    g: &Tensor,
    w: &Tensor,
    window: &Window,
    groups: usize,
    size: [usize; 2],
) -> Tensor {
    let s = Sizes::new(g.shape()[0], w, groups, size, window);
    let axes = [0, 1].map(|a| Axis::back(size[a], s.out[a], along(window, a)));
    let taps = window.kernel[0] * window.kernel[1];
    let shape = [s.n, s.inputs * groups, size[0], size[1]];
    Tensor::build(&shape, |out: &mut [T]| {
        for down in &axes[0] {
            for across in &axes[1] {
                let job = Correlation {
                    x: g.as_slice::<T>().expect("contiguous"),
                    images: s.n,
                    groups,
                    inputs: s.outputs,
                    outputs: s.inputs,
                    weights: Weights {
                        data: w.as_slice::<T>().expect("contiguous"),
                        group: s.outputs * s.inputs * taps,
                        out: taps,
                        input: s.inputs * taps,
                    },
                    taps: [window.kernel[1], 1],
                    axes: [down, across],
                    bias: None,
                };
                let out = MatMut::rows_of(out, [shape[0] * shape[1], size[0] * size[1]]);
                correlate(simd::level(), &job, out, size[1]);
            }
        }
    })
}

/// The transpose of [`conv2d`] in its weights: `[k, c / groups, rows, columns]` from images
/// `x [n, c, h, w]` and `g [n, k, oh, ow]`.
///
/// ```
/// use lepton_tensor::ops::{Window, conv2d_weight_backward};
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0], &[1, 1, 1, 3])?;
/// let g = Tensor::from_vec(vec![1.0f32, 10.0], &[1, 1, 1, 2])?;
/// let window = Window { kernel: [1, 2], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
/// assert_eq!(conv2d_weight_backward(&x, &g, &window, 1).to_f64(), [21.0, 32.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn conv2d_weight_backward(x: &Tensor, g: &Tensor, window: &Window, groups: usize) -> Tensor {
    let (x, g) = (x.contiguous(), g.contiguous());
    match_dtype!(float x.dtype(), T => weight::<T>(&x, &g, window, groups))
}

/// [`conv2d_weight_backward`] of contiguous tensors.
fn weight<T: Element + Float>(x: &Tensor, g: &Tensor, window: &Window, groups: usize) -> Tensor {
    let ([n, c, height, width], [_, k, oh, ow]) = (dims(x), dims(g));
    let axes = [(height, oh), (width, ow)];
    let axes = [0, 1].map(|a| Axis::forward(axes[a].0, axes[a].1, along(window, a)));
    let job = WeightGradient {
        x: x.as_slice::<T>().expect("contiguous"),
        g: g.as_slice::<T>().expect("contiguous"),
        images: n,
        groups,
        inputs: c / groups,
        outputs: k / groups,
        axes: [&axes[0], &axes[1]],
    };
    let shape = [k, c / groups, window.kernel[0], window.kernel[1]];
    Tensor::build(&shape, |out: &mut [T]| {
        weight_gradient(simd::level(), &job, out);
    })
}
