//! The only door: shape rule, batching, recording, and whoever watches.
//!
//! [`apply_any`] is the door; [`fast`] is its short way for small ops that nobody watches.

use std::sync::Arc;

use lepton_tensor::{Meta, Result, Tensor};

use crate::engine::catalogue::Listed;
use crate::engine::lift;
use crate::engine::node::{Edge, Node, keep_inputs};
use crate::engine::op::{AnyOp, Ins, Op, Outs};
use crate::engine::scope;
use crate::engine::var::Var;

/// Applies `op` to `x` and returns its outputs.
///
/// Inputs are taken by value: a buffer that nobody else holds, and that the op does not keep, may
/// be reused for an output.
///
/// # Errors
/// When the shape rule refuses the inputs, or their values are outside the op's domain.
#[inline]
pub fn apply<O: Op + Listed>(op: O, x: Ins<Var>) -> Result<Outs<Var>> {
    apply_any(&op, x)
}

/// Applies an op known only as data, as programs and traces do; a catalogue has made it.
///
/// # Errors
/// As [`apply`].
pub fn apply_dyn(op: &dyn AnyOp, x: Ins<Var>) -> Result<Outs<Var>> {
    apply_any(op, x)
}

/// A failure as a panic at the caller's line (in a closure `track_caller` has no effect, so a method
/// that panics says `or_panic()` rather than `unwrap_or_else(|e| panic!(..))`).
pub(crate) trait OrPanic<T> {
    /// The value.
    ///
    /// # Panics
    /// With the error's sentence.
    #[track_caller]
    fn or_panic(self) -> T;
}

impl<T> OrPanic<T> for Result<T> {
    #[inline]
    #[track_caller]
    fn or_panic(self) -> T {
        match self {
            Ok(value) => value,
            Err(e) => panic!("{e}"),
        }
    }
}

/// The first output of `op`; failures panic with the op's sentence at the caller's line.
#[inline]
#[track_caller]
pub(crate) fn one<O: Op + Listed>(op: O, x: Ins<Var>) -> Var {
    apply_any(&op, x).or_panic().swap_remove(0)
}

/// The door for ops that have [`Op::forward_fast`]: on few elements an op costs what is around it, so
/// nothing is collected or called through a table here. What is out of the ordinary takes the long way.
#[track_caller]
pub(crate) fn fast<O: Op, const N: usize>(
    op: &O,
    mut tensors: [Tensor; N],
    edges: [Edge; N],
) -> Var {
    let mode = mode();
    if mode.watched || edges.iter().any(|e| matches!(e, Edge::Lift(_))) {
        return long(op, tensors, edges);
    }
    let record = mode.record && !O::STOPS && edges.iter().any(|e| !e.is_none());
    let kept = if record {
        keep_inputs(Op::keeps(op), &tensors)
    } else {
        Ins::new()
    };
    match Op::forward_fast(op, &mut tensors) {
        None => long(op, tensors, edges),
        Some(Err(e)) => panic!("{e}"),
        Some(Ok(y)) if record && y.dtype().is_float() => {
            let mut inputs = Ins::with_capacity(N);
            edges.into_iter().for_each(|e| inputs.push(e));
            let node = Node::new(op, inputs, kept, std::slice::from_ref(&y));
            Var::from_parts(y, Edge::Node(node, 0))
        }
        Some(Ok(y)) => Var::from(y),
    }
}

#[cold]
#[track_caller]
fn long<const N: usize>(op: &dyn AnyOp, tensors: [Tensor; N], edges: [Edge; N]) -> Var {
    let pairs = tensors.into_iter().zip(edges);
    let x = pairs.map(|(t, e)| Var::from_parts(t, e)).collect();
    apply_any(op, x).or_panic().swap_remove(0)
}

/// What of the scope concerns one op.
struct Mode {
    record: bool,
    watched: bool,
}

#[inline]
fn mode() -> Mode {
    scope::read(|s| match s {
        None => Mode {
            record: true,
            watched: false,
        },
        Some(s) => Mode {
            record: s.record,
            watched: !s.watchers.is_empty(),
        },
    })
}

pub(crate) fn apply_any(op: &dyn AnyOp, x: Ins<Var>) -> Result<Outs<Var>> {
    if x.iter().any(|v| v.lift().is_some()) {
        return lift::apply(op, &x);
    }
    let mode = mode();
    let seen = mode.watched.then(|| {
        let tensors = x.iter().map(|v| v.tensor().clone());
        tensors.collect::<Ins<Tensor>>()
    });
    let record = mode.record && !op.stops() && x.iter().any(|v| !v.is_constant());
    // Pushed one by one here and below: `collect` into a `SmallVec` costs several times as much.
    let (mut tensors, mut edges) = (Ins::new(), Ins::new());
    for v in x {
        let (tensor, edge) = v.into_parts();
        tensors.push(tensor);
        if record {
            edges.push(edge);
        }
    }
    let kept = if record {
        keep_inputs(op.keeps(), &tensors)
    } else {
        Ins::new()
    };
    let out = run(op, &mut tensors)?;
    if let Some(inputs) = seen {
        for watcher in scope::watchers() {
            watcher.op(op, &inputs, &out)?;
        }
    }
    let node = (record && out.iter().any(|t| t.dtype().is_float()))
        .then(|| Node::new(op, edges, kept, &out));
    Ok(linked(out, node.as_ref()))
}

/// The shape rule and the computation; on the device `Meta` the rule is all there is.
pub(crate) fn run(op: &dyn AnyOp, x: &mut [Tensor]) -> Result<Outs<Tensor>> {
    if let Some(y) = op.forward_fast(x) {
        return y.map(|y| Outs::from_buf([y]));
    }
    let out = {
        let mut metas: Ins<&Meta> = Ins::new();
        x.iter().for_each(|t| metas.push(t.meta()));
        op.infer(&metas)?
    };
    if x.iter().any(Tensor::is_meta) {
        return Ok(out.iter().map(Tensor::meta_like).collect());
    }
    op.forward(x, &out)
}

/// The outputs of a recorded op: floats have an edge to its node.
fn linked(out: Outs<Tensor>, node: Option<&Arc<Node>>) -> Outs<Var> {
    let mut vars = Outs::new();
    for (i, tensor) in out.into_iter().enumerate() {
        let edge = match node {
            Some(node) if tensor.dtype().is_float() => Edge::Node(Arc::clone(node), i as u32),
            _ => Edge::None,
        };
        vars.push(Var::from_parts(tensor, edge));
    }
    vars
}
