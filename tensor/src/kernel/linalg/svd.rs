//! Factorisations, in f64 inside.

use crate::{Error, Result, Tensor};

/// Sweeps of one-sided Jacobi after which a matrix that has not converged is refused.
const SWEEPS: usize = 60;

/// The reduced singular value decomposition of `[.., m, n]`: `u [.., m, k]`, `s [.., k]` falling,
/// `vh [.., k, n]` with `k = min(m, n)` and `x = u diag(s) vh`.
///
/// One-sided Jacobi (Hestenes 1958; Demmel and Veselic 1992): slow for large matrices, accurate for
/// small singular values.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let x = Tensor::from_vec(vec![3.0f64, 0.0, 0.0, 4.0, 0.0, 0.0], &[3, 2])?;
/// let [u, s, vh] = ops::svd(&x)?;
/// assert_eq!((u.shape(), s.to_f64(), vh.shape()), (&[3, 2][..], vec![4.0, 3.0], &[2, 2][..]));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When an element is not finite.
pub fn svd(x: &Tensor) -> Result<[Tensor; 3]> {
    let rank = x.rank();
    let (m, n) = (x.shape()[rank - 2], x.shape()[rank - 1]);
    let k = m.min(n);
    let values = x.to_f64();
    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
        return Err(Error::value(format!(
            "svd: the matrix contains {bad}; every element must be finite"
        )));
    }
    let batch = x.shape()[..rank - 2].to_vec();
    let (mut us, mut ss, mut vs) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..batch.iter().product::<usize>() {
        let (u, s, vh) = one(&values[i * m * n..][..m * n], m, n);
        us.extend(u);
        ss.extend(s);
        vs.extend(vh);
    }
    let give = |data: Vec<f64>, tail: &[usize]| {
        let shape = [&batch[..], tail].concat();
        Tensor::from_vec(data, &shape).map(|t| crate::ops::cast(&t, x.dtype()))
    };
    Ok([give(us, &[m, k])?, give(ss, &[k])?, give(vs, &[k, n])?])
}

/// One matrix, row-major; a wide one is transposed first.
fn one(x: &[f64], m: usize, n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    if m < n {
        let t: Vec<f64> = (0..n * m).map(|i| x[i % m * n + i / m]).collect();
        let (u, s, vh) = one(&t, n, m);
        let flip = |a: &[f64], rows: usize, cols: usize| {
            (0..rows * cols)
                .map(|i| a[i % rows * cols + i / rows])
                .collect()
        };
        return (flip(&vh, m, m), s, flip(&u, n, m));
    }
    // Columns of `a` are rotated in pairs until orthogonal; `v` collects the rotations.
    let mut a: Vec<Vec<f64>> = (0..n)
        .map(|c| (0..m).map(|r| x[r * n + c]).collect())
        .collect();
    let mut v: Vec<Vec<f64>> = (0..n)
        .map(|c| (0..n).map(|r| f64::from(u8::from(r == c))).collect())
        .collect();
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                rotated |= rotate(&mut a, &mut v, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    let norms: Vec<f64> = a.iter().map(|c| dot(c, c).sqrt()).collect();
    order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    let s: Vec<f64> = order.iter().map(|&i| norms[i]).collect();
    let columns = orthonormal(&a, &order, &norms, m);
    let u = (0..m * n).map(|i| columns[i % n][i / n]).collect();
    let vh = (0..n * n).map(|i| v[order[i / n]][i % n]).collect();
    (u, s, vh)
}

/// One Jacobi rotation of columns `p` and `q`; false when they were orthogonal already.
fn rotate(a: &mut [Vec<f64>], v: &mut [Vec<f64>], p: usize, q: usize) -> bool {
    let (alpha, beta, gamma) = (dot(&a[p], &a[p]), dot(&a[q], &a[q]), dot(&a[p], &a[q]));
    if gamma.abs() <= f64::EPSILON * (alpha * beta).sqrt() || gamma == 0.0 {
        return false;
    }
    let zeta = (beta - alpha) / (2.0 * gamma);
    let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = c * t;
    for w in [a, v] {
        let (left, right) = w.split_at_mut(q);
        for (x, y) in left[p].iter_mut().zip(&mut right[0]) {
            (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
        }
    }
    true
}

/// Unit columns in order; where the singular value is 0, any unit vector orthogonal to the rest.
fn orthonormal(a: &[Vec<f64>], order: &[usize], norms: &[f64], m: usize) -> Vec<Vec<f64>> {
    let mut out: Vec<Vec<f64>> = Vec::new();
    for &i in order {
        let mut column: Vec<f64> = a[i].clone();
        if norms[i] > 0.0 {
            column.iter_mut().for_each(|x| *x /= norms[i]);
        } else {
            // Of equally good ones the first, so that a matrix of zeros has identities.
            column = (0..m)
                .rev()
                .map(|e| complement(&out, e, m))
                .max_by(|x, y| dot(x, x).total_cmp(&dot(y, y)))
                .unwrap_or_default();
            let length = dot(&column, &column).sqrt();
            column.iter_mut().for_each(|x| *x /= length);
        }
        out.push(column);
    }
    out
}

/// The unit vector `e` less its part in the span of the orthonormal `basis`.
fn complement(basis: &[Vec<f64>], e: usize, m: usize) -> Vec<f64> {
    let mut x: Vec<f64> = (0..m).map(|r| f64::from(u8::from(r == e))).collect();
    for b in basis {
        let along = dot(b, &x);
        x.iter_mut().zip(b).for_each(|(x, b)| *x -= along * b);
    }
    x
}

/// The dot product.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}
