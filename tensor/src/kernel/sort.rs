//! Stable sorting along an axis, NaN largest.

use std::cmp::Ordering;

use crate::dtype::Element;
use crate::{Tensor, match_dtype};

/// Values in order along `axis`, and the i64 indices they came from; equals keep their order.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![2.0f32, f32::NAN, 1.0], &[3])?;
/// let (values, indices) = ops::sort(&x, 0, false);
/// assert_eq!(indices.to_vec::<i64>()?, [2, 0, 1]);
/// assert!(values.to_f64()[2].is_nan());
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn sort(x: &Tensor, axis: usize, descending: bool) -> (Tensor, Tensor) {
    let x = x.contiguous();
    let (len, inner) = (
        x.shape()[axis],
        x.shape()[axis + 1..].iter().product::<usize>(),
    );
    match_dtype!(x.dtype(), T => {
        let src = x.as_slice::<T>().expect("contiguous");
        let mut ids = vec![0i64; src.len()];
        let mut line: Vec<usize> = Vec::with_capacity(len);
        for l in 0..src.len() / len.max(1) {
            let start = l / inner * len * inner + l % inner;
            let at = |r: usize| src[start + r * inner];
            line.clear();
            line.extend(0..len);
            line.sort_by(|&a, &b| if descending { order(at(b), at(a)) } else { order(at(a), at(b)) });
            line.iter().enumerate().for_each(|(r, &from)| ids[start + r * inner] = from as i64);
        }
        let indices = Tensor::from_vec(ids, x.shape()).expect("as many");
        let values = crate::ops::gather(&x, axis, &indices).expect("indices of a sort are in range");
        (values, indices)
    })
}

/// Where each of `values` belongs in a rising row, as i64: before its equals, or behind them when `right`.
/// `rows` is `[.., n]`; `values` has the same leading axes, and any others after them.
pub fn search_sorted(rows: &Tensor, values: &Tensor, right: bool) -> Tensor {
    let (rows, values) = (rows.contiguous(), values.contiguous());
    let len = rows.shape()[rows.rank() - 1];
    let count: usize = values.shape()[rows.rank() - 1..].iter().product();
    match_dtype!(rows.dtype(), T => {
        let all = rows.as_slice::<T>().expect("contiguous");
        let from = values.as_slice::<T>().expect("contiguous");
        Tensor::build(values.shape(), |out: &mut [i64]| {
            for (i, (y, &v)) in out.iter_mut().zip(from).enumerate() {
                let row = &all[i / count * len..][..len];
                let before = |&e: &T| match order(e, v) {
                    Ordering::Less => true,
                    Ordering::Equal => right,
                    Ordering::Greater => false,
                };
                *y = row.partition_point(before) as i64;
            }
        })
    })
}

#[allow(clippy::eq_op, reason = "x != x is how a generic float says NaN")]
fn order<T: Element>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| (a != a).cmp(&(b != b)))
}
