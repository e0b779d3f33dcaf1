//! Running folds along an axis.

use std::ops::AddAssign;

use crate::dtype::Element;
use crate::kernel::reduce::Extreme;
use crate::{DType, Tensor, match_dtype};

/// Running sums along `axis`; integers and bool give i64 (wrapping).
pub fn cumsum(x: &Tensor, axis: usize) -> Tensor {
    match x.dtype() {
        DType::F32 => run::<f32>(x, axis),
        DType::F64 => run::<f64>(x, axis),
        _ => run_i64(&crate::ops::cast(x, DType::I64), axis),
    }
}

fn run<T: Element + AddAssign>(x: &Tensor, axis: usize) -> Tensor {
    // Running sums are kept in f64, so that a long f32 axis loses nothing on the way.
    scan::<T, f64>(x, axis, |sum, v| {
        *sum += v.to_f64();
        T::from_f64(*sum)
    })
}

fn run_i64(x: &Tensor, axis: usize) -> Tensor {
    scan::<i64, i64>(x, axis, |sum, v| {
        *sum = sum.wrapping_add(v);
        *sum
    })
}

fn scan<T: Element, A: Default>(x: &Tensor, axis: usize, step: impl Fn(&mut A, T) -> T) -> Tensor {
    let x = x.contiguous();
    let src = x.as_slice::<T>().expect("contiguous");
    let (len, inner) = (
        x.shape()[axis],
        x.shape()[axis + 1..].iter().product::<usize>(),
    );
    Tensor::build(x.shape(), |out: &mut [T]| {
        for line in 0..out.len() / len.max(1) {
            let start = line / inner * len * inner + line % inner;
            let mut state = A::default();
            for r in 0..len {
                out[start + r * inner] = step(&mut state, src[start + r * inner]);
            }
        }
    })
}

/// The index (i64) of the extreme so far along `axis`; the last of equals, NaN stays.
#[allow(clippy::eq_op, reason = "x != x is how a generic float says NaN")]
pub fn arg_scan(extreme: Extreme, x: &Tensor, axis: usize) -> Tensor {
    let x = x.contiguous();
    let len = x.shape()[axis];
    let inner: usize = x.shape()[axis + 1..].iter().product();
    match_dtype!(x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        Tensor::build(x.shape(), |out: &mut [i64]| {
            for i in 0..src.len() {
                let at = i / inner % len;
                let best = if at == 0 { 0 } else { out[i - inner] as usize };
                let (a, b) = (src[i], src[i - (at - best) * inner]);
                let further = match extreme {
                    Extreme::Max => a >= b,
                    Extreme::Min => a <= b,
                };
                out[i] = if further || a != a { at } else { best } as i64;
            }
        })
    })
}
