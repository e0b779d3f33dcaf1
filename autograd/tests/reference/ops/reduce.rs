//! Folds, statistics, scans.

use lepton_autograd::{DType, Interpolation, Var};

use super::{elsewhere, one, pair, two};
use crate::call::{Arg, Call, Out};
use crate::report::{Stop, lacks};

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "sum" => fold(c, Var::sum),
        "mean" => fold(c, Var::mean),
        "amax" | "trap_amax_ties" => fold(c, Var::amax),
        "amin" => fold(c, Var::amin),
        "prod" | "trap_prod_zeros" => fold(c, Var::prod),
        "nansum" => fold(c, |x, axes| x.masked_fill(&x.isnan(), 0.0).sum(axes)),
        "nanmean" => fold(c, nanmean),
        "logsumexp" | "trap_logsumexp_extremes" => fold(c, Var::logsumexp),
        "sum_long" => one(c, |x| x.sum(&[])),
        "mean_long" => one(c, |x| x.mean(&[])),
        "logsumexp_wide" => one(c, |x| x.logsumexp(&[-1])),
        "norm_long" => one(c, |x| x.norm(2.0, &[])),
        "var_shifted" => one(c, |x| x.var(&[], 1.0)),
        "cumsum_long" => one(c, |x| x.cumsum(-1)),
        "trap_empty_reductions" => {
            let x = c.var(0)?;
            Ok(vec![x.sum(&[]), x.prod(&[]), x.mean(&[]), x.logsumexp(&[])])
        }
        "std" | "var" | "std_mean" | "var_mean" => spread(c),
        "trap_std_var_small" => {
            let correction = c.number(1, "correction", 1.0)?;
            let x = c.var(0)?;
            Ok(vec![x.var(&[], correction), x.std(&[], correction)])
        }
        "max" => extreme(c, |x| x.amax(&[]), Var::max_dim),
        "min" => extreme(c, |x| x.amin(&[]), Var::min_dim),
        "trap_max_all_ties" => one(c, |x| x.amax(&[])),
        "trap_max_dim_ties" => picked(c, 1, |x, a| x.max_dim(a)),
        "trap_max_nan" => {
            let x = c.var(0)?;
            let (max, min) = (x.max_dim(0), x.min_dim(0));
            Ok(vec![max.0, min.0, max.1, min.1])
        }
        "aminmax" => {
            let axes = c.opt_ints(1, "dim")?.unwrap_or_default();
            let keep = c.flag(2, "keepdim", false)?;
            let x = c.var(0)?;
            let axes = if x.rank() == 0 { &[][..] } else { &axes };
            let ends = [x.amin(axes), x.amax(axes)];
            Ok(ends.map(|y| kept(y, &x, axes, keep)).into())
        }
        "median" | "nanmedian" => {
            let skip = c.op == "nanmedian";
            extreme(
                c,
                |x| x.reshape(&[x.numel()]).median(0, skip).0,
                |x, a| x.median(a, skip),
            )
        }
        "mode" => picked(c, 1, |x, a| x.mode(a)),
        "kthvalue" => {
            let k = c.int(1, "k", 1)? as usize;
            picked(c, 2, |x, a| x.kthvalue(k, a))
        }
        "quantile" | "nanquantile" => quantile(c),
        "dist" => {
            let p = c.number(2, "p", 2.0)?;
            two(c, |x, y| x.dist(y, p))
        }
        "norm" | "trap_norm_at_zero" | "linalg.vector_norm" => norm(c),
        "renorm" => {
            let (p, axis, most) = (
                c.number(1, "p", 2.0)?,
                c.int(2, "dim", 0)?,
                c.number(3, "maxnorm", 1.0)?,
            );
            one(c, |x| x.renorm(p, axis, most))
        }
        "trace" => one(c, Var::trace),
        "cov" => cov(c),
        "corrcoef" => one(c, |x| x.cov(None, None, 1.0).correlation()),
        "cumsum" => scan(c, Var::cumsum),
        "cumprod" | "trap_cumprod_zeros" => scan(c, Var::cumprod),
        "logcumsumexp" | "trap_cumsum_logcumsumexp_inf" => scan(c, Var::logcumsumexp),
        "cummax" => pair(scan2(c, Var::cummax)?),
        "cummin" => pair(scan2(c, Var::cummin)?),
        "diff" => diff(c),
        "trapezoid" | "cumulative_trapezoid" => trapezoid(c),
        "gradient" => gradient(c),
        _ => elsewhere(),
    }
}

