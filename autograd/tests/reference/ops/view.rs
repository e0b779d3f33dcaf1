//! Functions that move elements.

use lepton_autograd::{DType, Tensor, Var, broadcast_shape};

use super::{elsewhere, one, two};
use crate::call::{Arg, Call, Out};
use crate::report::{Stop, lacks, wrong};

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "T" | "t" => one(c, |x| if x.rank() < 2 { x.clone() } else { reversed(x) }),
        "mT" => one(c, Var::t),
        "positive" => one(c, Var::clone),
        "permute" => {
            let dims = c.ints_from(1, "dims")?;
            one(c, |x| {
                x.move_axes(&dims, &(0..dims.len() as isize).collect::<Vec<_>>())
            })
        }
        "transpose" | "swapaxes" => {
            let (a, b) = (c.int(1, "dim0", 0)?, c.int(2, "dim1", 0)?);
            one(c, |x| {
                if x.rank() == 0 {
                    x.clone()
                } else {
                    x.transpose(a, b)
                }
            })
        }
        "movedim" => {
            let from = c.opt_ints(1, "source")?.unwrap_or_default();
            let to = c.opt_ints(2, "destination")?.unwrap_or_default();
            one(c, |x| x.move_axes(&from, &to))
        }
        "reshape" | "view" => {
            let shape = c.ints_from(1, "shape")?;
            one(c, |x| x.reshape_to(&shape))
        }
        "reshape_as" | "view_as" => two(c, |x, y| x.reshape(y.shape())),
        "expand" | "broadcast_to" => expand(c),
        "expand_as" => two(c, |x, y| x.expand(y.shape())),
        "sum_to_size" => {
            let shape: Vec<usize> = c
                .ints_from(1, "size")?
                .iter()
                .map(|&d| d as usize)
                .collect();
            one(c, |x| x.sum_to_shape(&shape))
        }
        "flatten" => {
            let (a, b) = (c.int(1, "start_dim", 0)?, c.int(2, "end_dim", -1)?);
            one(c, |x| x.merge_axes(a, b))
        }
        "ravel" => one(c, |x| x.reshape(&[x.numel()])),
        "unflatten" => {
            let axis = c.int(1, "dim", 0)?;
            let sizes = c.opt_ints(2, "sizes")?.unwrap_or_default();
            one(c, |x| x.split_axis(axis, &sizes))
        }
        "squeeze" => squeeze(c),
        "unsqueeze" => {
            let axis = c.int(1, "dim", 0)?;
            one(c, |x| x.unsqueeze(axis))
        }
        "select" => {
            let (axis, i) = (c.int(1, "dim", 0)?, c.int(2, "index", 0)?);
            one(c, |x| x.select(axis, i))
        }
        "narrow" => narrow(c),
        "slice" => slice(c, None),
        "slice_scatter" => slice(c, Some(c.var(1)?)),
        "select_scatter" => {
            let (x, y, axis, i) = (
                c.var(0)?,
                c.var(1)?,
                c.int(2, "dim", 0)?,
                c.int(3, "index", 0)?,
            );
            let a = position(&x, axis)?;
            let n = x.shape()[a] as isize;
            let at = if i < 0 { i + n } else { i } as usize;
            let y = y.unsqueeze(a as isize);
            Ok(vec![x.slice_assign(&region(&x, a, at, 1, 1), &y)])
        }
        "diagonal" | "diagonal_scatter" => {
            let first = if c.op == "diagonal" { 1 } else { 2 };
            let offset = c.int(first, "offset", 0)?;
            let (a, b) = (c.int(first + 1, "dim1", 0)?, c.int(first + 2, "dim2", 1)?);
            if first == 1 {
                one(c, |x| x.diagonal(offset, a, b))
            } else {
                two(c, |x, y| x.diagonal_scatter(y, offset, a, b))
            }
        }
        "diag_embed" => {
            let offset = c.int(1, "offset", 0)?;
            let (a, b) = (c.int(2, "dim1", -2)?, c.int(3, "dim2", -1)?);
            one(c, |x| x.diag_embed(offset, a, b))
        }
        "diag" => {
            let offset = c.int(1, "diagonal", 0)?;
            one(c, |x| match x.rank() {
                1 => x.diag_embed(offset, -2, -1),
                _ => x.diagonal(offset, 0, 1),
            })
        }
        "diagflat" => {
            let offset = c.int(1, "offset", 0)?;
            one(c, |x| x.reshape(&[x.numel()]).diag_embed(offset, -2, -1))
        }
        "tril" => {
            let offset = c.int(1, "diagonal", 0)?;
            one(c, |x| x.tril(offset))
        }
        "triu" => {
            let offset = c.int(1, "diagonal", 0)?;
            one(c, |x| x.triu(offset))
        }
        "flip" => {
            let dims = c.ints_from(1, "dims")?;
            one(c, |x| flip(x, &dims))
        }
        "fliplr" => one(c, |x| flip(x, &[1])),
        "flipud" => one(c, |x| flip(x, &[0])),
        "roll" => roll(c),
        "fft.fftshift" | "fft.ifftshift" => shift(c),
        "rot90" => {
            let k = c.int(1, "k", 1)?;
            let dims = c.opt_ints(2, "dims")?.unwrap_or_else(|| vec![0, 1]);
            one(c, |x| x.rot90(k, dims[0], dims[1]))
        }
        "unfold" => match c.arg(3, "step") {
            Some(Arg::Int(_)) if c.len() == 4 => {
                let (axis, size) = (c.int(1, "dimension", 0)?, c.int(2, "size", 1)?);
                let step = c.int(3, "step", 1)?;
                one(c, |x| x.unfold(axis, size as usize, step as usize))
            }
            _ => elsewhere(),
        },
        "as_strided" => {
            let shape = c.opt_sizes(1, "size")?.unwrap_or_default();
            let strides = c.opt_ints(2, "stride")?.unwrap_or_default();
            let offset = c.int(3, "storage_offset", 0)? as usize;
            Ok(vec![c.var(0)?.as_strided(&shape, &strides, offset)?])
        }
        "repeat" | "tile" => {
            let times: Vec<usize> = c
                .ints_from(1, "dims")?
                .iter()
                .map(|&t| t as usize)
                .collect();
            one(c, |x| {
                if c.op == "tile" {
                    x.tile(&times)
                } else {
                    x.repeat(&times)
                }
            })
        }
        "repeat_interleave" => interleave(c),
        "cat" | "concat" => {
            let axis = c.int(1, "dim", 0)?;
            Ok(vec![Var::cat(&c.list(0)?, axis)])
        }
        "stack" => {
            let axis = c.int(1, "dim", 0)?;
            Ok(vec![Var::stack(&c.list(0)?, axis)])
        }
        "hstack" | "vstack" | "dstack" | "column_stack" => Ok(vec![stacked(c)?]),
        "atleast_1d" | "atleast_2d" | "atleast_3d" => {
            let n = c.op.as_bytes()[8] - b'0';
            Ok(c.vars(0)?.iter().map(|x| at_least(x, n)).collect())
        }
        "block_diag" => Ok(vec![Var::block_diag(&c.vars(0)?)]),
        "broadcast_tensors" => broadcast_all(&c.vars(0)?),
        "meshgrid" => {
            let xy = c.text(1, "indexing")?.as_deref() == Some("xy");
            Ok(Var::meshgrid(&c.list(0)?, xy))
        }
        "cartesian_prod" => Ok(vec![cartesian(&c.vars(0)?)]),
        "combinations" => combinations(c),
        "chunk" => {
            let (n, axis) = (c.int(1, "chunks", 1)?, c.int(2, "dim", 0)?);
            Ok(c.var(0)?.chunk(n as usize, axis))
        }
        "split" | "split_with_sizes" => {
            let axis = c.int(2, "dim", 0)?;
            let x = c.var(0)?;
            match c.arg(1, "split_size_or_sections") {
                Some(Arg::Int(n)) => Ok(x.split(*n as usize, axis)),
                _ => Ok(x.split_sizes(&c.opt_sizes(1, "split_sizes")?.unwrap_or_default(), axis)),
            }
        }
        "tensor_split" => tensor_split(c, c.int(2, "dim", 0)?),
        "hsplit" => tensor_split(c, if c.var(0)?.rank() == 1 { 0 } else { 1 }),
        "vsplit" => tensor_split(c, 0),
        "dsplit" => tensor_split(c, 2),
        "unbind" => {
            let axis = c.int(1, "dim", 0)?;
            Ok(c.var(0)?.unbind(axis))
        }
        _ => elsewhere(),
    }
}

