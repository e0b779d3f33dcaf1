//! The recorded graph: nodes held by their outputs, freed as backward passes or in a loop.

use std::cell::Cell;
use std::sync::Arc;

use lepton_tensor::{Meta, Tensor};
use smallvec::SmallVec;

use crate::engine::lift::Lift;
use crate::engine::op::{AnyOp, Ins, Keeps, Outs};
use crate::engine::param::ParamId;
use crate::engine::var::Var;

/// Where a variable's gradient goes.
#[derive(Clone, Default)]
pub(crate) enum Edge {
    /// Nowhere: a constant.
    #[default]
    None,
    /// To a leaf: a parameter or an input of interest.
    Leaf(ParamId),
    /// To an output of a recorded op.
    Node(Arc<Node>, u32),
    /// Into a batch or a dual number, see [`crate::engine::lift`].
    Lift(Arc<Lift>),
}

impl Edge {
    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Edge::None)
    }

    /// The id of the node behind, 0 for what has none.
    #[inline]
    fn id(&self) -> u64 {
        if let Edge::Node(node, _) = self {
            node.id
        } else {
            0
        }
    }
}

/// One recorded op.
pub(crate) struct Node {
    /// Grows along every path, so nodes sorted by id are in topological order.
    pub(crate) id: u64,
    pub(crate) op: Box<dyn AnyOp>,
    pub(crate) inputs: Ins<Edge>,
    /// Inputs as `keeps` asked: whole, or their shape as a `Meta` tensor.
    kept: Ins<Option<Tensor>>,
    kept_out: Outs<Option<Tensor>>,
    pub(crate) outputs: u32,
}

thread_local! {
    static NEXT: Cell<u64> = const { Cell::new(1) };
}

/// The next node id of this thread, for a parallel task to start from and its caller to take over.
pub(crate) fn next_id() -> u64 {
    NEXT.get()
}

/// Sets the next node id of this thread.
pub(crate) fn set_next_id(id: u64) {
    NEXT.set(id);
}

/// What `keeps` sets aside of the inputs, before they are given away; nothing stands for the last
/// inputs when they are not kept.
#[inline]
pub(crate) fn keep_inputs(keeps: Keeps, x: &[Tensor]) -> Ins<Option<Tensor>> {
    let any = keeps.inputs | keeps.shapes;
    let mut kept = Ins::new();
    for (i, t) in x.iter().enumerate() {
        if any >> i.min(63) == 0 {
            break;
        }
        kept.push(if Keeps::has(keeps.inputs, i) {
            Some(t.clone())
        } else {
            Keeps::has(keeps.shapes, i).then(|| Tensor::meta_like(t.meta()))
        });
    }
    kept
}

impl Node {
    /// Records `op`: edges of its inputs, what it keeps of them, and of its outputs `y`.
    #[inline]
    pub(crate) fn new(
        op: &dyn AnyOp,
        inputs: Ins<Edge>,
        kept: Ins<Option<Tensor>>,
        y: &[Tensor],
    ) -> Arc<Node> {
        let above = inputs.iter().map(Edge::id).max().unwrap_or(0) + 1;
        let id = NEXT.get().max(above);
        NEXT.set(id + 1);
        let mask = op.keeps().outputs;
        let mut kept_out = Outs::new();
        if mask != 0 {
            for (i, t) in y.iter().enumerate() {
                kept_out.push(Keeps::has(mask, i).then(|| t.clone()));
            }
        }
        Arc::new(Node {
            id,
            op: op.boxed(),
            inputs,
            kept,
            kept_out,
            outputs: y.len() as u32,
        })
    }
}

impl Drop for Node {
    /// A loop, not a recursion: a chain of a million steps must not overflow the stack.
    fn drop(&mut self) {
        // A backward pass has taken the inputs away already.
        if self.inputs.iter().all(|e| !matches!(e, Edge::Node(..))) {
            return;
        }
        let mut stack: SmallVec<[Edge; 8]> = self.inputs.drain(..).collect();
        while let Some(edge) = stack.pop() {
            if let Edge::Node(node, _) = edge
                && let Some(mut node) = Arc::into_inner(node)
            {
                stack.extend(node.inputs.drain(..));
            }
        }
    }
}

/// What a `vjp` reads: the kept inputs and outputs, which gradients are wanted, and shapes.
///
/// Reading what [`crate::Op::keeps`] does not list panics, so a rule cannot depend on it by luck.
pub struct Saved<'a>(Origin<'a>);

enum Origin<'a> {
    /// What others may read as well.
    Shared(Source<'a>),
    /// A node that is freed after this, so what it kept can be taken.
    Freed {
        op: &'a dyn AnyOp,
        inputs: &'a [Edge],
        kept: &'a mut [Option<Tensor>],
        kept_out: &'a [Option<Tensor>],
    },
}

#[derive(Clone, Copy)]
enum Source<'a> {
    /// A recorded node; outputs are linked to it again when `link` is there.
    Node {
        op: &'a dyn AnyOp,
        inputs: &'a [Edge],
        kept: &'a [Option<Tensor>],
        kept_out: &'a [Option<Tensor>],
        link: Option<&'a Arc<Node>>,
    },
    /// Plain values, for a `jvp` made of the `vjp`.
    Vars {
        keeps: Keeps,
        x: &'a [Var],
        y: &'a [Var],
        needs: &'a [bool],
    },
}

