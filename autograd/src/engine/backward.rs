//! Reverse mode: the walk from outputs to leaves. `README.md` beside this file tells it as a text.
//!
//! Nodes wait in a vector sorted by id; the last one has had all its cotangents, since ids grow
//! along every path. Ties (nodes of parallel tasks) keep their order of discovery, so the order of
//! additions never depends on threads. [`Var::backward`] owns the graph and frees it as it walks.

use std::collections::HashMap;
use std::sync::Arc;

use lepton_tensor::{Error, Result};

use crate::engine::apply::OrPanic;
use crate::engine::node::{Edge, Node, Saved};
use crate::engine::op::{AnyOp, Outs};
use crate::engine::param::{Grads, ParamId};
use crate::engine::scope;
use crate::engine::var::Var;

/// Whether the graph stays and gradients are themselves recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Nodes are freed as they pass.
    Free,
    /// Nodes stay; cotangents are recorded like any value.
    Keep,
}

/// A node that waits for its turn, with the cotangents that have arrived at its outputs.
struct Waiting {
    node: Arc<Node>,
    cotangents: Outs<Option<Var>>,
}

/// Where a walk delivers: leaves by identity, and watched outputs of nodes.
#[derive(Default)]
struct Sink {
    leaves: Grads,
    watched: HashMap<(usize, u32), Option<Var>>,
}

struct Walk {
    /// Sorted by id, later discoveries of the same id first, so that `pop` takes the earliest.
    queue: Vec<Waiting>,
    sink: Sink,
}

impl Walk {
    /// Sends cotangent `g` along `edge`.
    fn send(&mut self, edge: Edge, g: Var) {
        match edge {
            Edge::None => {}
            Edge::Leaf(id) => {
                self.sink.leaves.add(id, g, add);
            }
            Edge::Lift(_) => unreachable!("lifted values are unwrapped before they are recorded"),
            Edge::Node(node, out) => self.enqueue(node, out as usize, g),
        }
    }

    fn enqueue(&mut self, node: Arc<Node>, out: usize, g: Var) {
        // In a chain the next node comes after all that wait.
        if node.outputs == 1 && self.queue.last().is_none_or(|w| w.node.id < node.id) {
            let cotangents = Outs::from_buf([Some(g)]);
            return self.queue.push(Waiting { node, cotangents });
        }
        let from = self.queue.partition_point(|w| w.node.id < node.id);
        let same = self.queue[from..]
            .iter()
            .take_while(|w| w.node.id == node.id)
            .position(|w| Arc::ptr_eq(&w.node, &node));
        let at = match same {
            Some(i) => from + i,
            None => {
                let mut cotangents = Outs::new();
                cotangents.resize_with(node.outputs as usize, || None);
                self.queue.insert(from, Waiting { node, cotangents });
                from
            }
        };
        match &mut self.queue[at].cotangents[out] {
            Some(old) => add(old, g),
            none => *none = Some(g),
        }
    }

    fn run(&mut self, mode: Use) {
        while let Some(Waiting { node, cotangents }) = self.queue.pop() {
            if !self.sink.watched.is_empty() {
                self.watch(&node, &cotangents);
            }
            match mode {
                Use::Free => self.pass(node, cotangents),
                Use::Keep => self.pull(&node, Some(&node), &cotangents),
            }
        }
    }

    /// Sends on what arrived at a node that stays.
    fn pull(&mut self, node: &Node, link: Option<&Arc<Node>>, cotangents: &[Option<Var>]) {
        let given = node.op.vjp(&Saved::of_node(node, link), cotangents);
        expect_all(&*node.op, given.len(), node.inputs.len());
        for (edge, g) in node.inputs.iter().zip(given) {
            self.deliver(edge.clone(), g);
        }
    }

    /// Sends on what arrived at a node that nobody needs any more; if somebody else holds it after
    /// all, it stays as it is.
    fn pass(&mut self, mut node: Arc<Node>, mut cotangents: Outs<Option<Var>>) {
        let Some(own) = Arc::get_mut(&mut node) else {
            return self.pull(&node, None, &cotangents);
        };
        let (op, mut saved) = Saved::of_freed(own);
        let given = op.vjp_consuming(&mut saved, &mut cotangents);
        expect_all(op, given.len(), saved.inputs());
        drop(cotangents);
        let inputs = std::mem::take(&mut own.inputs);
        drop(node); // and with it what it kept, before more is made
        for (edge, g) in inputs.into_iter().zip(given) {
            self.deliver(edge, g);
        }
    }

    fn deliver(&mut self, edge: Edge, g: Option<Var>) {
        if let Some(g) = g {
            self.send(edge, g);
        }
    }

    fn watch(&mut self, node: &Arc<Node>, cotangents: &[Option<Var>]) {
        for (i, g) in cotangents.iter().enumerate() {
            if let Some(slot) = self
                .sink
                .watched
                .get_mut(&(Arc::as_ptr(node) as usize, i as u32))
            {
                slot.clone_from(g);
            }
        }
    }
}

/// A rule gives one cotangent for each input, there or not.
fn expect_all(op: &dyn AnyOp, given: usize, inputs: usize) {
    debug_assert_eq!(given, inputs, "{}: one cotangent per input", op.name());
}

/// Adds `g` to `old`, which is alone in its buffer: the sum is written there.
fn add(old: &mut Var, g: Var) {
    let before = std::mem::replace(old, g.clone());
    *old = before + g;
}

