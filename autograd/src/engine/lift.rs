//! Batches and dual numbers: one mechanism for `vmap` and forward mode.
//!
//! A lifted variable wraps others at a level, which counts the transformations around it. `apply`
//! unwraps the highest level among its inputs, calls the op's `batch` or `jvp` on what is inside,
//! and wraps the results again; lower levels, and recording, happen inside. So `vmap` of `jvp`,
//! `jvp` of `jvp`, and gradients of both, need no code of their own.

use std::sync::Arc;

use lepton_tensor::{Error, Result, Tensor};

use crate::engine::node::Edge;
use crate::engine::op::{AnyOp, Ins, Outs};
use crate::engine::scope;
use crate::engine::var::Var;

/// A wrapped value.
pub(crate) struct Lift {
    level: u32,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    /// `value` carries `n` examples on axis 0.
    Batch { value: Var, n: usize },
    /// A value and its tangent.
    Dual { primal: Var, tangent: Var },
}

impl Var {
    pub(crate) fn batch_of(value: Var, n: usize, level: u32) -> Var {
        let shape = &value.shape()[1..];
        let face = Tensor::meta_like(&value.meta().with_shape(shape));
        Var::from_parts(
            face,
            Edge::Lift(Arc::new(Lift {
                level,
                kind: Kind::Batch { value, n },
            })),
        )
    }

    pub(crate) fn dual_of(primal: Var, tangent: Var, level: u32) -> Var {
        let face = primal.tensor().clone();
        Var::from_parts(
            face,
            Edge::Lift(Arc::new(Lift {
                level,
                kind: Kind::Dual { primal, tangent },
            })),
        )
    }

    fn level(&self) -> u32 {
        self.lift().map_or(0, |l| l.level)
    }
}

/// Applies `op` where some input is lifted.
pub(crate) fn apply(op: &dyn AnyOp, x: &[Var]) -> Result<Outs<Var>> {
    let level = x.iter().map(Var::level).max().unwrap_or(0);
    let at = |v: &Var| {
        v.lift()
            .filter(|l| l.level == level)
            .map(|l| &l.kind)
            .is_some()
    };
    let top = x
        .iter()
        .find(|v| at(v))
        .and_then(Var::lift)
        .expect("some input has the highest level");
    match &top.kind {
        Kind::Batch { n, .. } => {
            let inner: Vec<Var> = x.iter().map(|v| batch_inside(v, level)).collect();
            let batched: Vec<bool> = x.iter().map(at).collect();
            let out = op.batch(&inner, &batched, *n)?;
            Ok(out
                .into_iter()
                .map(|y| Var::batch_of(y, *n, level))
                .collect())
        }
        Kind::Dual { .. } => apply_dual(op, x, level),
    }
}

fn batch_inside(v: &Var, level: u32) -> Var {
    match v.lift() {
        Some(Lift {
            level: l,
            kind: Kind::Batch { value, .. },
        }) if *l == level => value.clone(),
        _ => v.clone(),
    }
}

fn apply_dual(op: &dyn AnyOp, x: &[Var], level: u32) -> Result<Outs<Var>> {
    let (primals, tangents): (Ins<Var>, Vec<Option<Var>>) =
        x.iter().map(|v| dual_parts(v, level)).unzip();
    let y = crate::engine::apply::apply_any(op, primals.clone())?;
    if !y.iter().any(|y| y.dtype().is_float()) {
        return Ok(y);
    }
    let t = op.jvp(&primals, &y, &tangents);
    let wrap = |(y, t): (Var, Option<Var>)| match t {
        Some(t) => Var::dual_of(y, t, level),
        None => y,
    };
    Ok(y.into_iter().zip(t).map(wrap).collect())
}

/// The loop that stands in for an op's own `batch`: each slice alone, results stacked.
pub(crate) fn batch_by_loop(
    op: &dyn AnyOp,
    x: &[Var],
    batched: &[bool],
    n: usize,
) -> Result<Outs<Var>> {
    if n == 0 {
        return Err(Error::shape(format!(
            "vmap: {} over an empty batch has no rule of its own",
            op.name()
        )));
    }
    let mut columns: Vec<Vec<Var>> = Vec::new();
    for i in 0..n {
        let inputs: Ins<Var> = x
            .iter()
            .zip(batched)
            .map(|(v, &b)| {
                if b {
                    v.select(0, i as isize)
                } else {
                    v.clone()
                }
            })
            .collect();
        let out = crate::engine::apply::apply_any(op, inputs)?;
        columns.resize_with(out.len(), Vec::new);
        columns.iter_mut().zip(out).for_each(|(c, y)| c.push(y));
    }
    Ok(columns.iter().map(|c| Var::stack(c, 0)).collect())
}

/// A wrapper at a level, without what it wraps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrap {
    Batch { level: u32, n: usize },
    Dual { level: u32 },
}

/// All wrappers of `v`, the highest level first.
fn wraps(v: &Var) -> Vec<Wrap> {
    let mut out = Vec::new();
    let mut at = v;
    while let Some(lift) = at.lift() {
        let level = lift.level;
        match &lift.kind {
            Kind::Batch { value, n } => {
                out.push(Wrap::Batch { level, n: *n });
                at = value;
            }
            Kind::Dual { primal, tangent } => {
                out.push(Wrap::Dual { level });
                // The tangent may carry batches of lower levels that the primal does not.
                at = if tangent.level() > primal.level() {
                    tangent
                } else {
                    primal
                };
            }
        }
    }
    out
}

