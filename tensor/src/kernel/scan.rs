//! Running folds along an axis.

use crate::dtype::Element;
use crate::kernel::reduce::Extreme;
use crate::{DType, Tensor, match_dtype};

/// Running sums along `axis`; integers and bool give i64 (wrapping).
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![true, false, true, true], &[4])?;
/// assert_eq!(ops::cumsum(&x, 0).to_vec::<i64>()?, [1, 1, 2, 3]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn cumsum(x: &Tensor, axis: usize) -> Tensor {
    match x.dtype() {
        DType::F32 => run::<f32>(x, axis),
        DType::F64 => run::<f64>(x, axis),
        _ => run_i64(&crate::ops::cast(x, DType::I64), axis),
    }
}

fn run<T: Element>(x: &Tensor, axis: usize) -> Tensor {
    // Running sums are kept in f64, so that a long f32 axis loses nothing on the way.
    scan::<T, f64>(x, axis, 0.0, |sum, v| {
        *sum += v.to_f64();
        T::from_f64(*sum)
    })
}

fn run_i64(x: &Tensor, axis: usize) -> Tensor {
    scan::<i64, i64>(x, axis, 0, |sum, v| {
        *sum = sum.wrapping_add(v);
        *sum
    })
}

/// Running products along `axis`; integers and bool give i64 (wrapping). A product that leaves the numbers of
/// the type comes back when later factors bring it back.
pub fn cumprod(x: &Tensor, axis: usize) -> Tensor {
    match x.dtype() {
        DType::F32 => products::<f32>(x, axis),
        DType::F64 => products::<f64>(x, axis),
        _ => scan::<i64, i64>(&crate::ops::cast(x, DType::I64), axis, 1, |product, v| {
            *product = product.wrapping_mul(v);
            *product
        }),
    }
}

fn products<T: Element>(x: &Tensor, axis: usize) -> Tensor {
    scan::<T, Product>(x, axis, Product { m: 1.0, e: 0 }, |product, v| {
        product.times(v.to_f64());
        T::from_f64(product.value())
    })
}

/// The product `m 2^e`, with `m` from 1/2 to 1 unless it is 0 or no number.
#[derive(Clone, Copy)]
struct Product {
    m: f64,
    e: i64,
}

impl Product {
    fn times(&mut self, x: f64) {
        let (x, up) = split(x);
        let (m, more) = split(self.m * x);
        *self = Product {
            m,
            e: self.e + up + more,
        };
    }

    fn value(self) -> f64 {
        // 2^e alone may leave the normal numbers; of its two halves only the last one rounds.
        let e = self.e.clamp(-2200, 2200) as i32;
        self.m * 2f64.powi(e / 2) * 2f64.powi(e - e / 2)
    }
}

/// `(m, e)` with `x = m 2^e` and `m` from 1/2 to 1; `(x, 0)` where `x` is 0 or no number.
fn split(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    if x.abs() < f64::MIN_POSITIVE {
        let (m, e) = split(x * 2f64.powi(64));
        return (m, e - 64);
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1022;
    let mantissa = bits & !(0x7ff << 52) | 1022 << 52;
    (f64::from_bits(mantissa), exponent)
}

/// Running `ln sum e^x` along `axis` of floats, kept in f64 on the way.
pub fn logcumsumexp(x: &Tensor, axis: usize) -> Tensor {
    match_dtype!(float x.dtype(), T => {
        scan::<T, f64>(x, axis, f64::NEG_INFINITY, |log, v| {
            *log = log_add(*log, v.to_f64());
            T::from_f64(*log)
        })
    })
}

/// `ln(e^x + e^y)`; NaN where either is.
fn log_add(x: f64, y: f64) -> f64 {
    // Equal infinities would give inf - inf.
    if x == y && x.is_infinite() {
        return x;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    x.max(y) + (-(x - y).abs()).exp().ln_1p()
}

/// `y[i] = b[i] + a[i] y[i - 1]` along `axis` from `y[-1] = 0` on, of floats of one shape; kept in f64 on the
/// way.
pub fn recurrence(a: &Tensor, b: &Tensor, axis: usize) -> Tensor {
    let (a, b) = (a.contiguous(), b.contiguous());
    let (len, inner) = (
        a.shape()[axis],
        a.shape()[axis + 1..].iter().product::<usize>(),
    );
    match_dtype!(float a.dtype(), T => {
        let (slope, more) = (a.as_slice::<T>().expect("contiguous"), b.as_slice::<T>().expect("contiguous"));
        Tensor::build(a.shape(), |out: &mut [T]| {
            for line in 0..out.len() / len.max(1) {
                let start = line / inner * len * inner + line % inner;
                let mut y = 0.0;
                for i in (0..len).map(|r| start + r * inner) {
                    // The first slope has nothing to multiply, be it infinite.
                    y = more[i].to_f64() + if i == start { 0.0 } else { slope[i].to_f64() * y };
                    out[i] = T::from_f64(y);
                }
            }
        })
    })
}

fn scan<T: Element, A: Copy>(
    x: &Tensor,
    axis: usize,
    first: A,
    step: impl Fn(&mut A, T) -> T,
) -> Tensor {
    let x = x.contiguous();
    let src = x.as_slice::<T>().expect("contiguous");
    let (len, inner) = (
        x.shape()[axis],
        x.shape()[axis + 1..].iter().product::<usize>(),
    );
    Tensor::build(x.shape(), |out: &mut [T]| {
        for line in 0..out.len() / len.max(1) {
            let start = line / inner * len * inner + line % inner;
            let mut state = first;
            for r in 0..len {
                out[start + r * inner] = step(&mut state, src[start + r * inner]);
            }
        }
    })
}

/// The index (i64) of the extreme so far along `axis`; the last of equals, NaN stays.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![2.0f32, 1.0, 3.0, 3.0], &[4])?;
/// assert_eq!(ops::arg_scan(ops::Extreme::Max, &x, 0).to_vec::<i64>()?, [0, 0, 2, 3]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
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