fn reversed(x: &Var) -> Var {
    x.permute(&(0..x.rank()).rev().collect::<Vec<_>>())
}

pub(crate) fn position(x: &Var, axis: isize) -> Result<usize, Stop> {
    let a = if axis < 0 {
        axis + x.rank() as isize
    } else {
        axis
    };
    match usize::try_from(a) {
        Ok(a) if a < x.rank() => Ok(a),
        _ => wrong(format!("no axis {axis} in {:?}", x.shape())),
    }
}

/// Everything but a part of one axis.
fn region(
    x: &Var,
    axis: usize,
    start: usize,
    len: usize,
    step: isize,
) -> Vec<(usize, usize, isize)> {
    let mut region: Vec<_> = x.shape().iter().map(|&d| (0, d, 1)).collect();
    region[axis] = (start, len, step);
    region
}

fn expand(c: &Call<'_>) -> Out {
    let to = c.ints_from(1, "size")?;
    let x = c.var(0)?;
    if to.len() < x.rank() {
        return wrong("fewer sizes than axes");
    }
    let new = to.len() - x.rank();
    let keep = |i: usize| if i >= new { x.shape()[i - new] } else { 0 };
    let shape: Vec<usize> = to
        .iter()
        .enumerate()
        .map(|(i, &d)| usize::try_from(d).unwrap_or(keep(i)))
        .collect();
    Ok(vec![x.expand(&shape)])
}

