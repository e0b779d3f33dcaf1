//! Windows over images as columns, and their adjoint: a convolution becomes a product.

use std::ops::{AddAssign, Range};

use crate::threads;

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
    ///
    /// ```
    /// use lepton_tensor::ops::Window;
    /// let window = Window { kernel: [3, 3], stride: [2, 1], padding: [1, 1], dilation: [1, 2] };
    /// assert_eq!(window.output([7, 7]), Some([4, 5]));
    /// assert_eq!(window.output([7, 2]), None); // three taps, two apart, are wider than 2 + 2
    /// ```
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

/// Writes images of `size`, one channel after the other, as columns: `[kernel, output]` for each channel,
/// zeros outside the image.
pub(crate) fn im2col<T: Copy + Default + Send + Sync>(
    w: &Window,
    images: &[T],
    size: [usize; 2],
    out: [usize; 2],
    columns: &mut [T],
) {
    let (pixels, chunk) = sizes(w, size, out);
    threads::parallel_chunks(columns, chunk.max(1), |i, column| {
        let image = &images[i * pixels..][..pixels];
        column.fill(T::default());
        let step = w.stride[1];
        w.runs(size, out, |to, from, n| match step {
            _ if n == 0 => {}
            1 => column[to..to + n].copy_from_slice(&image[from..from + n]),
            _ => {
                let image = image[from..].iter().step_by(step);
                column[to..to + n]
                    .iter_mut()
                    .zip(image)
                    .for_each(|(y, &x)| *y = x);
            }
        });
    });
}

/// The adjoint of [`im2col`]: every element of the columns added back to its pixel.
pub(crate) fn col2im<T: Copy + Default + Send + Sync + AddAssign>(
    w: &Window,
    columns: &[T],
    size: [usize; 2],
    out: [usize; 2],
    images: &mut [T],
) {
    let (pixels, chunk) = sizes(w, size, out);
    threads::parallel_chunks(images, pixels.max(1), |i, image| {
        let column = &columns[i * chunk..][..chunk];
        image.fill(T::default());
        let step = w.stride[1];
        w.runs(size, out, |from, to, n| {
            if n > 0 {
                let image = image[to..].iter_mut().step_by(step);
                image
                    .zip(&column[from..from + n])
                    .for_each(|(y, &x)| *y += x);
            }
        });
    });
}

/// Elements of a channel of an image, and of its columns.
fn sizes(w: &Window, size: [usize; 2], out: [usize; 2]) -> (usize, usize) {
    let taps = w.kernel[0] * w.kernel[1];
    (size[0] * size[1], taps * out[0] * out[1])
}
