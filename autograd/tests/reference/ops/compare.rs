//! Comparisons, searches and counts: nothing here has a gradient.

use lepton_autograd::{DType, Var};

use super::{elsewhere, one, pair};
use crate::call::{Call, Out};
use crate::report::lacks;

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "eq" => numbers(c, Var::eq),
        "ne" => numbers(c, Var::ne),
        "lt" => numbers(c, Var::lt),
        "le" => numbers(c, Var::le),
        "gt" => numbers(c, Var::gt),
        "ge" => numbers(c, Var::ge),
        "logical_and" => numbers(c, Var::logical_and),
        "logical_or" => numbers(c, Var::logical_or),
        "logical_xor" => numbers(c, Var::logical_xor),
        "logical_not" => one(c, Var::logical_not),
        "isnan" => one(c, Var::isnan),
        "isfinite" => one(c, Var::isfinite),
        "isinf" => one(c, |x| x.isfinite().logical_or(&x.isnan()).logical_not()),
        "isposinf" => one(c, |x| x.eq(&infinity(x, 1.0))),
        "isneginf" => one(c, |x| x.eq(&infinity(x, -1.0))),
        "signbit" => one(c, |x| {
            let size = x.ones_like();
            size.copysign(x).lt(&x.zeros_like())
        }),
        "heaviside" => numbers(c, |x, y| {
            let zero = x.zeros_like();
            let step = x.gt(&zero).to_dtype(x.dtype());
            Var::where_(&x.eq(&zero), y, &step.masked_fill(&x.isnan(), f64::NAN))
        }),
        "isclose" => isclose(c).map(|y| vec![y]),
        "allclose" => isclose(c).map(|_| Vec::new()),
        "equal" => {
            let (x, y) = (c.var(0)?, c.var(1)?);
            if x.shape() == y.shape() {
                x.eq(&y);
            }
            Ok(Vec::new())
        }
        "isin" => {
            let (x, of) = (c.var(0)?, c.var(1)?);
            let of = of.reshape(&[of.numel()]);
            let found = x.unsqueeze(-1).eq(&of).sum(&[-1]);
            Ok(vec![found.gt(&found.zeros_like())])
        }
        "all" => truth(c, |x| x.logical_not(), true),
        "any" => truth(c, |x| x.logical_not().logical_not(), false),
        "count_nonzero" => {
            let axes = c.opt_ints(1, "dim")?.unwrap_or_default();
            one(c, |x| x.logical_not().logical_not().sum(&axes))
        }
        "argmax" => arg(c, Var::argmax),
        "argmin" => arg(c, Var::argmin),
        "argsort" => {
            let (axis, descending, _) = sorting(c)?;
            one(c, |x| sorted(x, axis, descending).1)
        }
        "sort" => {
            let (axis, descending, _) = sorting(c)?;
            pair(sorted(&c.var(0)?, axis, descending))
        }
        "trap_sort_nan_order" => pair(c.var(0)?.sort(0, false)),
        "msort" => one(c, |x| x.sort(0, false).0),
        "topk" | "trap_topk_values_nan" => {
            let (k, axis) = (c.int(1, "k", 1)?, c.int(2, "dim", -1)?);
            let (largest, sorted) = (c.flag(3, "largest", true)?, c.flag(4, "sorted", true)?);
            if !sorted {
                return lacks("topk in no order");
            }
            let x = c.var(0)?;
            if x.rank() == 0 {
                let (values, indices) = x.reshape(&[1]).topk(k as usize, 0, largest);
                return pair((values.reshape(&[]), indices.reshape(&[])));
            }
            let (values, indices) = x.topk(k as usize, axis, largest);
            Ok(match c.op {
                "topk" => vec![values, indices],
                _ => vec![values],
            })
        }
        "searchsorted" => {
            let side = c.text(6, "side")?;
            let right = c.flag(3, "right", false)? || side.as_deref() == Some("right");
            let order = c.opt_var(5, "sorter")?;
            let narrow = c.flag(2, "out_int32", false)?;
            let mut row = c.var(0)?;
            if let Some(order) = order {
                row = row.gather(-1, &order);
            }
            let Some(values) = c.var_or_number(1, "values", &row)? else {
                return lacks("searchsorted without values");
            };
            Ok(vec![index(row.searchsorted(&values, right), narrow)])
        }
        "bucketize" => {
            let right = c.flag(3, "right", false)?;
            let narrow = c.flag(2, "out_int32", false)?;
            Ok(vec![index(
                c.var(1)?.searchsorted(&c.var(0)?, right),
                narrow,
            )])
        }
        "unique" => {
            c.ignore("sorted");
            if c.opt_int(4, "dim")?.is_some() {
                return lacks("distinct slices");
            }
            let (values, inverse, counts) = c.var(0)?.unique()?;
            let mut out = vec![values];
            if c.flag(2, "return_inverse", false)? {
                out.push(inverse);
            }
            if c.flag(3, "return_counts", false)? {
                out.push(counts);
            }
            Ok(out)
        }
        "histc" => {
            let bins = c.int(1, "bins", 100)? as usize;
            let (low, high) = (c.number(2, "min", 0.0)?, c.number(3, "max", 0.0)?);
            let x = c.var(0)?;
            let (mut low, mut high) = (low, high);
            // Equal bounds stand for the extremes; equal extremes for an interval around them.
            if low == high && x.numel() > 0 {
                (low, high) = (x.amin(&[]).item()?, x.amax(&[]).item()?);
            }
            if low == high {
                (low, high) = (low - 1.0, high + 1.0);
            }
            Ok(vec![x.histogram(bins, low, high)])
        }
        _ => elsewhere(),
    }
}