fn kept(y: Var, x: &Var, axes: &[isize], keep: bool) -> Var {
    if keep { y.keep_axes(x, axes) } else { y }
}

fn fold(c: &Call<'_>, f: impl Fn(&Var, &[isize]) -> Var) -> Out {
    let axes = c.opt_ints(1, "dim")?.unwrap_or_default();
    let keep = c.flag(2, "keepdim", false)?;
    let dtype = c.dtype(3, "dtype")?;
    one(c, |x| {
        let x = dtype.map_or_else(|| x.clone(), |d| x.to_dtype(d));
        // A number without axes may be folded along its axis 0 or -1.
        let axes = if x.rank() == 0 { &[][..] } else { &axes };
        kept(f(&x, axes), &x, axes, keep)
    })
}

fn nanmean(x: &Var, axes: &[isize]) -> Var {
    let bad = x.isnan();
    let count = bad.logical_not().to_dtype(x.dtype()).sum(axes);
    x.masked_fill(&bad, 0.0).sum(axes) / count
}

/// `std.unbiased` has a truth value second, the others axes.
fn spread(c: &Call<'_>) -> Out {
    let (axes, correction) = match c.arg(1, "dim") {
        Some(Arg::Flag(unbiased)) => (Vec::new(), f64::from(u8::from(*unbiased))),
        _ => (
            c.opt_ints(1, "dim")?.unwrap_or_default(),
            match c.arg(2, "unbiased") {
                Some(Arg::Flag(unbiased)) => f64::from(u8::from(*unbiased)),
                _ => c.number(usize::MAX, "correction", 1.0)?,
            },
        ),
    };
    let keep = c.flag(3, "keepdim", false)?;
    let x = c.var(0)?;
    let axes = if x.rank() == 0 { Vec::new() } else { axes };
    let spread = if c.op.starts_with("std") {
        x.std(&axes, correction)
    } else {
        x.var(&axes, correction)
    };
    let mut out = vec![kept(spread, &x, &axes, keep)];
    if c.op.ends_with("mean") {
        out.push(kept(x.mean(&axes), &x, &axes, keep));
    }
    Ok(out)
}

/// All of it, or along an axis with indices.
fn extreme(
    c: &Call<'_>,
    all: impl Fn(&Var) -> Var,
    along: impl Fn(&Var, isize) -> (Var, Var),
) -> Out {
    match c.opt_int(1, "dim")? {
        None => one(c, all),
        Some(_) => picked(c, 1, along),
    }
}

fn picked(c: &Call<'_>, at: usize, f: impl Fn(&Var, isize) -> (Var, Var)) -> Out {
    let axis = c.int(at, "dim", -1)?;
    let keep = c.flag(at + 1, "keepdim", false)?;
    let x = c.var(0)?;
    if x.rank() == 0 {
        let (v, i) = f(&x.reshape(&[1]), 0);
        return pair((v, i));
    }
    let (v, i) = f(&x, axis);
    pair(if keep {
        (v.unsqueeze(axis), i.unsqueeze(axis))
    } else {
        (v, i)
    })
}

fn quantile(c: &Call<'_>) -> Out {
    let x = c.var(0)?;
    let axis = c.opt_int(2, "dim")?;
    let keep = c.flag(3, "keepdim", false)?;
    let between = match c.text(4, "interpolation")?.as_deref() {
        None | Some("linear") => Interpolation::Linear,
        Some("lower") => Interpolation::Lower,
        Some("higher") => Interpolation::Higher,
        Some("nearest") => Interpolation::Nearest,
        Some("midpoint") => Interpolation::Midpoint,
        Some(other) => return lacks(format!("quantile by {other}")),
    };
    let (flat, at) = match axis {
        Some(a) if x.rank() > 0 => (x.clone(), a),
        _ => (x.reshape(&[x.numel()]), 0),
    };
    let skip = c.op == "nanquantile";
    let at_q = |q: &Var| {
        let y = flat.quantile(q, at, skip, between);
        match axis {
            Some(a) if keep && x.rank() > 0 => y.unsqueeze(a),
            _ if keep => y.reshape(&vec![1; x.rank()]),
            _ => y,
        }
    };
    let Some(q) = c.var_or_number(1, "q", &x)? else {
        return lacks("quantile without q");
    };
    if q.rank() == 0 {
        return Ok(vec![at_q(&q)]);
    }
    let all: Vec<Var> = q.unbind(0).iter().map(at_q).collect();
    Ok(vec![Var::stack(&all, 0)])
}

