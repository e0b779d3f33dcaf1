//! Identities of leaves, parameters as modules own them, and gradients by identity.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lepton_tensor::Tensor;

use crate::engine::node::Edge;
use crate::engine::scope;
use crate::engine::var::Var;

/// The identity of a leaf: what its gradient is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(u64);

impl ParamId {
    /// An identity nobody else has.
    pub fn new() -> ParamId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        ParamId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl ParamId {
    /// Its number, for pictures.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Default for ParamId {
    fn default() -> ParamId {
        ParamId::new()
    }
}

/// A parameter: a tensor with an identity, owned by value by its module.
///
/// ```
/// use lepton_autograd::{Param, Tensor};
/// let w = Param::new(Tensor::scalar(3.0f32));
/// let grads = w.var().square().backward();
/// assert_eq!(grads.get(w.id()).unwrap().item().unwrap(), 6.0);
/// ```
#[derive(Debug)]
pub struct Param {
    id: ParamId,
    tensor: Tensor,
    frozen: bool,
}

impl Param {
    /// A parameter that starts as `tensor`.
    pub fn new(tensor: Tensor) -> Param {
        Param {
            id: ParamId::new(),
            tensor,
            frozen: false,
        }
    }

    /// Its identity.
    pub fn id(&self) -> ParamId {
        self.id
    }

    /// Its value.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Its value, to update in place; other handles keep the old one.
    pub fn tensor_mut(&mut self) -> &mut Tensor {
        &mut self.tensor
    }

    /// Another value.
    pub fn set(&mut self, tensor: Tensor) {
        self.tensor = tensor;
    }

    /// Whether gradients stop here.
    pub fn frozen(&self) -> bool {
        self.frozen
    }

    /// Stops or resumes gradients; the identity stays.
    pub fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    /// The value as a variable: the leaf itself, or what [`crate::with_params`] puts in its place.
    pub fn var(&self) -> Var {
        if let Some(other) = scope::param(self.id, &self.tensor) {
            return other;
        }
        let edge = if self.frozen {
            Edge::None
        } else {
            Edge::Leaf(self.id)
        };
        Var::from_parts(self.tensor.clone(), edge)
    }
}

impl Clone for Param {
    /// A deep copy with an identity of its own (the elements are copied when either is written).
    fn clone(&self) -> Param {
        Param {
            id: ParamId::new(),
            tensor: self.tensor.clone(),
            frozen: self.frozen,
        }
    }
}

/// Values by parameter identity, for [`crate::with_params`].
pub type ParamMap = BTreeMap<ParamId, Var>;

/// Gradients by parameter identity: what `backward` returns.
#[derive(Clone, Debug, Default)]
pub struct Grads(BTreeMap<ParamId, Var>);

impl Grads {
    /// No gradients.
    pub fn new() -> Grads {
        Grads::default()
    }

    /// The gradient of `id`, if it took part.
    pub fn get(&self, id: ParamId) -> Option<&Tensor> {
        self.0.get(&id).map(Var::tensor)
    }

    /// The gradient of a leaf variable, if it is one and took part.
    pub fn of(&self, leaf: &Var) -> Option<&Tensor> {
        self.get(leaf.leaf_id()?)
    }

    /// Takes the gradient of `id` out, as the optimiser does to update in place.
    pub fn take(&mut self, id: ParamId) -> Option<Tensor> {
        self.0.remove(&id).map(Var::into_tensor)
    }

    /// Puts a gradient in place of what was there.
    pub fn insert(&mut self, id: ParamId, grad: Tensor) {
        self.0.insert(id, Var::from(grad));
    }

    /// Identities and gradients in order of identity.
    pub fn iter(&self) -> impl Iterator<Item = (ParamId, &Tensor)> {
        self.0.iter().map(|(&id, g)| (id, g.tensor()))
    }

    /// The number of gradients.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Files `grad` under `id`, by `sum` where there is one already.
    pub(crate) fn add(&mut self, id: ParamId, grad: Var, sum: impl FnOnce(&mut Var, Var)) {
        match self.0.entry(id) {
            Entry::Vacant(slot) => {
                slot.insert(grad);
            }
            Entry::Occupied(mut slot) => sum(slot.get_mut(), grad),
        }
    }

    pub(crate) fn var(&self, id: ParamId) -> Option<&Var> {
        self.0.get(&id)
    }
}

/// Runs `f` with other values in place of parameters: jacobians over parameters, per-sample
/// gradients, a client's copy of a model, all without touching the module.
pub fn with_params<R>(values: &ParamMap, f: impl FnOnce() -> R) -> R {
    scope::enter(|s| s.params = Some(Arc::new(values.clone())), f)
}
