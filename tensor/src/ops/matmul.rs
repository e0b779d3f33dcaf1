//! Products of matrices, with an epilogue while the result is in cache.

use crate::{Tensor, match_dtype};

/// What happens to each element of a product before it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
}

/// `a [.., m, k]` times `b [.., k, n]`, batch axes equal, plus `bias [n]`, then `activation`.
pub fn matmul(a: &Tensor, b: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Tensor {
    let r = a.rank();
    let (m, k, n) = (a.shape()[r - 2], a.shape()[r - 1], b.shape()[r - 1]);
    let shape = [&a.shape()[..r - 1], &[n]].concat();
    let (a, b) = (a.contiguous(), b.contiguous());
    let bias = bias.map(Tensor::to_f64);
    match_dtype!(a.dtype(), T => {
        let (x, y) = (a.as_slice::<T>().expect("contiguous"), b.as_slice::<T>().expect("contiguous"));
        Tensor::build(&shape, |out: &mut [T]| {
            for (i, o) in out.iter_mut().enumerate() {
                let (batch, row, col) = (i / n / m, i / n % m, i % n);
                let mut s = bias.as_ref().map_or(0.0, |b| b[col]);
                for j in 0..k {
                    s += crate::dtype::Element::to_f64(x[(batch * m + row) * k + j]) * crate::dtype::Element::to_f64(y[(batch * k + j) * n + col]);
                }
                if activation == Activation::Relu { s = s.max(0.0); }
                *o = crate::dtype::Element::from_f64(s);
            }
        })
    })
}
