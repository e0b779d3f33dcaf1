//! The only door: shape rule, batching, recording, tracing, anomaly mode and counting.

use lepton_tensor::{Error, Result, Tensor};

use crate::engine::catalogue::Listed;
use crate::engine::lift;
use crate::engine::node::{Edge, Node, keep_inputs};
use crate::engine::op::{AnyOp, Ins, Op, Outs};
use crate::engine::scope::{self, Scope};
use crate::engine::var::Var;
use crate::inspect::count::Counter;

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

/// As [`one`], for ops that have [`Op::run1`]: on few elements an op costs what is around it, so
/// here nothing is collected or called through a table. What is out of the ordinary goes the long
/// way.
#[track_caller]
pub(crate) fn short<O: Op + Listed, const N: usize>(
    op: O,
    mut tensors: [Tensor; N],
    edges: [Edge; N],
) -> Var {
    let mode = mode();
    if mode.watched || edges.iter().any(|e| matches!(e, Edge::Lift(_))) {
        return long(op, tensors, edges);
    }
    let record = mode.record && !O::STOPS && edges.iter().any(|e| !e.is_none());
    let kept = if record {
        keep_inputs(op.keeps(), &tensors)
    } else {
        Ins::new()
    };
    match op.run1(&mut tensors) {
        None => long(op, tensors, edges),
        Some(Err(e)) => panic!("{e}"),
        Some(Ok(y)) if record && y.dtype().is_float() => {
            let mut inputs = Ins::with_capacity(N);
            edges.into_iter().for_each(|e| inputs.push(e));
            let node = Node::new(&op, inputs, kept, std::slice::from_ref(&y));
            Var::from_parts(y, Edge::Node(node, 0))
        }
        Some(Ok(y)) => Var::from(y),
    }
}

#[cold]
#[track_caller]
fn long<O: Op + Listed, const N: usize>(op: O, tensors: [Tensor; N], edges: [Edge; N]) -> Var {
    let pairs = tensors.into_iter().zip(edges);
    one(op, pairs.map(|(t, e)| Var::from_parts(t, e)).collect())
}

/// What of the scope concerns one op.
struct Mode {
    record: bool,
    /// Any of anomaly mode, counting and tracing.
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
            watched: s.anomaly || s.count.is_some() || s.trace.is_some(),
        },
    })
}

/// True in anomaly mode, while counting and while tracing.
pub(crate) fn watched() -> bool {
    mode().watched
}

pub(crate) fn apply_any(op: &dyn AnyOp, x: Ins<Var>) -> Result<Outs<Var>> {
    if x.iter().any(|v| v.lift().is_some()) {
        return lift::apply(op, &x);
    }
    let mode = mode();
    let watch = mode.watched.then(|| {
        x.iter()
            .map(|v| v.tensor().clone())
            .collect::<Ins<Tensor>>()
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
    let out = op.run(&mut tensors)?;
    if let Some(inputs) = watch {
        scope::read(|s| s.map_or(Ok(()), |s| observe(s, op, &inputs, &out)))?;
    }
    let node = (record && out.iter().any(|t| t.dtype().is_float()))
        .then(|| Node::new(op, edges, kept, &out));
    let mut vars = Outs::new();
    for (i, tensor) in out.into_iter().enumerate() {
        let edge = match &node {
            Some(node) if tensor.dtype().is_float() => Edge::Node(node.clone(), i as u32),
            _ => Edge::None,
        };
        vars.push(Var::from_parts(tensor, edge));
    }
    Ok(vars)
}

/// Counts, traces and checks one op that has run.
#[cold]
fn observe(scope: &Scope, op: &dyn AnyOp, x: &[Tensor], y: &[Tensor]) -> Result<()> {
    if let Some(counter) = &scope.count {
        count(counter, op, x, y);
    }
    if let Some(trace) = &scope.trace {
        trace
            .lock()
            .expect("a trace is used by one thread")
            .step(op, x, y);
    }
    if scope.anomaly {
        for t in y.iter().filter(|t| !t.is_meta() && t.dtype().is_float()) {
            if let Some(bad) = t.to_f64().into_iter().find(|v| !v.is_finite()) {
                let shapes: Vec<&[usize]> = x.iter().map(Tensor::shape).collect();
                return Err(Error::value(format!(
                    "{}: the result contains {bad}; inputs have shapes {shapes:?}",
                    op.name()
                )));
            }
        }
    }
    Ok(())
}

fn count(counter: &Counter, op: &dyn AnyOp, x: &[Tensor], y: &[Tensor]) {
    let x: Ins<_> = x.iter().map(Tensor::meta).collect();
    let y: Vec<_> = y.iter().map(|t| t.meta().clone()).collect();
    counter.add(op.cost(&x, &y));
}