fn walk(outputs: Vec<(Var, Var)>, sink: Sink, mode: Use) -> Sink {
    let mut walk = Walk {
        queue: Vec::new(),
        sink,
    };
    for (output, cotangent) in outputs {
        let (_, edge) = output.into_parts();
        walk.send(edge, cotangent);
    }
    walk.run(mode);
    walk.sink
}

/// Gradients of `sum_i <outputs_i, cotangents_i>` with respect to each of `wrt` (leaves or results
/// of recorded ops), themselves differentiable. What does not depend on a variable gives zeros.
///
/// # Errors
/// When a cotangent has another shape than its output, or a variable of `wrt` is a constant.
pub fn vjp(outputs: &[Var], cotangents: &[Var], wrt: &[Var]) -> Result<Vec<Var>> {
    let found = pull(outputs, cotangents, wrt)?;
    Ok(found
        .into_iter()
        .zip(wrt)
        .map(|(g, x)| g.unwrap_or_else(|| x.zeros_like()))
        .collect())
}

/// As [`vjp`], with `None` where nothing arrives.
pub(crate) fn pull(outputs: &[Var], cotangents: &[Var], wrt: &[Var]) -> Result<Vec<Option<Var>>> {
    if outputs.len() != cotangents.len() {
        return Err(Error::value(format!(
            "vjp: {} outputs and {} cotangents; every output needs one",
            outputs.len(),
            cotangents.len()
        )));
    }
    let mut sink = Sink::default();
    for x in wrt {
        match x.edge() {
            Edge::Node(node, out) => {
                sink.watched
                    .insert((Arc::as_ptr(node) as usize, *out), None);
            }
            Edge::Leaf(_) => {}
            Edge::Lift(_) => return Err(inside()),
            Edge::None => {
                return Err(Error::value(
                    "vjp: a variable of `wrt` is a constant; make it a leaf first: Var::leaf(..)",
                ));
            }
        }
    }
    let mut pairs = Vec::new();
    for (y, g) in outputs.iter().zip(cotangents) {
        if y.lift().is_some() {
            return Err(inside());
        }
        if y.shape() != g.shape() || y.dtype() != g.dtype() {
            return Err(Error::shape(format!(
                "vjp: the output is {} {:?}, its cotangent {} {:?}",
                y.dtype(),
                y.shape(),
                g.dtype(),
                g.shape()
            )));
        }
        pairs.push((y.clone(), g.clone()));
    }
    let sink = scope::enable_grad(|| walk(pairs, sink, Use::Keep));
    let of = |x: &Var| match x.edge() {
        Edge::Leaf(id) => sink.leaves.var(*id).cloned(),
        Edge::Node(node, out) => sink
            .watched
            .get(&(Arc::as_ptr(node) as usize, *out))
            .cloned()
            .flatten(),
        _ => None,
    };
    Ok(wrt.iter().map(of).collect())
}

fn inside() -> Error {
    Error::unsupported(
        "gradients cannot be asked for inside vmap or jvp; ask outside: the results are differentiable",
    )
}

impl Var {
    /// Gradients of this one-element loss with respect to every leaf, freeing the graph on the way.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::from_vec(vec![1.0f32, -2.0], &[2]).unwrap());
    /// let grads = (&x * &x).sum(&[]).backward();
    /// assert_eq!(grads.of(&x).unwrap().to_vec::<f32>().unwrap(), [2.0, -4.0]);
    /// ```
    ///
    /// # Panics
    /// When the loss has more than one element, is not a float, or stands inside `vmap` or `jvp`.
    #[track_caller]
    pub fn backward(self) -> Grads {
        let seed = self.seed("backward");
        scope::no_grad(|| walk(vec![(self, seed)], Sink::default(), Use::Free)).leaves
    }

    /// Gradients of this one-element loss with respect to each of `wrt`, keeping the graph; they
    /// are variables, so their own gradients can be asked for.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(3.0f64));
    /// let first = (&x * &x * &x).grads(&[x.clone()]).remove(0);
    /// let second = first.grads(&[x]).remove(0);
    /// assert_eq!((first.item().unwrap(), second.item().unwrap()), (27.0, 18.0));
    /// ```
    ///
    /// # Panics
    /// When the loss has more than one element, or a variable of `wrt` is a constant.
    #[track_caller]
    pub fn grads(&self, wrt: &[Var]) -> Vec<Var> {
        let seed = self.seed("grads");
        vjp(std::slice::from_ref(self), &[seed], wrt).or_panic()
    }

    #[track_caller]
    fn seed(&self, what: &str) -> Var {
        assert!(
            self.numel() == 1,
            "{what}: the loss has shape {:?}; reduce it to one element first, such as with .sum(&[]) or .mean(&[])",
            self.shape()
        );
        assert!(
            self.dtype().is_float(),
            "{what}: the loss is {}; gradients are of floats",
            self.dtype()
        );
        assert!(self.lift().is_none(), "{}", inside());
        Var::ones(self.shape(), self.dtype(), self.device())
    }

    /// The identities of the leaves this variable depends on.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(2.0f32));
    /// assert_eq!((&x * 3.0).leaves(), [x.leaf_id().unwrap()]);
    /// ```
    pub fn leaves(&self) -> Vec<ParamId> {
        let mut out = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut stack = vec![self.edge().clone()];
        while let Some(edge) = stack.pop() {
            match edge {
                Edge::Leaf(id) if !out.contains(&id) => out.push(id),
                Edge::Node(node, _) if seen.insert(Arc::as_ptr(&node) as usize) => {
                    stack.extend(node.inputs.iter().cloned())
                }
                _ => {}
            }
        }
        out.sort();
        out
    }
}
