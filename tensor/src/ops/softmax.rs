//! Softmax along an axis, the cross entropy of rows, and their gradients.

use crate::kernel::index::position;
use crate::kernel::rows::{self, Entropy, EntropyGrad, SoftmaxGrad};
use crate::kernel::tile_load::rows_of;
use crate::simd;
use crate::{DType, Result, Tensor, match_dtype, threads};

/// `x` with `axis` as the last one, through `f`, and back.
fn along(axis: usize, x: &[&Tensor], f: impl FnOnce(&[Tensor]) -> Tensor) -> Tensor {
    let last = x[0].rank() - 1;
    if axis == last {
        return f(&x.iter().map(|x| x.contiguous()).collect::<Vec<_>>());
    }
    let mut order: Vec<usize> = (0..=last).collect();
    order.swap(axis, last);
    let turn = |x: &Tensor| x.permute(&order).expect("an order of the axes");
    let turned: Vec<Tensor> = x.iter().map(|x| turn(x).contiguous()).collect();
    turn(&f(&turned))
}

fn shape_of(log: bool) -> rows::Shape {
    if log {
        rows::Shape::Log
    } else {
        rows::Shape::Plain
    }
}

/// `e^x / sum e^x` along `axis`, or `x - ln sum e^x` when `log`.
pub fn softmax(x: &Tensor, axis: usize, log: bool) -> Tensor {
    along(axis, &[x], |x| last_axis(&x[0], log))
}

fn last_axis(x: &Tensor, log: bool) -> Tensor {
    let (level, shape) = (simd::level(), shape_of(log));
    let len = x.shape()[x.rank() - 1].max(1);
    match_dtype!(float x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(x.shape(), |out: &mut [T]| {
            let chunk = rows_of(len) * len;
            threads::parallel_chunks(out, chunk, |i, y| {
                let x = &src[i * chunk..][..y.len()];
                level.dispatch(rows::Softmax { x, y, len, shape });
            });
        })
    })
}

/// The gradient of [`softmax`] for the cotangent `g` of its result `y`.
pub fn softmax_grad(g: &Tensor, y: &Tensor, axis: usize, log: bool) -> Tensor {
    along(axis, &[g, y], |x| last_axis_grad(&x[0], &x[1], log))
}

fn last_axis_grad(g: &Tensor, y: &Tensor, log: bool) -> Tensor {
    let (level, shape) = (simd::level(), shape_of(log));
    let len = g.shape()[g.rank() - 1].max(1);
    match_dtype!(float g.dtype(), T => {
        let (g_all, y_all) = (g.as_slice::<T>().expect("contiguous"), y.as_slice::<T>().expect("contiguous"));
        Tensor::build(g.shape(), |out: &mut [T]| {
            let chunk = rows_of(len) * len;
            threads::parallel_chunks(out, chunk, |i, dx| {
                let here = i * chunk..i * chunk + dx.len();
                let (g, y) = (&g_all[here.clone()], &y_all[here]);
                level.dispatch(SoftmaxGrad { g, y, dx, len, shape });
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
/// # Errors
/// When a class is not below `count`.
pub fn cross_entropy(x: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let (x, level) = (x.contiguous(), simd::level());
    let len = x.shape()[x.rank() - 1];
    let classes_all = classes_of(classes, len)?;
    Ok(match_dtype!(float x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(classes.shape(), |out: &mut [T]| {
            let rows = rows_of(len);
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
/// # Errors
/// When a class is not below the number of logits.
pub fn cross_entropy_grad(g: &Tensor, x: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let (g, x, level) = (g.contiguous(), x.contiguous(), simd::level());
    let len = x.shape()[x.rank() - 1];
    let classes = classes_of(classes, len)?;
    Ok(match_dtype!(float x.dtype(), T => {
        let (g_all, x_all) = (g.as_slice::<T>().expect("contiguous"), x.as_slice::<T>().expect("contiguous"));
        Tensor::build(x.shape(), |out: &mut [T]| {
            let rows = rows_of(len);
            threads::parallel_chunks(out, rows * len, |i, dx| {
                let here = i * rows..i * rows + dx.len() / len;
                let x = &x_all[i * rows * len..][..dx.len()];
                let (g, classes) = (&g_all[here.clone()], &classes[here]);
                level.dispatch(EntropyGrad { g, x, classes, dx, len });
            });
        })
    }))
}