fn squeeze(c: &Call<'_>) -> Out {
    let x = c.var(0)?;
    let axes = match c.opt_ints(1, "dim")? {
        Some(a) if x.rank() > 0 => a
            .iter()
            .map(|&a| position(&x, a))
            .collect::<Result<Vec<_>, _>>()?,
        _ => (0..x.rank()).collect(),
    };
    let shape: Vec<usize> = (0..x.rank())
        .filter(|a| !(axes.contains(a) && x.shape()[*a] == 1))
        .map(|a| x.shape()[a])
        .collect();
    Ok(vec![x.reshape(&shape)])
}

fn narrow(c: &Call<'_>) -> Out {
    let (x, axis, len) = (c.var(0)?, c.int(1, "dim", 0)?, c.int(3, "length", 0)?);
    let start = match c.arg(2, "start").and_then(Arg::int) {
        Some(i) => i,
        None => c.var(2)?.item()? as i64,
    };
    let a = position(&x, axis)?;
    let n = x.shape()[a] as i64;
    let start = if start < 0 { start + n } else { start } as usize;
    Ok(vec![x.slice(a, start, len as usize, 1)])
}

/// `x[start:end:step]` along an axis, or `x` with `value` there.
fn slice(c: &Call<'_>, value: Option<Var>) -> Out {
    let at = usize::from(value.is_some());
    let x = c.var(0)?;
    let a = position(&x, c.int(1 + at, "dim", 0)?)?;
    let n = x.shape()[a] as isize;
    let clip = |i: isize| if i < 0 { i + n } else { i }.clamp(0, n);
    let start = clip(c.int(2 + at, "start", 0)?);
    let end = clip(c.int(3 + at, "end", n)?);
    let step = c.int(4 + at, "step", 1)?.max(1);
    let len = (end - start)
        .max(0)
        .unsigned_abs()
        .div_ceil(step.unsigned_abs());
    let start = start as usize;
    Ok(vec![match value {
        None => x.slice(a, start, len, step),
        Some(v) => x.slice_assign(&region(&x, a, start, len, step), &v),
    }])
}

fn flip(x: &Var, axes: &[isize]) -> Var {
    let n = x.rank() as isize;
    axes.iter().fold(x.clone(), |x, &a| {
        x.flip(if a < 0 { a + n } else { a } as usize)
    })
}

fn roll(c: &Call<'_>) -> Out {
    let shifts = c.opt_ints(1, "shifts")?.unwrap_or_default();
    let x = c.var(0)?;
    let Some(dims) = c.opt_ints(2, "dims")?.filter(|d| !d.is_empty()) else {
        let flat = x.reshape(&[x.numel()]).roll(shifts[0], 0);
        return Ok(vec![flat.reshape(x.shape())]);
    };
    if x.rank() == 0 {
        return Ok(vec![x]);
    }
    Ok(vec![
        shifts.iter().zip(&dims).fold(x, |x, (&s, &d)| x.roll(s, d)),
    ])
}

fn shift(c: &Call<'_>) -> Out {
    let x = c.var(0)?;
    let dims = match c.opt_ints(1, "dim")? {
        Some(d) => d,
        None => (0..x.rank() as isize).collect(),
    };
    let back = c.op == "fft.ifftshift";
    let mut y = x.clone();
    for d in dims {
        let half = (x.shape()[position(&x, d)?] / 2) as isize;
        y = y.roll(if back { -half } else { half }, d);
    }
    Ok(vec![y])
}

