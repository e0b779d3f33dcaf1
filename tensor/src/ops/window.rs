//! Windows over images as columns, and their adjoint.

use crate::kernel::window;
pub use crate::kernel::window::Window;
use crate::{Tensor, match_dtype};

/// `[n, c, h, w]` as `[n, c, kernel rows, kernel columns, output rows, output columns]`, zeros
/// outside the image.
///
/// ```
/// use lepton_tensor::ops::{Window, im2col};
/// use lepton_tensor::Tensor;
/// let window = Window { kernel: [1, 2], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0], &[1, 1, 1, 3])?;
/// let columns = im2col(&x, &window);
/// assert_eq!(columns.shape(), [1, 1, 1, 2, 1, 2]);
/// assert_eq!(columns.to_f64(), [1.0, 2.0, 2.0, 3.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn im2col(x: &Tensor, w: &Window) -> Tensor {
    let [n, c, height, width] = x.shape().try_into().expect("an image has four axes");
    let size = [height, width];
    let out = w.output(size);
    let out = out.expect("the shape rule saw that a window fits");
    let x = x.contiguous();
    let shape = [n, c, w.kernel[0], w.kernel[1], out[0], out[1]];
    match_dtype!(float x.dtype(), T => Tensor::build(&shape, |columns: &mut [T]| {
        window::im2col(w, x.as_slice::<T>().expect("contiguous"), size, out, columns);
    }))
}

/// The adjoint of [`im2col`]: every column element added back to its pixel of an image of `size`.
///
/// ```
/// use lepton_tensor::ops::{Window, col2im, im2col};
/// use lepton_tensor::Tensor;
/// let window = Window { kernel: [1, 2], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0], &[1, 1, 1, 3])?;
/// // The middle element is in two columns.
/// let y = col2im(&im2col(&x, &window), &window, [1, 3]);
/// assert_eq!(y.to_f64(), [1.0, 4.0, 3.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn col2im(columns: &Tensor, w: &Window, size: [usize; 2]) -> Tensor {
    let shape = [columns.shape()[0], columns.shape()[1], size[0], size[1]];
    let out = [columns.shape()[4], columns.shape()[5]];
    let columns = columns.contiguous();
    match_dtype!(float columns.dtype(), T => Tensor::build(&shape, |images: &mut [T]| {
        window::col2im(w, columns.as_slice::<T>().expect("contiguous"), size, out, images);
    }))
}
