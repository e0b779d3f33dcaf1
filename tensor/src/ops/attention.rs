//! Softmax attention and its gradients, over any number of heads.

use crate::dtype::Element;
use crate::kernel::attention::{self, Gradients, Heads, ScoreMask, side_by_side};
use crate::kernel::gemm::{MatMut, MatRef};
use crate::ops::matmul::matrices;
use crate::simd::{self, Float};
use crate::{DType, Shape, Tensor, match_dtype};

/// How scores are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Whether a query sees the keys up to its own step only.
    pub causal: bool,
    /// What products of queries and keys are multiplied by.
    pub scale: f64,
}

/// The matrices of `x`, one a head.
fn heads_of<T: Element>(x: &Tensor) -> Vec<MatRef<'_, T>> {
    let (offsets, shape, strides) = matrices(x);
    let of = |at| MatRef::new(x.storage::<T>(), at, shape, strides);
    offsets.into_iter().map(of).collect()
}

/// What the kernels read, head by head.
fn reads<'a, T: Float + Element>(
    [q, k, v]: [&'a Tensor; 3],
    mask: Option<&'a Tensor>,
    how: Attention,
) -> Heads<'a, T> {
    Heads {
        level: simd::level(),
        q: heads_of(q),
        k: heads_of(k),
        v: heads_of(v),
        mask: match mask {
            None => ScoreMask::None,
            Some(m) if m.dtype() == DType::Bool => ScoreMask::Keep(heads_of(m)),
            Some(m) => ScoreMask::Add(heads_of(m)),
        },
        causal: how.causal,
        scale: how.scale,
    }
}

/// `x` with rows of adjacent elements.
fn by_rows(x: &Tensor) -> Tensor {
    match x.strides().last() {
        Some(1) => x.clone(),
        _ => x.contiguous(),
    }
}

/// Room for `N` results of `like`'s leading axes and `rows`, which are filled head by head. Results and heads
/// stand side by side for each step of time, as what joins them wants it: views of one contiguous tensor.
fn build<T: Float + Element, const N: usize>(
    like: &Tensor,
    [rows, width]: [usize; 2],
    fill: impl FnOnce([Vec<MatMut<'_, T>>; N]),
) -> [Tensor; N] {
    let cut = like.rank() - 2;
    let leading = &like.shape()[..cut];
    let (outer, heads) = match leading {
        [outer @ .., heads] if cut > 1 => (outer, *heads),
        _ => (leading, 1),
    };
    let n: usize = outer.iter().product();
    let all = Tensor::build(&[n, rows, N, heads, width], |out: &mut [T]| {
        if !out.is_empty() {
            let whole = MatMut::rows_of(out, [n * rows, N * heads * width]);
            fill(side_by_side(&whole, n, heads));
        }
    });
    let mut shape: Shape = outer.into();
    shape.extend([rows, heads, width]);
    if cut < 2 {
        shape.remove(cut + 1);
    }
    std::array::from_fn(|i| {
        let one = all.slice(2, i, 1, 1).and_then(|y| y.reshape(&shape));
        let one = one.expect("as many");
        match cut < 2 {
            true => one,
            false => one.transpose(-3, -2).expect("three axes"),
        }
    })
}

/// `softmax(scale q k^T + mask) v` for `q [.., time, depth]`, `k [.., keys, depth]`, `v [.., keys,
/// width]` and a mask `[.., time, keys]`, of numbers to add or of which keys are kept; and the logarithm
/// of each query's sum, `[.., time]`. A query that sees no key gets 0.
///
/// ```
/// use lepton_tensor::ops::{Attention, attention};
/// use lepton_tensor::Tensor;
/// let how = Attention { causal: true, scale: 1.0 };
/// let q = Tensor::from_vec(vec![1.0f32, 1.0], &[2, 1])?; // two steps of one number
/// let v = Tensor::from_vec(vec![10.0f32, 20.0], &[2, 1])?;
/// let [y, log] = attention(&q, &q, &v, None, how);
/// // The first step sees itself alone, the second one both with equal scores.
/// assert_eq!(y.to_f64(), [10.0, 15.0]);
/// assert!((log.to_f64()[1] - (1.0 + 2f64.ln())).abs() < 1e-6);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    how: Attention,
) -> [Tensor; 2] {
    match_dtype!(float q.dtype(), T => {
        let heads = reads::<T>([q, k, v], mask, how);
        let cut = q.rank() - 2;
        let size = [q.shape()[cut], v.shape()[cut + 1]];
        let mut log = None;
        let run = |[out]: [Vec<MatMut<T>>; 1]| {
            log = Some(Tensor::build(&q.shape()[..=cut], |log: &mut [T]| {
                let log = MatMut::rows_of(log, [out.len(), size[0]]);
                attention::forward(&heads, &out, &log);
            }));
        };
        let [y] = build(q, size, run);
        // A result without elements has no heads to fill, but has logarithms all the same.
        let nothing = || Tensor::build(&q.shape()[..=cut], |log: &mut [T]| {
            log.fill(<T as Element>::from_f64(f64::NEG_INFINITY));
        });
        [y, log.unwrap_or_else(nothing)]
    })
}

/// The gradients of [`attention`] with respect to `q`, `k` and `v`, for the cotangents `g` of its result
/// `y` and `g_log` of `log`.
pub fn attention_backward(
    [g, g_log]: [&Tensor; 2],
    [q, k, v]: [&Tensor; 3],
    [y, log]: [&Tensor; 2],
    mask: Option<&Tensor>,
    how: Attention,
) -> [Tensor; 3] {
    let (g, y) = (by_rows(g), by_rows(y));
    let (g_log, log) = (g_log.contiguous(), log.contiguous());
    match_dtype!(float q.dtype(), T => {
        let heads = reads::<T>([q, k, v], mask, how);
        let size = |x: &Tensor| [x.shape()[x.rank() - 2], x.shape()[x.rank() - 1]];
        let run = |[dq, dk, dv]: [Vec<MatMut<T>>; 3]| {
            attention::backward(&heads, &Gradients {
                g: heads_of(&g),
                out: heads_of(&y),
                log: log.as_slice::<T>().expect("contiguous"),
                g_log: g_log.as_slice::<T>().expect("contiguous"),
                dq,
                dk,
                dv,
            });
        };
        if [k, v].iter().all(|x| x.shape() == q.shape()) {
            return build(q, size(q), run);
        }
        let (mut dk, mut dv) = (None, None);
        let [dq] = build(q, size(q), |[dq]| {
            let [y] = build(k, size(k), |[dk]| {
                let [y] = build(v, size(v), |[dv]| run([dq, dk, dv]));
                dv = Some(y);
            });
            dk = Some(y);
        });
        let none = |x: &Tensor| Tensor::zeros(x.shape(), x.dtype(), x.device()).expect("exists");
        match (dk, dv) {
            (Some(dk), Some(dv)) => [dq, dk, dv],
            // One of them has no elements, and so nothing depends on anything.
            _ => [none(q), none(k), none(v)],
        }
    })
}
