//! Products of vectors, matrices and more.

use lepton_autograd::Var;

use super::view::position;
use super::{elsewhere, one, two};
use crate::call::{Arg, Call, Out};
use crate::report::{Stop, lacks};

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "matmul" | "mm" | "mv" | "bmm" | "dot" | "matmul_k" | "trap_empty_matmul" => {
            two(c, Var::matmul)
        }
        "inner" => two(c, |x, y| match (x.rank(), y.rank()) {
            (0, _) | (_, 0) => x * y,
            _ => x.tensordot(y, &[-1], &[-1]),
        }),
        "outer" => two(c, |x, y| x.unsqueeze(1) * y.unsqueeze(0)),
        "kron" => two(c, Var::kron),
        "addmm" | "addmv" | "baddbmm" => added(c, Var::matmul),
        "addr" => added(c, |x, y| x.unsqueeze(1) * y.unsqueeze(0)),
        "addbmm" => added(c, |x, y| x.matmul(y).sum(&[0])),
        "linalg.multi_dot" => {
            let parts = c.list(0)?;
            let Some((first, rest)) = parts.split_first() else {
                return lacks("a product of nothing");
            };
            Ok(vec![rest.iter().fold(first.clone(), |x, y| x.matmul(y))])
        }
        "linalg.vecdot" => {
            let axis = c.int(usize::MAX, "dim", -1)?;
            two(c, |x, y| (x * y).sum(&[axis]))
        }
        "linalg.vander" => {
            let x = c.var(0)?;
            let x = if x.rank() == 0 { x.reshape(&[1]) } else { x };
            let n = c.int(usize::MAX, "N", *x.shape().last().unwrap_or(&0) as isize)?;
            let columns: Vec<Var> = (0..n).map(|p| x.pow_scalar(p as f64)).collect();
            Ok(vec![Var::stack(&columns, -1)])
        }
        "cross" | "linalg.cross" => {
            let (x, y) = (c.var(0)?, c.var(1)?);
            let first = x.shape().iter().position(|&d| d == 3).unwrap_or(0) as isize;
            let default = if c.op == "cross" { first } else { -1 };
            let axis = c.int(2, "dim", default)?;
            Ok(vec![x.cross(&y, axis)])
        }
        "cdist" | "trap_cdist_zero" => {
            // How the distance is computed is no part of its value.
            let _ = c.arg(3, "compute_mode");
            let p = c.number(2, "p", 2.0)?;
            two(c, |x, y| x.cdist(y, p))
        }
        "pdist" => {
            let p = c.number(1, "p", 2.0)?;
            one(c, |x| x.pdist(p))
        }
        "tensordot" => tensordot(c),
        "einsum" | "einsum_more" => einsum(c),
        _ => elsewhere(),
    }
}

/// `beta x + alpha f(y, z)`.
fn added(c: &Call<'_>, f: impl Fn(&Var, &Var) -> Var) -> Out {
    let beta = c.number(usize::MAX, "beta", 1.0)?;
    let alpha = c.number(usize::MAX, "alpha", 1.0)?;
    Ok(vec![c.var(0)? * beta + f(&c.var(1)?, &c.var(2)?) * alpha])
}

fn tensordot(c: &Call<'_>) -> Out {
    let (x, y) = (c.var(0)?, c.var(1)?);
    let ints = |a: &Arg| -> Option<Vec<isize>> {
        match a {
            Arg::List(all) => all.iter().map(|a| a.int().map(|i| i as isize)).collect(),
            a => a.int().map(|i| vec![i as isize]),
        }
    };
    let (a, b) = match c.arg(2, "dims") {
        Some(Arg::Int(n)) => {
            let n = *n as isize;
            ((-n..0).collect(), (0..n).collect())
        }
        Some(Arg::List(pair)) if pair.len() == 2 => match (ints(&pair[0]), ints(&pair[1])) {
            (Some(a), Some(b)) => (a, b),
            _ => return lacks("tensordot over such axes"),
        },
        _ => return lacks("tensordot without axes"),
    };
    a.iter().try_for_each(|&i| position(&x, i).map(|_| ()))?;
    Ok(vec![x.tensordot(&y, &a, &b)])
}

/// The equation stands first, or after the operands.
fn einsum(c: &Call<'_>) -> Out {
    let first = matches!(c.arg(0, "equation"), Some(Arg::Text(_)));
    let (equation, operands) = if first {
        (c.text(0, "equation")?, c.vars(1)?)
    } else {
        (c.text(1, "equation")?, c.list(0)?)
    };
    match equation {
        Some(e) => Ok(vec![Var::einsum(&e, &operands).map_err(Stop::from)?]),
        None => lacks("einsum without an equation"),
    }
}
