//! Matrix products.

use lepton_autograd::{DType, Var};

use crate::inputs::{ids, values};

/// Elements computed by the definition.
const PICKED: usize = 64;

/// `y [.., m, n]` is `a [.., m, k]` times `b [.., k, n]`.
///
/// Every element takes part in Freivalds' check (1977): `y v = a (b v)` for a vector of signs, which
/// costs a product of matrix and vector. A few dozen elements are computed by the definition.
///
/// # Errors
/// When it is not.
pub fn product(a: &Var, b: &Var, y: &Var) -> Result<(), String> {
    let [.., m, k] = *a.shape() else {
        return Err("the left side is no matrix".into());
    };
    let n = b.shape()[b.rank() - 1];
    let batch: usize = a.shape()[..a.rank() - 2].iter().product();
    let unit = if y.dtype() == DType::F64 { 1e-14 } else { 1e-6 };
    let [a, b, y] = [a, b, y].map(|x| x.tensor().to_f64());
    if y.len() != batch * m * n {
        return Err(format!("{} elements instead of {}", y.len(), batch * m * n));
    }
    for i in 0..batch {
        let a = &a[i * m * k..][..m * k];
        let b = &b[i * k * n..][..k * n];
        let y = &y[i * m * n..][..m * n];
        freivalds(a, b, y, [m, k, n], unit)?;
        definition(a, b, y, [m, k, n], unit)?;
    }
    Ok(())
}

fn freivalds(
    a: &[f64],
    b: &[f64],
    y: &[f64],
    [m, k, n]: [usize; 3],
    unit: f64,
) -> Result<(), String> {
    let sign = |x: &f32| f64::from(x.signum());
    let signs: Vec<f64> = values(n, 97).iter().map(sign).collect();
    let dot = |row: &[f64], v: &[f64]| row.iter().zip(v).map(|(x, v)| x * v).sum::<f64>();
    let inner: Vec<f64> = b.chunks(n).map(|row| dot(row, &signs)).collect();
    // Errors of n sums over k products of a third or so, as a random walk, and room.
    let tolerance = 8.0 * unit * (1.0 + ((n * k) as f64).sqrt());
    for i in 0..m {
        let got = dot(&y[i * n..][..n], &signs);
        let want = dot(&a[i * k..][..k], &inner);
        let off = (got - want).abs();
        if off.is_nan() || off > tolerance {
            return Err(format!(
                "row {i} is off by {off:.3e} (signed sum), allowed {tolerance:.1e}"
            ));
        }
    }
    Ok(())
}

fn definition(
    a: &[f64],
    b: &[f64],
    y: &[f64],
    [m, k, n]: [usize; 3],
    unit: f64,
) -> Result<(), String> {
    let tolerance = 8.0 * unit * (1.0 + (k as f64).sqrt());
    for at in ids(PICKED, (m * n) as u64, 98) {
        let (row, column) = (at as usize / n, at as usize % n);
        let want: f64 = (0..k).map(|j| a[row * k + j] * b[j * n + column]).sum();
        super::near(y[at as usize], want, tolerance, || {
            format!("element [{row}, {column}]")
        })?;
    }
    Ok(())
}
