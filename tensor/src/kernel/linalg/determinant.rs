//! Determinants and their derivatives of any order, which singular matrices have too.
//!
//! The derivative of `det A` by the elements of `A` are its cofactors, `det(A) A^-T` where there is an
//! inverse. They are polynomials, so nothing here divides by a pivot that may be 0.

use super::eliminate::square;
use crate::{Result, Tensor};

/// The determinants of `a [.., n, n]`.
///
/// # Errors
/// When an element is not finite.
pub fn det(a: &Tensor) -> Result<Tensor> {
    let (values, n) = square("det", a)?;
    let shape = &a.shape()[..a.rank() - 2];
    let count = shape.iter().product::<usize>();
    let dets = (0..count).map(|i| Lu::new(&values[i * n * n..][..n * n], n).det());
    let dets = Tensor::from_vec(dets.collect::<Vec<f64>>(), shape)?;
    Ok(crate::ops::cast(&dets, a.dtype()))
}

/// The gradient by `a` of the derivative of `det a` along each of `along`, all of `a`'s shape
/// `[.., n, n]`: without any the cofactors, with one how they change along it, and so on.
///
/// # Errors
/// When an element is not finite.
pub fn cofactors(a: &Tensor, along: &[Tensor]) -> Result<Tensor> {
    let (values, n) = square("det", a)?;
    let along: Vec<Vec<f64>> = along.iter().map(Tensor::to_f64).collect();
    let mut out = Vec::with_capacity(values.len());
    for i in (0..values.len()).step_by((n * n).max(1)) {
        let matrices = std::iter::once(&values).chain(&along);
        let matrices: Vec<Matrix> = matrices.map(|v| v[i..i + n * n].to_vec()).collect();
        out.extend(derivative(&matrices, n));
    }
    Ok(crate::ops::cast(
        &Tensor::from_vec(out, a.shape())?,
        a.dtype(),
    ))
}

/// `n * n` elements, row by row.
type Matrix = Vec<f64>;

/// [`cofactors`] of the first matrix along the others.
fn derivative(matrices: &[Matrix], n: usize) -> Matrix {
    let [a, along @ ..] = matrices else {
        return Vec::new();
    };
    let Some((last, others)) = along.split_last() else {
        return Lu::new(a, n).cofactors();
    };
    if let ([], Some(quick)) = (others, along_one(a, last, n)) {
        return quick;
    }
    // By definition: an element's cofactor is the determinant of what is left without its row and
    // column, so the derivative is that determinant's.
    let mut out = Vec::with_capacity(n * n);
    for (i, j) in (0..n * n).map(|at| (at / n, at % n)) {
        let minors: Vec<Matrix> = matrices.iter().map(|m| without(m, n, i, j)).collect();
        let (end, rest) = minors.split_last().expect("two matrices or more");
        let slope = dot(end, &derivative(rest, n - 1));
        out.push(if (i + j) % 2 == 0 { slope } else { -slope });
    }
    out
}

