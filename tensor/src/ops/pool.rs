//! Pooling over windows of images, and its transposes.

use crate::dtype::Element;
use crate::kernel::pool::{self, Average, Max, PoolAxis};
use crate::kernel::window::Window;
use crate::simd::{self, Float, Level};
use crate::{Tensor, match_dtype};

/// The windows of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How the window walks.
    pub window: Window,
    /// Whether a last window that reaches beyond the padding counts.
    pub ceil: bool,
}

/// What the sum of a window is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisor {
    /// The window's elements, padding included.
    Padded,
    /// The window's elements inside the image.
    Inside,
    /// This number, of either sign.
    Fixed(i64),
}

impl Pool {
    /// The number of windows along each axis of an image of `size`, or `None` when none fits.
    ///
    /// ```
    /// use lepton_tensor::ops::{Pool, Window};
    /// let window = Window { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] };
    /// assert_eq!(Pool { window, ceil: false }.output([5, 4]), Some([2, 2]));
    /// assert_eq!(Pool { window, ceil: true }.output([5, 4]), Some([3, 2]));
    /// ```
    pub fn output(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let mut out = self.window.output(size)?;
        let w = &self.window;
        for a in 0..2 {
            let (step, reach) = (w.stride[a], w.dilation[a] * (w.kernel[a] - 1) + 1);
            let end = size[a] + 2 * w.padding[a];
            // One more, unless it starts behind the image and the padding before it.
            let partial = (out[a] - 1) * step + reach < end;
            let starts = out[a] * step < size[a] + w.padding[a];
            out[a] += usize::from(self.ceil && partial && starts);
        }
        Some(out)
    }

    /// The axes of the pool over images of `size`, as the kernels take them.
    fn axes(&self, size: [usize; 2]) -> [PoolAxis; 2] {
        let w = &self.window;
        let out = self
            .output(size)
            .expect("the shape rule saw that a window fits");
        [0, 1].map(|a| PoolAxis {
            size: size[a],
            out: out[a],
            kernel: w.kernel[a],
            stride: w.stride[a],
            padding: w.padding[a],
            dilation: w.dilation[a],
        })
    }
}

impl Divisor {
    /// A number for each window of an axis; those of rows and columns are multiplied.
    fn along(self, axis: &PoolAxis, first: bool) -> Vec<f64> {
        let size = (axis.size + axis.padding) as isize;
        let of = |o: usize| {
            let start = (o * axis.stride) as isize - axis.padding as isize;
            let end = (start + axis.kernel as isize).min(size);
            match self {
                Divisor::Padded => (end - start) as f64,
                Divisor::Inside => (end.min(axis.size as isize) - start.max(0)) as f64,
                Divisor::Fixed(n) if first => n as f64,
                Divisor::Fixed(_) => 1.0,
            }
        };
        (0..axis.out).map(of).collect()
    }

    /// The divisors of rows and of columns.
    fn both(self, [r, c]: &[PoolAxis; 2]) -> [Vec<f64>; 2] {
        [self.along(r, true), self.along(c, false)]
    }
}

/// Height and width of images `[n, c, h, w]`.
fn size(x: &Tensor) -> [usize; 2] {
    [x.shape()[2], x.shape()[3]]
}

/// `n` and `c` of `x` with other heights and widths.
fn resized(x: &Tensor, size: [usize; 2]) -> [usize; 4] {
    [x.shape()[0], x.shape()[1], size[0], size[1]]
}

/// The kernel's problem: the contiguous images `x`.
fn max_of<'a, T: Element>(x: &'a Tensor, axes: [PoolAxis; 2]) -> Max<'a, T> {
    let x = x.as_slice::<T>().expect("contiguous");
    Max { x, axes }
}

/// The largest element of each window of images `[n, c, h, w]`; NaN wins.
///
/// ```
/// use lepton_tensor::ops::{Pool, Window, max_pool2d};
/// use lepton_tensor::Tensor;
/// let window = Window { kernel: [1, 2], stride: [1, 2], padding: [0, 0], dilation: [1, 1] };
/// let pool = Pool { window, ceil: false };
/// let x = Tensor::from_vec(vec![1.0f32, 5.0, 2.0, -3.0], &[1, 1, 1, 4])?;
/// assert_eq!(max_pool2d(&x, &pool).to_f64(), [5.0, 2.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn max_pool2d(x: &Tensor, pool: &Pool) -> Tensor {
    let axes = pool.axes(size(x));
    let (x, shape) = (x.contiguous(), resized(x, [axes[0].out, axes[1].out]));
    match_dtype!(float x.dtype(), T => Tensor::build(&shape, |out: &mut [T]| {
        pool::max(simd::level(), max_of(&x, axes), out);
    }))
}