/// The wrapper of the highest level among `all`.
pub(crate) fn highest<'a>(all: impl Iterator<Item = &'a Var>) -> Option<Wrap> {
    let level = |w: &Wrap| match *w {
        Wrap::Batch { level, .. } | Wrap::Dual { level } => level,
    };
    all.filter_map(|v| wraps(v).first().copied())
        .max_by_key(level)
}

/// The batches that `all` carry, by level, lowest first, each once.
pub(crate) fn batches<'a>(all: impl Iterator<Item = &'a Var>) -> Vec<(u32, usize)> {
    let of = |w| {
        if let Wrap::Batch { level, n } = w {
            Some((level, n))
        } else {
            None
        }
    };
    let mut out: Vec<(u32, usize)> = all.flat_map(wraps).filter_map(of).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// A zero like `y` inside the batches `wraps`, and the bare leaf behind it.
pub(crate) fn probe(y: &Var, wraps: &[(u32, usize)]) -> (Var, Var) {
    let shape: Vec<usize> = wraps
        .iter()
        .map(|w| w.1)
        .chain(y.shape().iter().copied())
        .collect();
    let leaf = Var::leaf(Var::zeros(&shape, y.dtype(), y.device()).into_tensor());
    let u = wraps
        .iter()
        .fold(leaf.clone(), |v, &(level, n)| Var::batch_of(v, n, level));
    (u, leaf)
}

/// What stands inside `v` at `level`; the same for all `n` where it carries no batch there.
pub(crate) fn batch_value(v: &Var, level: u32, n: usize) -> Var {
    match v.lift() {
        Some(Lift {
            level: l,
            kind: Kind::Batch { value, .. },
        }) if *l == level => value.clone(),
        _ => v.repeat_outer(n),
    }
}

/// The primal and the tangent of `v` at `level`.
pub(crate) fn dual_parts(v: &Var, level: u32) -> (Var, Option<Var>) {
    match v.lift() {
        Some(Lift {
            level: l,
            kind: Kind::Dual { primal, tangent },
        }) if *l == level => (primal.clone(), Some(tangent.clone())),
        _ => (v.clone(), None),
    }
}

/// Inputs of which all carry the batch: what is shared is repeated (as a view).
pub(crate) fn all_batched(x: &[Var], batched: &[bool], n: usize) -> Ins<Var> {
    x.iter()
        .zip(batched)
        .map(|(v, &b)| if b { v.clone() } else { v.repeat_outer(n) })
        .collect()
}

/// Runs `f` one level further in and hands it that level.
fn deeper<R>(f: impl FnOnce(u32) -> R) -> R {
    let level = scope::read(|s| s.map_or(0, |s| s.depth)) + 1;
    scope::enter(|s| s.depth = level, || f(level))
}

/// Maps `f`, written for one example, over axis 0 of every input; results gain that axis.
///
/// Variables that `f` captures are shared by all examples. Gradients flow through the results.
///
/// ```
/// use lepton_autograd::{Var, vmap};
/// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
/// let norms = vmap(|x| vec![(&x[0] * &x[0]).sum(&[])], &[x]).unwrap();
/// assert_eq!(norms[0].to_vec::<f32>().unwrap(), [5.0, 25.0]);
/// ```
///
/// # Errors
/// When there is no input, or the inputs do not agree on the size of axis 0.
pub fn vmap(f: impl FnOnce(&[Var]) -> Vec<Var>, x: &[Var]) -> Result<Vec<Var>> {
    let shapes: Vec<&[usize]> = x.iter().map(Var::shape).collect();
    let n = shapes.first().and_then(|s| s.first()).copied();
    let n = n.filter(|&n| shapes.iter().all(|s| s.first() == Some(&n))).ok_or_else(|| {
        Error::shape(format!("vmap: axis 0 of every input carries the batch and must agree; the shapes are {shapes:?}"))
    })?;
    let (out, level) = deeper(|level| {
        let wrapped: Vec<Var> = x
            .iter()
            .map(|v| Var::batch_of(v.clone(), n, level))
            .collect();
        (f(&wrapped), level)
    });
    Ok(out.iter().map(|y| batch_value(y, level, n)).collect())
}

/// Values of `f` at `x` and their derivatives along `tangents` (forward mode).
///
/// ```
/// use lepton_autograd::{Var, jvp};
/// let (y, t) = jvp(|x| vec![x[0].exp()], &[Var::scalar(0.0f64)], &[Var::scalar(2.0f64)]).unwrap();
/// assert_eq!((y[0].item().unwrap(), t[0].item().unwrap()), (1.0, 2.0));
/// ```
///
/// # Errors
/// When a tangent has another shape or dtype than its input.
pub fn jvp(
    f: impl FnOnce(&[Var]) -> Vec<Var>,
    x: &[Var],
    tangents: &[Var],
) -> Result<(Vec<Var>, Vec<Var>)> {
    if x.len() != tangents.len() || x.iter().zip(tangents).any(|(x, t)| x.meta() != t.meta()) {
        return Err(Error::shape(
            "jvp: every input needs one tangent of its own shape and dtype",
        ));
    }
    let (out, level) = deeper(|level| {
        let pairs: Vec<Var> = x
            .iter()
            .zip(tangents)
            .map(|(x, t)| Var::dual_of(x.clone(), t.clone(), level))
            .collect();
        (f(&pairs), level)
    });
    let split = |y: &Var| {
        let (y, t) = dual_parts(y, level);
        let t = t.unwrap_or_else(|| y.zeros_like());
        (y, t)
    };
    Ok(out.iter().map(split).unzip())
}
