//! Solving and factoring square matrices, in f64 inside.

use crate::{Error, Result, Tensor};

/// The matrices of `x [.., n, n]`, one after the other, and `n`.
pub(super) fn square(what: &str, x: &Tensor) -> Result<(Vec<f64>, usize)> {
    let values = x.to_f64();
    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
        return Err(Error::value(format!(
            "{what}: the matrix contains {bad}; every element must be finite"
        )));
    }
    Ok((values, x.shape()[x.rank() - 1]))
}

/// Gaussian elimination with the largest pivot of each column, on rows `[a | b]` of `width`.
///
/// Calls `pivot(value, swapped)` for each column; the rows of `b` are the solution afterwards.
fn eliminate(rows: &mut [f64], n: usize, width: usize, mut pivot: impl FnMut(f64, bool) -> bool) {
    for c in 0..n {
        let size = |r: &usize| rows[r * width + c].abs();
        let best = (c..n)
            .max_by(|p, q| size(p).total_cmp(&size(q)))
            .unwrap_or(c);
        (0..width).for_each(|j| rows.swap(c * width + j, best * width + j));
        let p = rows[c * width + c];
        if !pivot(p, best != c) {
            return;
        }
        for r in c + 1..n {
            let f = rows[r * width + c] / p;
            (c..width).for_each(|j| rows[r * width + j] -= f * rows[c * width + j]);
        }
    }
    for c in (0..n).rev() {
        for j in n..width {
            let known: f64 = (c + 1..n)
                .map(|k| rows[c * width + k] * rows[k * width + j])
                .sum();
            rows[c * width + j] = (rows[c * width + j] - known) / rows[c * width + c];
        }
    }
}

/// `x` with `a x = b` for `a [.., n, n]` and `b [.., n, m]` of equal batch axes.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let a = Tensor::from_vec(vec![2.0f64, 0.0, 0.0, 4.0], &[2, 2])?;
/// let b = Tensor::from_vec(vec![2.0f64, 2.0], &[2, 1])?;
/// assert_eq!(ops::solve(&a, &b)?.to_f64(), [1.0, 0.5]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When a matrix is singular or an element is not finite.
pub fn solve(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (left, n) = square("solve", a)?;
    let (right, m) = (b.to_f64(), b.shape()[b.rank() - 1]);
    let mut out: Vec<f64> = Vec::with_capacity(right.len());
    let batches = right.len().checked_div(n * m).unwrap_or(0);
    for i in 0..batches {
        let (p, q) = (&left[i * n * n..][..n * n], &right[i * n * m..][..n * m]);
        let mut rows: Vec<f64> = (0..n)
            .flat_map(|r| p[r * n..][..n].iter().chain(&q[r * m..][..m]))
            .copied()
            .collect();
        let mut regular = true;
        eliminate(&mut rows, n, n + m, |p, _| {
            regular &= p != 0.0;
            regular
        });
        if !regular {
            return Err(Error::value(format!(
                "solve: matrix {i} is singular; it has no inverse"
            )));
        }
        rows.chunks_exact(n + m).for_each(|r| out.extend(&r[n..]));
    }
    Ok(crate::ops::cast(
        &Tensor::from_vec(out, b.shape())?,
        b.dtype(),
    ))
}

/// The sign of the determinant of `a [.., n, n]` and the logarithm of its absolute value; 0 and
/// `-inf` for a singular matrix.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let a = Tensor::from_vec(vec![0.0f64, 1.0, 1.0, 0.0], &[2, 2])?;
/// let [sign, log] = ops::slogdet(&a)?;
/// assert_eq!((sign.item()?, log.item()?), (-1.0, 0.0));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When an element is not finite.
pub fn slogdet(a: &Tensor) -> Result<[Tensor; 2]> {
    let (values, n) = square("slogdet", a)?;
    let shape = &a.shape()[..a.rank() - 2];
    let (mut signs, mut logs) = (Vec::new(), Vec::new());
    for i in 0..shape.iter().product::<usize>() {
        let (mut sign, mut log) = (1.0, 0.0);
        eliminate(
            &mut values[i * n * n..][..n * n].to_vec(),
            n,
            n,
            |p, swapped| {
                sign *= if p == 0.0 { 0.0 } else { p.signum() };
                sign = if swapped { -sign } else { sign };
                log += p.abs().ln();
                p != 0.0
            },
        );
        signs.push(sign);
        logs.push(log);
    }
    let give = |v: Vec<f64>| Tensor::from_vec(v, shape).map(|t| crate::ops::cast(&t, a.dtype()));
    Ok([give(signs)?, give(logs)?])
}

/// The lower triangular `l` with `a = l l^T` for symmetric positive definite `a [.., n, n]`, of
/// which the lower triangle is read.
///
/// ```
/// use lepton_tensor::{Tensor, ops};
/// let a = Tensor::from_vec(vec![4.0f64, 2.0, 2.0, 5.0], &[2, 2])?;
/// assert_eq!(ops::cholesky(&a)?.to_f64(), [2.0, 0.0, 1.0, 2.0]);
/// let indefinite = Tensor::from_vec(vec![1.0f64, 2.0, 2.0, 1.0], &[2, 2])?;
/// assert!(ops::cholesky(&indefinite).is_err());
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When a matrix is not positive definite or an element is not finite.
pub fn cholesky(a: &Tensor) -> Result<Tensor> {
    let (mut values, n) = square("cholesky", a)?;
    for (i, x) in values.chunks_exact_mut((n * n).max(1)).enumerate() {
        for r in 0..n {
            for c in 0..=r {
                let known: f64 = (0..c).map(|k| x[r * n + k] * x[c * n + k]).sum();
                let rest = x[r * n + c] - known;
                if r == c && rest <= 0.0 {
                    return Err(Error::value(format!(
                        "cholesky: matrix {i} is not positive definite (pivot {r} is {rest})"
                    )));
                }
                x[r * n + c] = if r == c {
                    rest.sqrt()
                } else {
                    rest / x[c * n + c]
                };
            }
            (r + 1..n).for_each(|c| x[r * n + c] = 0.0);
        }
    }
    Ok(crate::ops::cast(
        &Tensor::from_vec(values, a.shape())?,
        a.dtype(),
    ))
}