/// The images' gradient from `g`, that of [`max_pool2d`]; it goes to the first of equals.
///
/// ```
/// use lepton_tensor::ops::{Pool, Window, max_pool2d_backward};
/// use lepton_tensor::Tensor;
/// let window = Window { kernel: [1, 2], stride: [1, 2], padding: [0, 0], dilation: [1, 1] };
/// let pool = Pool { window, ceil: false };
/// let x = Tensor::from_vec(vec![1.0f32, 5.0, 2.0, 2.0], &[1, 1, 1, 4])?;
/// let g = Tensor::from_vec(vec![10.0f32, 20.0], &[1, 1, 1, 2])?;
/// assert_eq!(max_pool2d_backward(&x, &g, &pool).to_f64(), [0.0, 10.0, 20.0, 0.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn max_pool2d_backward(x: &Tensor, g: &Tensor, pool: &Pool) -> Tensor {
    let axes = pool.axes(size(x));
    let (x, g) = (x.contiguous(), g.contiguous());
    match_dtype!(float x.dtype(), T => Tensor::build(x.shape(), |out: &mut [T]| {
        let g = g.as_slice::<T>().expect("contiguous");
        pool::max_backward(simd::level(), max_of(&x, axes), g, out);
    }))
}

/// The elements of `t`, images like `x`, where [`max_pool2d`] finds those of `x`.
///
/// It is the derivative of [`max_pool2d_backward`] in its gradient, which is linear in it.
///
/// ```
/// use lepton_tensor::ops::{Pool, Window, max_pool2d_double_backward};
/// use lepton_tensor::Tensor;
/// let window = Window { kernel: [1, 2], stride: [1, 2], padding: [0, 0], dilation: [1, 1] };
/// let pool = Pool { window, ceil: false };
/// let x = Tensor::from_vec(vec![1.0f32, 5.0, 2.0, 2.0], &[1, 1, 1, 4])?;
/// let t = Tensor::from_vec(vec![0.1f32, 0.2, 0.3, 0.4], &[1, 1, 1, 4])?;
/// let y = max_pool2d_double_backward(&x, &t, &pool);
/// assert_eq!(y.to_vec::<f32>()?, [0.2, 0.3]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn max_pool2d_double_backward(x: &Tensor, t: &Tensor, pool: &Pool) -> Tensor {
    let axes = pool.axes(size(x));
    let shape = resized(x, [axes[0].out, axes[1].out]);
    let (x, t) = (x.contiguous(), t.contiguous());
    match_dtype!(float x.dtype(), T => Tensor::build(&shape, |out: &mut [T]| {
        let t = t.as_slice::<T>().expect("contiguous");
        pool::max_double_backward(simd::level(), max_of(&x, axes), t, out);
    }))
}

/// The mean of each window of images `[n, c, h, w]`.
///
/// ```
/// use lepton_tensor::ops::{Divisor, Pool, Window, avg_pool2d};
/// use lepton_tensor::Tensor;
/// let window = Window { kernel: [1, 2], stride: [1, 2], padding: [0, 0], dilation: [1, 1] };
/// let pool = Pool { window, ceil: false };
/// let x = Tensor::from_vec(vec![1.0f32, 5.0, 2.0, -3.0], &[1, 1, 1, 4])?;
/// assert_eq!(avg_pool2d(&x, &pool, Divisor::Padded).to_f64(), [3.0, -0.5]);
/// assert_eq!(avg_pool2d(&x, &pool, Divisor::Fixed(1)).to_f64(), [6.0, -1.0]); // a sum
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn avg_pool2d(x: &Tensor, pool: &Pool, divisor: Divisor) -> Tensor {
    let axes = pool.axes(size(x));
    let (x, shape) = (x.contiguous(), resized(x, [axes[0].out, axes[1].out]));
    match_dtype!(float x.dtype(), T => averaged::<T>(&x, axes, divisor, &shape, pool::average))
}

/// The transpose of [`avg_pool2d`]: images of `size` from the gradient `g` of their windows' means.
///
/// ```
/// use lepton_tensor::ops::{Divisor, Pool, Window, avg_pool2d_backward};
/// use lepton_tensor::Tensor;
/// let window = Window { kernel: [1, 2], stride: [1, 2], padding: [0, 0], dilation: [1, 1] };
/// let pool = Pool { window, ceil: false };
/// let g = Tensor::from_vec(vec![1.0f32, 4.0], &[1, 1, 1, 2])?;
/// let dx = avg_pool2d_backward(&g, &pool, Divisor::Padded, [1, 4]);
/// assert_eq!(dx.to_f64(), [0.5, 0.5, 2.0, 2.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn avg_pool2d_backward(g: &Tensor, pool: &Pool, divisor: Divisor, size: [usize; 2]) -> Tensor {
    let axes = pool.axes(size);
    let (g, shape) = (g.contiguous(), resized(g, size));
    match_dtype!(float g.dtype(), T => averaged::<T>(&g, axes, divisor, &shape, pool::average_backward))
}

/// What `kernel` makes of `x` and the divisors, as a tensor of `shape`.
fn averaged<T: Element + Float>(
    x: &Tensor,
    axes: [PoolAxis; 2],
    divisor: Divisor,
    shape: &[usize],
    kernel: impl Fn(Level, Average<'_, T>, &mut [T]),
) -> Tensor {
    let divisors = divisor.both(&axes);
    Tensor::build(shape, |out: &mut [T]| {
        let job = Average {
            x: x.as_slice::<T>().expect("contiguous"),
            axes,
            divisors: [&divisors[0], &divisors[1]],
        };
        kernel(simd::level(), job, out);
    })
}