/// `(<C, G> C - C G^T C) / det` for cofactors `C`: the derivative along `g` where `a` is far enough from
/// singular for the difference to keep its digits. Small matrices go by the definition, which is quick
/// there and cancels nothing.
fn along_one(a: &[f64], g: &[f64], n: usize) -> Option<Matrix> {
    let lu = Lu::new(a, n);
    if n <= 4 || lu.lu[n * n - 1].abs() < 1e-6 * lu.lu[0].abs() || lu.lu[0] == 0.0 {
        return None;
    }
    let (c, det) = (lu.cofactors(), lu.det());
    let turned: Matrix = (0..n * n).map(|at| g[at % n * n + at / n]).collect();
    let product = times(&times(&c, &turned, n), &c, n);
    let along = dot(&c, g);
    let of = |(c, p): (&f64, &f64)| (along * c - p) / det;
    Some(c.iter().zip(&product).map(of).collect())
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

fn times(x: &[f64], y: &[f64], n: usize) -> Matrix {
    let at = |at: usize| (0..n).map(|k| x[at / n * n + k] * y[k * n + at % n]).sum();
    (0..n * n).map(at).collect()
}

/// `m` without row `i` and column `j`.
fn without(m: &[f64], n: usize, i: usize, j: usize) -> Matrix {
    let kept = |at: &usize| at / n != i && at % n != j;
    (0..n * n).filter(kept).map(|at| m[at]).collect()
}

/// `P A Q = L U` with the largest element left as each pivot, so that a pivot of 0 is followed by
/// zeros alone.
struct Lu {
    n: usize,
    /// `L` below the diagonal (which is 1), `U` on and above it.
    lu: Matrix,
    rows: Vec<usize>,
    cols: Vec<usize>,
    /// The sign of both permutations together.
    sign: f64,
}

impl Lu {
    fn new(a: &[f64], n: usize) -> Lu {
        let mut it = Lu {
            n,
            lu: a.to_vec(),
            rows: (0..n).collect(),
            cols: (0..n).collect(),
            sign: 1.0,
        };
        for c in 0..n {
            it.bring_pivot(c);
            let p = it.lu[c * n + c];
            if p == 0.0 {
                break;
            }
            for r in c + 1..n {
                let f = it.lu[r * n + c] / p;
                it.lu[r * n + c] = f;
                (c + 1..n).for_each(|j| it.lu[r * n + j] -= f * it.lu[c * n + j]);
            }
        }
        it
    }

    /// Swaps the largest element of what is left to the diagonal.
    fn bring_pivot(&mut self, c: usize) {
        let n = self.n;
        let left = (c..n).flat_map(|r| (c..n).map(move |j| (r, j)));
        let size = |&(r, j): &(usize, usize)| self.lu[r * n + j].abs();
        let best = left.max_by(|p, q| size(p).total_cmp(&size(q)));
        let (r, j) = best.unwrap_or((c, c));
        (0..n).for_each(|k| self.lu.swap(c * n + k, r * n + k));
        (0..n).for_each(|k| self.lu.swap(k * n + c, k * n + j));
        self.rows.swap(c, r);
        self.cols.swap(c, j);
        self.sign *= if (r == c) == (j == c) { 1.0 } else { -1.0 };
    }

    fn pivots(&self) -> impl Iterator<Item = f64> {
        (0..self.n).map(|i| self.lu[i * self.n + i])
    }

    fn det(&self) -> f64 {
        self.sign * self.pivots().product::<f64>()
    }

    /// The cofactors of `A`: those of `L`, which are `L^-T`, times those of `U`.
    fn cofactors(&self) -> Matrix {
        let n = self.n;
        let mut x = self.upper_cofactors();
        for i in (0..n).rev() {
            for (k, j) in (i + 1..n).flat_map(|k| (0..n).map(move |j| (k, j))) {
                x[i * n + j] -= self.lu[k * n + i] * x[k * n + j];
            }
        }
        let mut out = vec![0.0; n * n];
        for (i, j) in (0..n * n).map(|at| (at / n, at % n)) {
            out[self.rows[i] * n + self.cols[j]] = self.sign * x[i * n + j];
        }
        out
    }

    /// The cofactors of `U`, lower triangular: with `d` the product of the pivots but the last `p`, and
    /// `V` the inverse of `U` without its last row and column `c`, they are `d p V^T` beside
    /// `-d (V c)^T` and `d` below. Two pivots of 0 leave none.
    fn upper_cofactors(&self) -> Matrix {
        let n = self.n;
        let mut out = vec![0.0; n * n];
        let Some(last) = n.checked_sub(1) else {
            return out;
        };
        let u = |i: usize, j: usize| self.lu[i * n + j];
        let d: f64 = self.pivots().take(last).product();
        if self.pivots().take(last).any(|p| p == 0.0) {
            return out;
        }
        // Column j of d V by back substitution, and of -d V c with c in place of the unit vector.
        for j in 0..n {
            let mut x = vec![0.0; last];
            for i in (0..last).rev() {
                let own = match j == last {
                    true => -d * u(i, last),
                    false => f64::from(u8::from(i == j)) * d * u(last, last),
                };
                let known: f64 = (i + 1..last).map(|k| u(i, k) * x[k]).sum();
                x[i] = (own - known) / u(i, i);
            }
            (0..last).for_each(|i| out[j * n + i] = x[i]);
        }
        out[last * n + last] = d;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(matrices: &[&[f64]], n: usize, want: &[f64]) {
        let all: Vec<Matrix> = matrices.iter().map(|m| m.to_vec()).collect();
        let got = derivative(&all, n);
        assert_eq!(got.len(), want.len());
        for (g, w) in got.iter().zip(want) {
            assert!(
                (g - w).abs() < 1e-12 * (1.0 + w.abs()),
                "{got:?} is not {want:?}"
            );
        }
    }

    #[test]
    fn cofactors_are_those_of_the_definition_whatever_the_rank() {
        held(&[&[0.0, 0.0, 0.0, 1.0]], 2, &[1.0, 0.0, 0.0, 0.0]);
        held(&[&[0.0; 4]], 2, &[0.0; 4]);
        held(&[&[5.0]], 1, &[1.0]);
        held(&[&[]], 0, &[]);
        // Rank 3, 2 and 1 of three.
        let cofactors = [-3.0, 6.0, -3.0, 6.0, -12.0, 6.0, -3.0, 6.0, -3.0];
        held(
            &[&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]],
            3,
            &cofactors,
        );
        held(
            &[&[2.0, 0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 0.0, 4.0]],
            3,
            &[12.0, 0.0, 0.0, 0.0, 8.0, 0.0, -3.0, 0.0, 6.0],
        );
        held(
            &[&[1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 3.0, 6.0, 9.0]],
            3,
            &[0.0; 9],
        );
    }

    #[test]
    fn second_and_third_derivatives_are_those_of_the_polynomial() {
        // Of a d - b c: constant whatever the point.
        for a in [[0.0; 4], [0.0, 0.0, 0.0, 1.0], [1.0, 2.0, 3.0, 4.0]] {
            held(&[&a, &[1.0, 2.0, 3.0, 4.0]], 2, &[4.0, -3.0, -2.0, 1.0]);
            held(&[&a, &[1.0; 4], &[1.0; 4]], 2, &[0.0; 4]);
        }
        // Along the identity, the cofactors of a diagonal matrix change by sums of the other two.
        let diagonal = [0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0];
        let eye = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let want = [5.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 2.0];
        held(&[&diagonal, &eye], 3, &want);
    }
}
