//! Stable sorting along an axis, NaN largest.

use std::cmp::Ordering;

use crate::dtype::Element;
use crate::{Tensor, match_dtype};

/// Values in order along `axis`, and the i64 indices they came from; equals keep their order.
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

#[allow(clippy::eq_op, reason = "x != x is how a generic float says NaN")]
fn order<T: Element>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| (a != a).cmp(&(b != b)))
}