fn infinity(x: &Var, sign: f64) -> Var {
    Var::full(&[], sign * f64::INFINITY, x.dtype(), x.device())
}

fn index(x: Var, narrow: bool) -> Var {
    if narrow { x.to_dtype(DType::I32) } else { x }
}

fn numbers(c: &Call<'_>, f: impl Fn(&Var, &Var) -> Var) -> Out {
    let x = c.var(0)?;
    match c.var_or_number(1, "other", &x)? {
        Some(y) => Ok(vec![f(&x, &y)]),
        None => lacks(format!("{} of one argument", c.op)),
    }
}

fn isclose(c: &Call<'_>) -> Result<Var, crate::report::Stop> {
    let (x, y) = (c.var(0)?, c.var(1)?);
    let (rtol, atol) = (c.number(2, "rtol", 1e-5)?, c.number(3, "atol", 1e-8)?);
    let equal_nan = c.flag(4, "equal_nan", false)?;
    Ok(x.isclose(&y, rtol, atol, equal_nan))
}

/// `all` and `any`: no element, or some element, of a marked set.
fn truth(c: &Call<'_>, mark: impl Fn(&Var) -> Var, none: bool) -> Out {
    let axes = c.opt_ints(1, "dim")?.unwrap_or_default();
    let keep = c.flag(2, "keepdim", false)?;
    one(c, |x| {
        let count = mark(x).sum(&axes);
        let some = count.gt(&count.zeros_like());
        let y = if none { some.logical_not() } else { some };
        if keep { y.keep_axes(x, &axes) } else { y }
    })
}

fn arg(c: &Call<'_>, f: impl Fn(&Var, isize) -> Var) -> Out {
    let axis = c.opt_int(1, "dim")?;
    let keep = c.flag(2, "keepdim", false)?;
    one(c, |x| match axis {
        _ if x.rank() == 0 => f(&x.reshape(&[1]), 0),
        Some(a) if keep => f(x, a).unsqueeze(a),
        Some(a) => f(x, a),
        None => f(&x.reshape(&[x.numel()]), 0),
    })
}

/// Axis, direction, stability; the stable form has its flag between or by name.
fn sorting(c: &Call<'_>) -> Result<(isize, bool, bool), crate::report::Stop> {
    let axis = c.int(1, "dim", -1)?;
    let descending = c.flag(2, "descending", false)?;
    Ok((axis, descending, c.flag(3, "stable", false)?))
}

fn sorted(x: &Var, axis: isize, descending: bool) -> (Var, Var) {
    if x.rank() > 0 {
        return x.sort(axis, descending);
    }
    let (v, i) = x.reshape(&[1]).sort(0, descending);
    (v.reshape(&[]), i.reshape(&[]))
}