fn interleave(c: &Call<'_>) -> Out {
    c.ignore("output_size");
    let x = c.var(0)?;
    let (x, axis) = match c.opt_int(2, "dim")? {
        Some(a) => (x, a),
        None => (x.reshape(&[x.numel()]), 0),
    };
    if let Some(times) = c.arg(1, "repeats").and_then(Arg::int) {
        return Ok(vec![x.repeat_interleave(times as usize, axis)]);
    }
    let Some(times) = c.opt_var(1, "repeats")? else {
        return lacks("repeat_interleave without repeats");
    };
    let index: Vec<i64> = times
        .tensor()
        .to_f64()
        .iter()
        .enumerate()
        .flat_map(|(i, &n)| vec![i as i64; n as usize])
        .collect();
    let index = Tensor::from_vec(index.clone(), &[index.len()])?;
    Ok(vec![x.index_select(axis, &index.into())])
}

fn at_least(x: &Var, n: u8) -> Var {
    match (n, x.rank()) {
        (1, 0) => x.reshape(&[1]),
        (2, 0 | 1) => x.reshape(&[1, x.numel()]),
        (3, 0 | 1) => x.reshape(&[1, x.numel(), 1]),
        (3, 2) => x.unsqueeze(-1),
        _ => x.clone(),
    }
}

fn stacked(c: &Call<'_>) -> Result<Var, Stop> {
    let parts = c.list(0)?;
    let each = |n: u8| parts.iter().map(|x| at_least(x, n)).collect::<Vec<_>>();
    Ok(match c.op {
        "vstack" => Var::cat(&each(2), 0),
        "dstack" => Var::cat(&each(3), 2),
        "hstack" => {
            let parts = each(1);
            let axis = isize::from(parts[0].rank() > 1);
            Var::cat(&parts, axis)
        }
        _ => {
            let columns: Vec<Var> = parts
                .iter()
                .map(|x| match x.rank() {
                    0 | 1 => x.reshape(&[x.numel(), 1]),
                    _ => x.clone(),
                })
                .collect();
            Var::cat(&columns, 1)
        }
    })
}

fn broadcast_all(parts: &[Var]) -> Out {
    let mut shape: Vec<usize> = Vec::new();
    for p in parts {
        shape = broadcast_shape("broadcast_tensors", &shape, p.shape())?.to_vec();
    }
    Ok(parts.iter().map(|p| p.expand(&shape)).collect())
}

fn cartesian(parts: &[Var]) -> Var {
    if let [x] = parts {
        return x.clone();
    }
    let columns: Vec<Var> = Var::meshgrid(parts, false)
        .iter()
        .map(|g| g.reshape(&[g.numel()]))
        .collect();
    Var::stack(&columns, 1)
}

fn combinations(c: &Call<'_>) -> Out {
    let (r, repeat) = (
        c.int(1, "r", 2)? as usize,
        c.flag(2, "with_replacement", false)?,
    );
    let x = c.var(0)?;
    let n = x.numel();
    let mut rows: Vec<Vec<i64>> = vec![Vec::new()];
    for _ in 0..r {
        rows = rows
            .iter()
            .flat_map(|row| {
                let from = row.last().map_or(0, |&l| l + i64::from(!repeat));
                (from..n as i64).map(|i| [&row[..], &[i]].concat())
            })
            .collect();
    }
    if r == 0 {
        rows.clear();
    }
    let index = Tensor::from_vec(rows.concat(), &[rows.len(), r])?;
    Ok(vec![x.take(&index.into())])
}

/// Parts at given positions, or as many nearly equal ones.
fn tensor_split(c: &Call<'_>, axis: isize) -> Out {
    let x = c.var(0)?;
    let a = position(&x, axis)?;
    let n = x.shape()[a];
    let places: Vec<isize> = match c.arg(1, "indices_or_sections") {
        Some(Arg::Int(k)) => equal_parts(n, *k as usize),
        Some(Arg::List(_)) => c.opt_ints(1, "indices_or_sections")?.unwrap_or_default(),
        _ => {
            let t = c.var(1)?.to_dtype(DType::I64);
            let all: Vec<i64> = t.to_vec()?;
            match t.rank() {
                0 => equal_parts(n, all[0] as usize),
                _ => all.iter().map(|&i| i as isize).collect(),
            }
        }
    };
    let clip = |i: isize| if i < 0 { i + n as isize } else { i }.clamp(0, n as isize) as usize;
    let mut cuts: Vec<usize> = places.into_iter().map(clip).collect();
    cuts.push(n);
    let mut start = 0;
    let part = |end: usize| {
        let from = std::mem::replace(&mut start, end);
        x.slice(a, from.min(n), end.saturating_sub(from), 1)
    };
    Ok(cuts.into_iter().map(part).collect())
}

/// Cuts of `n` into `k` parts of which the first are one longer.
fn equal_parts(n: usize, k: usize) -> Vec<isize> {
    let (size, more) = (n / k.max(1), n % k.max(1));
    (1..k).map(|i| (i * size + i.min(more)) as isize).collect()
}
