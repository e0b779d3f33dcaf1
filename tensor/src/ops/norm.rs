//! Normalisation over the last axes, and its gradient.

use crate::dtype::Element;
use crate::kernel::reduce::{ReduceOp, reduce};
use crate::kernel::rows;
use crate::simd::{self, Float};
use crate::threads::rows_per_task;
use crate::{Shape, Tensor, match_dtype, threads};

/// What is normalised, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// The number of axes, from the last one on, over which mean and variance are taken.
    pub axes: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Whether the mean is taken away (layer norm); else the mean square takes the variance's place
    /// (RMS norm).
    pub centred: bool,
}

impl Norm {
    /// Elements that share a mean.
    fn len(&self, x: &Tensor) -> usize {
        let axes = &x.shape()[x.rank() - self.axes..];
        axes.iter().product::<usize>().max(1)
    }
}

/// `(x - mean) / sqrt(variance + eps)`, times `weight` and plus `bias` where they are, which have the
/// shape of the last axes; a bias comes with a weight.
///
/// ```
/// use lepton_tensor::ops::{Norm, layer_norm};
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_vec(vec![1.0f64, 3.0], &[1, 2])?;
/// let norm = Norm { axes: 1, eps: 0.0, centred: true };
/// assert_eq!(layer_norm(&x, None, None, norm).to_f64(), [-1.0, 1.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn layer_norm(
    x: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    norm: Norm,
) -> Tensor {
    let (x, level, len) = (x.contiguous(), simd::level(), norm.len(x));
    let Norm { eps, centred, .. } = norm;
    let [weight, bias] = [weight, bias].map(|v| v.map(Tensor::contiguous));
    match_dtype!(float x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        let [weight, bias] = [&weight, &bias].map(|v| v.as_ref().and_then(Tensor::as_slice::<T>));
        Tensor::build(x.shape(), |out: &mut [T]| {
            let chunk = rows_per_task(len) * len;
            threads::parallel_chunks(out, chunk, |i, y| {
                let x = &src[i * chunk..][..y.len()];
                level.dispatch(rows::Norm { x, weight, bias, y, len, eps, centred });
            });
        })
    })
}

/// The gradients of [`layer_norm`] for the cotangent `g` of its result: of `x`, and, where there is a
/// weight, of weight and bias.
///
/// ```
/// use lepton_tensor::ops::{Norm, layer_norm_backward};
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_vec(vec![1.0f64, 3.0], &[1, 2])?;
/// let g = Tensor::from_vec(vec![1.0f64, 1.0], &[1, 2])?;
/// let norm = Norm { axes: 1, eps: 0.0, centred: true };
/// // Adding the same to both elements changes no result.
/// let (dx, rest) = layer_norm_backward(&g, &x, None, norm);
/// assert_eq!(dx.to_f64(), [0.0, 0.0]);
/// assert!(rest.is_none());
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn layer_norm_backward(
    g: &Tensor,
    x: &Tensor,
    weight: Option<&Tensor>,
    norm: Norm,
) -> (Tensor, Option<[Tensor; 2]>) {
    if x.numel() == 0 {
        let none = |v: &Tensor| Tensor::zeros(v.shape(), v.dtype(), v.device()).expect("exists");
        return (x.clone(), weight.map(|w| [none(w), none(w)]));
    }
    match_dtype!(float x.dtype(), T => grad::<T>(g, x, weight, norm))
}

/// [`layer_norm_backward`] for elements of type `T`. Each task adds its rows' share of the gradients of weight
/// and bias to sums of its own, which are added in order at the end.
fn grad<T: Float + Element>(
    g: &Tensor,
    x: &Tensor,
    weight: Option<&Tensor>,
    norm: Norm,
) -> (Tensor, Option<[Tensor; 2]>) {
    let (level, len) = (simd::level(), norm.len(x));
    let (g, x) = (g.contiguous(), x.contiguous());
    let weight = weight.map(Tensor::contiguous);
    let (g_all, x_all) = (g.as_slice::<T>(), x.as_slice::<T>());
    let (g_all, x_all) = (g_all.expect("contiguous"), x_all.expect("contiguous"));
    let w = weight.as_ref().and_then(Tensor::as_slice::<T>);
    // At least eight rows a task: each has sums of its own for weight and bias.
    let chunk = rows_per_task(len).max(8) * len;
    let tasks = x.numel().div_ceil(chunk);
    let run = |i: usize, dx: &mut [T], sums: &mut [T]| {
        let here = i * chunk..i * chunk + dx.len();
        let (dw, db) = sums.split_at_mut(sums.len() / 2);
        level.dispatch(rows::NormBackward {
            g: &g_all[here.clone()],
            x: &x_all[here],
            weight: w.map(|w| (w, [dw, db])),
            dx,
            len,
            eps: norm.eps,
            centred: norm.centred,
        });
    };
    let Some(weight) = &weight else {
        let dx = Tensor::build(x.shape(), |dx: &mut [T]| {
            threads::parallel_chunks(dx, chunk, |i, dx| run(i, dx, &mut []));
        });
        return (dx, None);
    };
    let mut sums = None;
    let dx = Tensor::build(x.shape(), |dx: &mut [T]| {
        sums = Some(Tensor::build(&[tasks, 2, len], |sums: &mut [T]| {
            sums.fill(T::default());
            let parts = dx.chunks_mut(chunk).zip(sums.chunks_mut(2 * len));
            let mut parts: Vec<_> = parts.collect();
            threads::parallel_chunks(&mut parts, 1, |i, part| run(i, part[0].0, part[0].1));
        }));
    });
    let sums = reduce(ReduceOp::Sum, &sums.expect("built above"), &[0]);
    let shape: Shape = weight.shape().into();
    let of = |i| {
        let half = sums.slice(0, i, 1, 1).and_then(|half| half.reshape(&shape));
        half.expect("one of two rows of as many elements")
    };
    (dx, Some([of(0), of(1)]))
}
