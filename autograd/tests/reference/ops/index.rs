//! Reading and writing at indices.

use lepton_autograd::{Index, Reduction, Var};

use super::view::position;
use super::{elsewhere, one, two};
use crate::call::{Arg, Call, Out};
use crate::report::{Stop, lacks};

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "gather" => {
            let (axis, index) = (c.int(1, "dim", 0)?, c.var(2)?);
            one(c, |x| {
                row(x, |x| x.gather(axis, &row(&index, Var::clone))).reshape(index.shape())
            })
        }
        "take_along_dim" => take_along(c),
        "index_select" => {
            let (axis, index) = (c.int(1, "dim", 0)?, c.var(2)?);
            let index = index.reshape(&[index.numel()]);
            one(c, |x| match x.rank() {
                0 => x.reshape(&[1]).index_select(0, &index).reshape(&[]),
                _ => x.index_select(axis, &index),
            })
        }
        "take" => two(c, Var::take),
        "put" => {
            let accumulate = c.flag(3, "accumulate", false)?;
            let (x, index, src) = (c.var(0)?, c.var(1)?, c.var(2)?);
            Ok(vec![x.put(&index, &src, accumulate)])
        }
        "scatter" => scatter(c, Var::scatter),
        "scatter_add" => scatter(c, |x, axis, index, src| {
            x.scatter_reduce(axis, index, src, Reduction::Sum, true)
        }),
        "scatter_reduce" => {
            let how = reduction(c, 4)?;
            let include = c.flag(5, "include_self", true)?;
            scatter(c, |x, axis, index, src| {
                x.scatter_reduce(axis, index, src, how, include)
            })
        }
        "trap_scatter_reduce_ties" => {
            let include = c.flag(3, "include_self", true)?;
            let (x, index, src) = (c.var(0)?, c.var(1)?, c.var(2)?);
            Ok(vec![x.scatter_reduce(
                0,
                &index,
                &src,
                Reduction::Max,
                include,
            )])
        }
        "trap_index_repeat_accumulates" => {
            let index = c.var(1)?;
            one(c, |x| {
                let rows = x.index_select(0, &index.reshape(&[index.numel()]));
                rows.reshape(&[index.shape(), &x.shape()[1..]].concat())
            })
        }
        "index_add" => {
            let alpha = c.number(4, "alpha", 1.0)?;
            rows(c, |x, axis, index, src| {
                x.index_add(axis, index, &(src * alpha))
            })
        }
        "index_copy" => rows(c, Var::index_copy),
        "index_reduce" => {
            let how = reduction(c, 4)?;
            let include = c.flag(5, "include_self", true)?;
            rows(c, |x, axis, index, src| {
                x.index_reduce(axis, index, src, how, include)
            })
        }
        "index_fill" => index_fill(c),
        "masked_fill" => {
            let (x, mask) = (c.var(0)?, c.var(1)?);
            let Some(value) = c.var_or_number(2, "value", &x)? else {
                return lacks("masked_fill without value");
            };
            Ok(vec![Var::where_(&mask, &value, &x)])
        }
        "masked_select" => Ok(vec![c.var(0)?.masked_select(&c.var(1)?)?]),
        "masked_scatter" => Ok(vec![c.var(0)?.masked_scatter(&c.var(1)?, &c.var(2)?)?]),
        "nonzero" => {
            let as_tuple = c.flag(1, "as_tuple", false)?;
            let x = c.var(0)?;
            let places = if as_tuple { row(&x, Var::clone) } else { x }.nonzero()?;
            Ok(if as_tuple {
                places.unbind(1)
            } else {
                vec![places]
            })
        }
        // A list of numbers alone is one index tensor, unless the case says that it is a tuple.
        "__getitem__" => match c.arg(1, "indices") {
            Some(a @ Arg::List(all)) if all.iter().all(|a| a.int().is_some()) => {
                Ok(vec![c.var(0)?.index(&[entry(c, a)?])?])
            }
            _ => Ok(vec![c.var(0)?.index(&tuple(c, 1)?)?]),
        },
        "advanced_indexing" => Ok(vec![c.var(0)?.index(&tuple(c, 1)?)?]),
        "index_assignment" => Ok(vec![c.var(0)?.index_put(
            &tuple(c, 1)?,
            &c.var(2)?,
            false,
        )?]),
        "index_put" | "trap_index_put_accumulate" => {
            let accumulate = c.flag(3, "accumulate", false)?;
            let x = c.var(0)?;
            Ok(vec![x.index_put(&tuple(c, 1)?, &c.var(2)?, accumulate)?])
        }
        _ => elsewhere(),
    }
}

/// A number as a row of one.
fn row(x: &Var, f: impl Fn(&Var) -> Var) -> Var {
    if x.rank() == 0 {
        f(&x.reshape(&[1]))
    } else {
        f(x)
    }
}