impl<'a> Saved<'a> {
    pub(crate) fn of_node(node: &'a Node, link: Option<&'a Arc<Node>>) -> Saved<'a> {
        Saved(Origin::Shared(Source::Node {
            op: &*node.op,
            inputs: &node.inputs,
            kept: &node.kept,
            kept_out: &node.kept_out,
            link,
        }))
    }

    /// What a node kept that is freed after this, and its op.
    pub(crate) fn of_freed(node: &'a mut Node) -> (&'a dyn AnyOp, Saved<'a>) {
        let op = &*node.op;
        let freed = Origin::Freed {
            op,
            inputs: &node.inputs,
            kept: &mut node.kept,
            kept_out: &node.kept_out,
        };
        (op, Saved(freed))
    }

    #[inline]
    fn source(&self) -> Source<'_> {
        match &self.0 {
            Origin::Shared(source) => *source,
            Origin::Freed {
                op,
                inputs,
                kept,
                kept_out,
            } => Source::Node {
                op: *op,
                inputs,
                kept,
                kept_out,
                link: None,
            },
        }
    }

    /// Input `i` for the last time, so that its buffer may be used again where the graph is freed.
    ///
    /// # Panics
    /// As [`Saved::input`], which must not be asked for it afterwards.
    pub(crate) fn take_input(&mut self, i: usize) -> Var {
        match &mut self.0 {
            Origin::Freed { op, kept, .. } if Keeps::has(op.keeps().inputs, i) => {
                let tensor = kept.get_mut(i).and_then(Option::take);
                let tensor = tensor.unwrap_or_else(|| unlisted(op.name(), "input", i));
                Var::from(tensor)
            }
            _ => self.input(i),
        }
    }

    pub(crate) fn of_vars(
        keeps: Keeps,
        x: &'a [Var],
        y: &'a [Var],
        needs: &'a [bool],
    ) -> Saved<'a> {
        Saved(Origin::Shared(Source::Vars { keeps, x, y, needs }))
    }

    /// True when the gradient of input `i` is wanted.
    pub fn needs(&self, i: usize) -> bool {
        match self.source() {
            Source::Node { inputs, .. } => !inputs[i].is_none(),
            Source::Vars { needs, .. } => needs[i],
        }
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        match self.source() {
            Source::Node { inputs, .. } => inputs.len(),
            Source::Vars { x, .. } => x.len(),
        }
    }

    /// Input `i`, with its edge.
    ///
    /// # Panics
    /// When `keeps` does not list it.
    pub fn input(&self, i: usize) -> Var {
        match self.source() {
            Source::Node {
                op,
                inputs,
                kept,
                link,
                ..
            } => {
                let tensor = kept.get(i).and_then(Option::as_ref);
                // A shape is kept as a tensor on the device `Meta`; so is an input that was there.
                let whole = |t: &&Tensor| !t.is_meta() || Keeps::has(op.keeps().inputs, i);
                let tensor = tensor
                    .filter(whole)
                    .unwrap_or_else(|| unlisted(op.name(), "input", i));
                let edge = if link.is_some() {
                    inputs[i].clone()
                } else {
                    Edge::None
                };
                Var::from_parts(tensor.clone(), edge)
            }
            Source::Vars { keeps, x, .. } => {
                assert!(
                    Keeps::has(keeps.inputs, i),
                    "vjp reads input {i}, which keeps() does not list"
                );
                x[i].clone()
            }
        }
    }

    /// Output `i`, with its edge.
    ///
    /// # Panics
    /// When `keeps` does not list it.
    pub fn output(&self, i: usize) -> Var {
        match self.source() {
            Source::Node {
                op, kept_out, link, ..
            } => {
                let tensor = kept_out.get(i).and_then(Option::as_ref);
                let tensor = tensor.unwrap_or_else(|| unlisted(op.name(), "output", i));
                let edge = link.map_or(Edge::None, |l| Edge::Node(Arc::clone(l), i as u32));
                let edge = if tensor.dtype().is_float() {
                    edge
                } else {
                    Edge::None
                };
                Var::from_parts(tensor.clone(), edge)
            }
            Source::Vars { keeps, y, .. } => {
                assert!(
                    Keeps::has(keeps.outputs, i),
                    "vjp reads output {i}, which keeps() does not list"
                );
                y[i].clone()
            }
        }
    }

    /// Shape and dtype of input `i`.
    ///
    /// # Panics
    /// When `keeps` lists neither its shape nor itself.
    pub fn meta(&self, i: usize) -> &Meta {
        match self.source() {
            Source::Node { op, kept, .. } => {
                let tensor = kept.get(i).and_then(Option::as_ref);
                tensor
                    .unwrap_or_else(|| unlisted(op.name(), "shape of input", i))
                    .meta()
            }
            Source::Vars { keeps, x, .. } => {
                assert!(
                    Keeps::has(keeps.shapes | keeps.inputs, i),
                    "vjp reads shape {i}, which keeps() does not list"
                );
                x[i].meta()
            }
        }
    }

    /// The shape of input `i`.
    ///
    /// # Panics
    /// When `keeps` lists neither its shape nor itself.
    pub fn shape(&self, i: usize) -> &[usize] {
        &self.meta(i).shape
    }
}

fn unlisted(op: &str, what: &str, i: usize) -> ! {
    panic!("{op}: vjp reads {what} {i}, which keeps() does not list")
}
