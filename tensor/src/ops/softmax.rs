//! Softmax along an axis, the cross entropy of rows, and their gradients.

use crate::kernel::index::position;
use crate::kernel::reduce::rows_over;
use crate::kernel::rows::{
    self, Entropy, EntropyBackward, LogSumExp, SoftmaxBackward, SoftmaxKind,
};
use crate::simd;
use crate::threads::rows_per_task;
use crate::{DType, Result, Tensor, match_dtype, threads};

/// `x` with `axis` as the last one, through `f`, and back.
fn along(axis: usize, x: &[&Tensor], f: impl FnOnce(&[Tensor]) -> Tensor) -> Tensor {
    let last = x[0].rank() - 1;
    if axis == last {
        return f(&x.iter().map(|x| x.contiguous()).collect::<Vec<_>>());
    }
    let mut order: Vec<usize> = (0..=last).collect();
    order.swap(axis, last);
    let swap = |x: &Tensor| x.permute(&order).expect("an order of the axes");
    let last: Vec<Tensor> = x.iter().map(|x| swap(x).contiguous()).collect();
    swap(&f(&last))
}

/// Which of the two functions `log` names.
fn kind_of(log: bool) -> SoftmaxKind {
    if log {
        SoftmaxKind::Log
    } else {
        SoftmaxKind::Plain
    }
}

/// `e^x / sum e^x` along `axis`, or `x - ln sum e^x` when `log`.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![0.0f64, 0.0, 1000.0, 1000.0], &[2, 2])?;
/// assert_eq!(ops::softmax(&x, 1, false).to_f64(), [0.5; 4]); // nothing overflows
/// assert_eq!(ops::softmax(&x, 0, false).to_f64(), [0.0, 0.0, 1.0, 1.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn softmax(x: &Tensor, axis: usize, log: bool) -> Tensor {
    along(axis, &[x], |x| last_axis(&x[0], log))
}

/// Softmax along the last axis of the contiguous `x`.
fn last_axis(x: &Tensor, log: bool) -> Tensor {
    let (level, kind) = (simd::level(), kind_of(log));
    let len = x.shape()[x.rank() - 1].max(1);
    match_dtype!(float x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(x.shape(), |out: &mut [T]| {
            let chunk = rows_per_task(len) * len;
            threads::parallel_chunks(out, chunk, |i, y| {
                let x = &src[i * chunk..][..y.len()];
                level.dispatch(rows::Softmax { x, y, len, kind });
            });
        })
    })
}

/// The gradient of [`softmax`] for the cotangent `g` of its result `y`.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let y = Tensor::from_vec(vec![0.5f64, 0.5], &[2])?;
/// let g = Tensor::from_vec(vec![1.0f64, 0.0], &[2])?;
/// assert_eq!(ops::softmax_backward(&g, &y, 0, false).to_f64(), [0.25, -0.25]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn softmax_backward(g: &Tensor, y: &Tensor, axis: usize, log: bool) -> Tensor {
    along(axis, &[g, y], |x| last_axis_grad(&x[0], &x[1], log))
}

/// [`last_axis`] backwards.
fn last_axis_grad(g: &Tensor, y: &Tensor, log: bool) -> Tensor {
    let (level, kind) = (simd::level(), kind_of(log));
    let len = g.shape()[g.rank() - 1].max(1);
    match_dtype!(float g.dtype(), T => {
        let (g_all, y_all) = (g.as_slice::<T>().expect("contiguous"), y.as_slice::<T>().expect("contiguous"));
        Tensor::build(g.shape(), |out: &mut [T]| {
            let chunk = rows_per_task(len) * len;
            threads::parallel_chunks(out, chunk, |i, dx| {
                let here = i * chunk..i * chunk + dx.len();
                let (g, y) = (&g_all[here.clone()], &y_all[here]);
                level.dispatch(SoftmaxBackward { g, y, dx, len, kind });
            });
        })
    })
}

/// `ln sum e^x` over `axes` (distinct, in order), which vanish; -inf over nothing.
pub fn logsumexp(x: &Tensor, axes: &[usize]) -> Tensor {
    let (x, kept, len) = rows_over(x, axes);
    let level = simd::level();
    match_dtype!(float x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(&kept, |out: &mut [T]| {
            if len == 0 {
                return out.fill(T::NEG_INFINITY);
            }
            let rows = rows_per_task(len);
            threads::parallel_chunks(out, rows, |i, y| {
                let x = &src[i * rows * len..][..y.len() * len];
                level.dispatch(LogSumExp { x, y, len });
            });
        })
    })
}

/// The classes of rows as positions among `count`.
fn classes_of(classes: &Tensor, count: usize) -> Result<Vec<usize>> {
    let all = super::cast(classes, DType::I64).to_vec::<i64>()?;
    let at = |i| position("cross_entropy", i, count);
    all.into_iter().map(at).collect()
}

/// `ln sum e^x - x[class]` for each row of logits `x [.., count]` and its class in `classes [..]`.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![0.0f64, 0.0, 50.0, 0.0], &[2, 2])?;
/// let classes = Tensor::from_vec(vec![1i64, 0], &[2])?;
/// let loss = ops::cross_entropy(&x, &classes)?.to_f64();
/// assert!((loss[0] - 2f64.ln()).abs() < 1e-12 && loss[1].abs() < 1e-12);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When a class is not below `count`.
pub fn cross_entropy(x: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let (x, level) = (x.contiguous(), simd::level());
    let len = x.shape()[x.rank() - 1];
    let classes_all = classes_of(classes, len)?;
    Ok(match_dtype!(float x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(classes.shape(), |out: &mut [T]| {
            let rows = rows_per_task(len);
            threads::parallel_chunks(out, rows, |i, y| {
                let x = &src[i * rows * len..][..y.len() * len];
                let classes = &classes_all[i * rows..][..y.len()];
                level.dispatch(Entropy { x, classes, y, len });
            });
        })
    }))
}

/// The gradient of [`cross_entropy`] with respect to `x`, for the cotangent `g [..]`.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![0.0f64, 0.0], &[1, 2])?;
/// let (classes, g) = (Tensor::from_vec(vec![1i64], &[1])?, Tensor::from_vec(vec![1.0f64], &[1])?);
/// assert_eq!(ops::cross_entropy_backward(&g, &x, &classes)?.to_f64(), [0.5, -0.5]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When a class is not below the number of logits.
pub fn cross_entropy_backward(g: &Tensor, x: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let (g, x, level) = (g.contiguous(), x.contiguous(), simd::level());
    let len = x.shape()[x.rank() - 1];
    let classes = classes_of(classes, len)?;
    Ok(match_dtype!(float x.dtype(), T => {
        let (g_all, x_all) = (g.as_slice::<T>().expect("contiguous"), x.as_slice::<T>().expect("contiguous"));
        Tensor::build(x.shape(), |out: &mut [T]| {
            let rows = rows_per_task(len);
            threads::parallel_chunks(out, rows * len, |i, dx| {
                let here = i * rows..i * rows + dx.len() / len;
                let x = &x_all[i * rows * len..][..dx.len()];
                let (g, classes) = (&g_all[here.clone()], &classes[here]);
                level.dispatch(EntropyBackward { g, x, classes, dx, len });
            });
        })
    }))
}