fn take_along(c: &Call<'_>) -> Out {
    let axis = c.opt_int(2, "dim")?;
    Ok(vec![c.var(0)?.take_along(&c.var(1)?, axis)?])
}

fn scatter(c: &Call<'_>, f: impl Fn(&Var, isize, &Var, &Var) -> Var) -> Out {
    let (x, axis, index) = (c.var(0)?, c.int(1, "dim", 0)?, c.var(2)?);
    let src = match c.arg(3, "src").and_then(Arg::number) {
        Some(v) => Var::full(index.shape(), v, x.dtype(), x.device()),
        None => c.var(3)?,
    };
    if x.rank() == 0 {
        let [x, index, src] = [&x, &index, &src].map(|v| v.reshape(&[v.numel()]));
        return Ok(vec![f(&x, 0, &index, &src).reshape(&[])]);
    }
    if index.rank() == 0 {
        return Ok(vec![f(&x, axis, &index.reshape(&[1]), &src.reshape(&[1]))]);
    }
    Ok(vec![f(&x, axis, &index, &src)])
}

fn reduction(c: &Call<'_>, at: usize) -> Result<Reduction, Stop> {
    Ok(match c.text(at, "reduce")?.as_deref() {
        Some("sum") => Reduction::Sum,
        Some("prod") => Reduction::Prod,
        Some("mean") => Reduction::Mean,
        Some("amax") => Reduction::Max,
        Some("amin") => Reduction::Min,
        other => return lacks(format!("the reduction {other:?}")),
    })
}

fn rows(c: &Call<'_>, f: impl Fn(&Var, isize, &Var, &Var) -> Var) -> Out {
    let (x, axis, index, src) = (c.var(0)?, c.int(1, "dim", 0)?, c.var(2)?, c.var(3)?);
    let index = index.reshape(&[index.numel()]);
    if x.rank() == 0 {
        let y = f(&x.reshape(&[1]), 0, &index, &src.reshape(&[1]));
        return Ok(vec![y.reshape(&[])]);
    }
    let y = if src.rank() == x.rank() {
        f(&x, axis, &index, &src)
    } else {
        f(
            &x,
            axis,
            &index,
            &src.reshape(&[index.shape(), &x.shape()[1..]].concat()),
        )
    };
    Ok(vec![y])
}

/// The value wherever the index has been, counted once.
fn index_fill(c: &Call<'_>) -> Out {
    let (x, axis, index) = (c.var(0)?, c.int(1, "dim", 0)?, c.var(2)?);
    let Some(value) = c.var_or_number(3, "value", &x)? else {
        return lacks("index_fill without value");
    };
    let index = index.reshape(&[index.numel()]);
    let line = if x.rank() == 0 {
        x.reshape(&[1])
    } else {
        x.clone()
    };
    let a = position(&line, if x.rank() == 0 { 0 } else { axis })?;
    let n = line.shape()[a];
    let touched = Var::zeros(&[n], x.dtype(), x.device());
    let touched = touched.index_add(0, &index, &Var::ones(index.shape(), x.dtype(), x.device()));
    let mut shape = vec![1; line.rank()];
    shape[a] = n;
    let mask = touched.ne(&touched.zeros_like()).reshape(&shape);
    Ok(vec![Var::where_(&mask, &value, &line).reshape(x.shape())])
}

/// An index tuple: a list of entries, or one entry.
fn tuple(c: &Call<'_>, at: usize) -> Result<Vec<Index>, Stop> {
    match c.arg(at, "indices") {
        Some(Arg::List(all)) => all.iter().map(|a| entry(c, a)).collect(),
        Some(Arg::Tensor(key)) => Ok(vec![Index::Of(c.variable(key)?)]),
        Some(a) => Ok(vec![entry(c, a)?]),
        None => lacks("indexing without an index"),
    }
}

fn entry(c: &Call<'_>, a: &Arg) -> Result<Index, Stop> {
    Ok(match a {
        Arg::Int(i) => Index::At(*i as isize),
        Arg::Null => Index::New,
        Arg::Ellipsis => Index::Rest,
        Arg::Tensor(key) => Index::Of(c.variable(key)?),
        Arg::Slice([start, end, step]) => {
            let step = step.unwrap_or(1);
            if step < 1 {
                return lacks("a slice that walks backwards");
            }
            Index::Range(
                start.map(|i| i as isize),
                end.map(|i| i as isize),
                step as usize,
            )
        }
        Arg::List(all) => {
            let ints: Option<Vec<i64>> = all.iter().map(Arg::int).collect();
            match ints {
                Some(i) => Index::Of(Var::new(&i, &[i.len()])),
                None => return lacks(format!("the index {a:?}")),
            }
        }
        other => return lacks(format!("the index {other:?}")),
    })
}
