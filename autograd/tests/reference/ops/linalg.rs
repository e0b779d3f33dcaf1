//! Linear systems, determinants, factors and norms of matrices.

use lepton_autograd::Var;

use super::elsewhere;
use super::reduce::order;
use crate::call::{Arg, Call, Out};
use crate::report::{Stop, lacks};

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "linalg.solve" | "lu_solve_roundtrip" => {
            if !c.flag(2, "left", true)? {
                return lacks("a system with the unknown on the left");
            }
            Ok(vec![c.var(0)?.solve(&c.var(1)?)?])
        }
        "linalg.inv" => Ok(vec![c.var(0)?.inverse()]),
        "linalg.det" => Ok(vec![c.var(0)?.det()?]),
        "linalg.slogdet" => {
            let (sign, log) = c.var(0)?.slogdet()?;
            Ok(vec![sign, log])
        }
        "logdet" => {
            let (sign, log) = c.var(0)?.slogdet()?;
            // The logarithm of a negative number does not exist.
            let bad = sign.lt(&sign.zeros_like());
            Ok(vec![log.masked_fill(&bad, f64::NAN)])
        }
        "linalg.cholesky" => {
            let l = c.var(0)?.cholesky()?;
            Ok(vec![if c.flag(1, "upper", false)? { l.t() } else { l }])
        }
        "cholesky_solve" => {
            let (b, a) = (c.var(0)?, gram(c, 1)?);
            Ok(vec![a.solve(&b)?])
        }
        "cholesky_inverse" => Ok(vec![gram(c, 0)?.inverse()]),
        "linalg.solve_triangular" => triangular(c),
        "linalg.matrix_power" => {
            let (x, n) = (c.var(0)?, c.int(1, "n", 1)?);
            Ok(vec![power(&x, n)])
        }
        "linalg.tensorinv" => {
            let (x, ind) = (c.var(0)?, c.int(1, "ind", 2)? as usize);
            let (head, tail) = x.shape().split_at(ind);
            let n = head.iter().product();
            let inverse = x.reshape(&[n, n]).inverse();
            Ok(vec![inverse.reshape(&[tail, head].concat())])
        }
        "linalg.tensorsolve" => {
            let (mut a, b) = (c.var(0)?, c.var(1)?);
            if let Some(dims) = c.opt_ints(2, "dims")? {
                let to: Vec<isize> = (-(dims.len() as isize)..0).collect();
                a = a.move_axes(&dims, &to);
            }
            let n = b.numel();
            let tail = a.shape()[b.rank()..].to_vec();
            let x = a.reshape(&[n, n]).solve(&b.reshape(&[n, 1]))?;
            Ok(vec![x.reshape(&tail)])
        }
        "linalg.svdvals" => Ok(vec![c.var(0)?.svd()?.1]),
        "svd_abs" => {
            let (u, s, vh) = c.var(0)?.svd()?;
            Ok(vec![u, s, vh])
        }
        "linalg.norm" | "linalg.matrix_norm" => norm(c),
        _ => elsewhere(),
    }
}

/// The matrix of which a triangular factor is given.
fn gram(c: &Call<'_>, at: usize) -> Result<Var, Stop> {
    let l = c.var(at)?;
    Ok(if c.flag(at + 1, "upper", false)? {
        l.t().matmul(&l)
    } else {
        l.matmul(&l.t())
    })
}

fn triangular(c: &Call<'_>) -> Out {
    let upper = c.flag(usize::MAX, "upper", false)?;
    let left = c.flag(usize::MAX, "left", true)?;
    let unit = c.flag(usize::MAX, "unitriangular", false)?;
    let (a, b) = (c.var(0)?, c.var(1)?);
    let mut a = if upper { a.triu(0) } else { a.tril(0) };
    if unit {
        let n = a.shape()[a.rank() - 1];
        let strict = if upper { a.triu(1) } else { a.tril(-1) };
        a = strict + Var::eye(n, a.dtype(), a.device());
    }
    Ok(vec![if left {
        a.solve(&b)?
    } else {
        a.t().solve(&b.t())?.t()
    }])
}

fn power(x: &Var, n: isize) -> Var {
    if n < 0 {
        return power(&x.inverse(), -n);
    }
    let eye = Var::eye(x.shape()[x.rank() - 1], x.dtype(), x.device());
    (0..n).fold(eye.expand(x.shape()), |y, _| y.matmul(x))
}

/// A vector norm, or along two axes one of a matrix: of the entries, its rows, its columns, or its
/// singular values.
fn norm(c: &Call<'_>) -> Out {
    let x = c.var(0)?;
    let nuclear = matches!(c.arg(1, "ord"), Some(Arg::Text(t)) if t == "nuc");
    let given = c.arg(1, "ord").is_some();
    let p = if nuclear { 0.0 } else { order(c, 1, "ord")? };
    let named = matches!(c.arg(1, "ord"), Some(Arg::Text(_)));
    let matrix = c.op == "linalg.matrix_norm";
    let default = if matrix { Some(vec![-2, -1]) } else { None };
    let axes = c.opt_ints(2, "dim")?.or(default);
    let keep = c.flag(3, "keepdim", false)?;
    let axes = match axes {
        Some(a) => a,
        // Without an order every array is one long vector.
        None if !given => (0..x.rank() as isize).collect(),
        None if x.rank() <= 2 => (0..x.rank() as isize).collect(),
        None => return lacks("a matrix norm of more than two axes"),
    };
    // The entries as one vector: along other than two axes, without an order, or by Frobenius.
    let entries = axes.len() != 2 || !given || (named && !nuclear);
    if entries {
        let y = if x.rank() == 0 {
            x.norm(p, &[])
        } else {
            x.norm(p, &axes)
        };
        return Ok(vec![if keep { y.keep_axes(&x, &axes) } else { y }]);
    }
    let m = x.move_axes(&axes, &[-2, -1]);
    let y = if nuclear {
        m.svd()?.1.sum(&[-1])
    } else if p.abs() == 2.0 {
        let s = m.svd()?.1;
        if p > 0.0 {
            s.amax(&[-1])
        } else {
            s.amin(&[-1])
        }
    } else {
        // Sums of columns for 1, of rows for infinity.
        let sums = m.abs().sum(&[if p.abs() == 1.0 { -2 } else { -1 }]);
        if p > 0.0 {
            sums.amax(&[-1])
        } else {
            sums.amin(&[-1])
        }
    };
    Ok(vec![if keep { y.keep_axes(&x, &axes) } else { y }])
}