/// The order of a norm, by place or name: a number, `fro`, or absent for 2.
pub(crate) fn order(c: &Call<'_>, at: usize, name: &str) -> Result<f64, Stop> {
    match c.arg(at, name) {
        None => Ok(2.0),
        Some(Arg::Text(t)) if t == "fro" => Ok(2.0),
        Some(a) => match a.number() {
            Some(p) => Ok(p),
            None => lacks(format!("the norm {a:?}")),
        },
    }
}

fn norm(c: &Call<'_>) -> Out {
    let name = if c.op == "linalg.vector_norm" {
        "ord"
    } else {
        "p"
    };
    let p = order(c, 1, name)?;
    let axes = c.opt_ints(2, "dim")?.unwrap_or_default();
    let keep = c.flag(3, "keepdim", false)?;
    let dtype = c.dtype(4, "dtype")?;
    one(c, |x| {
        let x = dtype.map_or_else(|| x.clone(), |d| x.to_dtype(d));
        let axes = if x.rank() == 0 { &[][..] } else { &axes };
        kept(x.norm(p, axes), &x, axes, keep)
    })
}

fn cov(c: &Call<'_>) -> Out {
    let correction = c.number(1, "correction", 1.0)?;
    let (f, a) = (c.opt_var(2, "fweights")?, c.opt_var(3, "aweights")?);
    if a.as_ref()
        .is_some_and(|a| c.var(0).is_ok_and(|x| x.dtype() != a.dtype()))
    {
        return lacks("cov with weights of another dtype than the data");
    }
    one(c, |x| x.cov(f.as_ref(), a.as_ref(), correction))
}

fn scan(c: &Call<'_>, f: impl Fn(&Var, isize) -> Var) -> Out {
    let axis = c.int(1, "dim", 0)?;
    let dtype = c.dtype(2, "dtype")?;
    one(c, |x| {
        let x = dtype.map_or_else(|| x.clone(), |d| x.to_dtype(d));
        if x.rank() == 0 {
            return f(&x.reshape(&[1]), 0).reshape(&[]);
        }
        f(&x, axis)
    })
}

fn scan2(c: &Call<'_>, f: impl Fn(&Var, isize) -> (Var, Var)) -> Result<(Var, Var), Stop> {
    let (x, axis) = (c.var(0)?, c.int(1, "dim", 0)?);
    if x.rank() == 0 {
        let (v, i) = f(&x.reshape(&[1]), 0);
        return Ok((v.reshape(&[]), i.reshape(&[])));
    }
    Ok(f(&x, axis))
}

fn diff(c: &Call<'_>) -> Out {
    let (n, axis) = (c.int(1, "n", 1)?, c.int(2, "dim", -1)?);
    let parts: Vec<Var> = [
        c.opt_var(3, "prepend")?,
        Some(c.var(0)?),
        c.opt_var(4, "append")?,
    ]
    .into_iter()
    .flatten()
    .collect();
    Ok(vec![Var::cat(&parts, axis).diff(n as usize, axis)])
}

fn trapezoid(c: &Call<'_>) -> Out {
    let y = c.var(0)?;
    let x = c.opt_var(1, "x")?;
    let (dx, axis) = (c.number(usize::MAX, "dx", 1.0)?, c.int(2, "dim", -1)?);
    let parts = y.trapezoids(x.as_ref(), dx, axis);
    Ok(vec![match c.op {
        "trapezoid" => parts.sum(&[axis]),
        _ => parts.cumsum(axis),
    }])
}

fn gradient(c: &Call<'_>) -> Out {
    let x = c.var(0)?;
    let edge = c.int(usize::MAX, "edge_order", 1)? as usize;
    let axes = match c.opt_ints(usize::MAX, "dim")? {
        Some(a) => a,
        None => (0..x.rank() as isize).collect(),
    };
    let unit = |h: f64| Var::full(&[], h, DType::F64, x.device());
    let spacings: Vec<Var> = match c.arg(usize::MAX, "spacing") {
        None => vec![unit(1.0); axes.len()],
        Some(Arg::List(all)) => all
            .iter()
            .map(|a| match a {
                Arg::Tensor(key) => c.variable(key),
                a => a
                    .number()
                    .map_or_else(|| lacks(format!("spacing {a:?}")), |h| Ok(unit(h))),
            })
            .collect::<Result<_, _>>()?,
        Some(a) => match a.number() {
            Some(h) => vec![unit(h); axes.len()],
            None => return lacks(format!("spacing {a:?}")),
        },
    };
    Ok(axes
        .iter()
        .zip(&spacings)
        .map(|(&a, h)| x.gradient(h, a, edge))
        .collect())
}
