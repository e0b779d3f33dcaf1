//! Windows over images as columns, and their adjoint: convolution becomes a product.

use std::ops::Range;

use crate::dtype::Element;
use crate::simd::Float;
use crate::{Tensor, match_dtype, threads};

/// How a two-dimensional window walks: sizes in (rows, columns).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The window's size.
    pub kernel: [usize; 2],
    /// Steps between windows.
    pub stride: [usize; 2],
    /// Zeros put around the image.
    pub padding: [usize; 2],
    /// Distance of neighbours inside a window.
    pub dilation: [usize; 2],
}

impl Window {
    /// The number of windows along each axis of an image of `size`, or `None` when none fits.
    pub fn output(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let along = |a: usize| {
            let span = self.dilation[a]
                .checked_mul(self.kernel[a].checked_sub(1)?)?
                .checked_add(1)?;
            let room = size[a]
                .checked_add(self.padding[a].checked_mul(2)?)?
                .checked_sub(span)?;
            Some(room.checked_div(self.stride[a])? + 1)
        };
        Some([along(0)?, along(1)?])
    }

    /// Calls `f` for each run of a tap's neighbours in a row inside the image: offsets into one
    /// channel's `[kernel, output]` columns and into its image, and how many; the image's are a
    /// stride apart.
    #[inline(always)]
    fn runs(&self, size: [usize; 2], out: [usize; 2], mut f: impl FnMut(usize, usize, usize)) {
        let [height, width] = out;
        for tap in 0..self.kernel[0] * self.kernel[1] {
            let (down, r) = self.inside(0, tap / self.kernel[1], size[0], height);
            let (across, c) = self.inside(1, tap % self.kernel[1], size[1], width);
            for (i, o) in down.enumerate() {
                let row = (r + i * self.stride[0]) * size[1];
                let at = (tap * height + o) * width + across.start;
                f(at, row + c, across.len());
            }
        }
    }

    /// The outputs along an axis that meet `tap` inside the image, and where the first of them does.
    fn inside(&self, axis: usize, tap: usize, size: usize, out: usize) -> (Range<usize>, usize) {
        let stride = self.stride[axis];
        let shift = (tap * self.dilation[axis]) as isize - self.padding[axis] as isize;
        let end = (size as isize - shift).max(0).unsigned_abs();
        let end = end.div_ceil(stride).min(out);
        let start = shift.min(0).unsigned_abs().div_ceil(stride).min(end);
        let first = (start * stride) as isize + shift;
        (start..end, first.max(0).unsigned_abs())
    }
}

/// `[n, c, h, w]` as `[n, c, kernel rows, kernel columns, output rows, output columns]`, zeros
/// outside the image.
pub fn im2col(x: &Tensor, w: &Window) -> Tensor {
    let [n, c, h, wd] = dims(x);
    let out = w
        .output([h, wd])
        .expect("the shape rule saw that a window fits");
    let x = x.contiguous();
    let shape = [n, c, w.kernel[0], w.kernel[1], out[0], out[1]];
    match_dtype!(float x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        let chunk = shape[2..].iter().product::<usize>();
        Tensor::build(&shape, |cols: &mut [T]| {
            threads::parallel_chunks(cols, chunk.max(1), |i, col| {
                let image = &src[i * h * wd..][..h * wd];
                col.fill(T::default());
                let step = w.stride[1];
                w.runs([h, wd], out, |to, from, n| match step {
                    _ if n == 0 => {}
                    1 => col[to..to + n].copy_from_slice(&image[from..from + n]),
                    _ => {
                        let image = image[from..].iter().step_by(step);
                        col[to..to + n].iter_mut().zip(image).for_each(|(y, &x)| *y = x);
                    }
                });
            });
        })
    })
}

/// The adjoint of [`im2col`]: every column element added back to its pixel of an image of `size`.
pub fn col2im(cols: &Tensor, w: &Window, size: [usize; 2]) -> Tensor {
    let (n, c) = (cols.shape()[0], cols.shape()[1]);
    let out = [cols.shape()[4], cols.shape()[5]];
    let cols = cols.contiguous();
    match_dtype!(float cols.dtype(), T => add_back::<T>(&cols, w, [n, c], size, out))
}

fn add_back<T: Element + Float + std::ops::AddAssign>(
    cols: &Tensor,
    w: &Window,
    [n, c]: [usize; 2],
    size: [usize; 2],
    out: [usize; 2],
) -> Tensor {
    let src = cols.as_slice::<T>().expect("contiguous");
    let (pixels, chunk) = (
        size[0] * size[1],
        w.kernel[0] * w.kernel[1] * out[0] * out[1],
    );
    Tensor::build(&[n, c, size[0], size[1]], |images: &mut [T]| {
        threads::parallel_chunks(images, pixels.max(1), |i, image| {
            let col = &src[i * chunk..][..chunk];
            image.fill(T::default());
            let step = w.stride[1];
            w.runs(size, out, |from, to, n| {
                if n > 0 {
                    let image = image[to..].iter_mut().step_by(step);
                    image.zip(&col[from..from + n]).for_each(|(y, &x)| *y += x);
                }
            });
        });
    })
}

fn dims(x: &Tensor) -> [usize; 4] {
    x.shape().try_into().expect("an image has four axes")
}
