//! The variable: a tensor and, when it takes part in a gradient, an edge.

use std::fmt;

use lepton_tensor::dtype::Element;
use lepton_tensor::{DType, Device, Meta, Result, Tensor};

use crate::engine::apply::OrPanic;
use crate::engine::catalogue::Listed;
use crate::engine::lift::{Kind, Lift};
use crate::engine::node::Edge;
use crate::engine::op::{Ins, Op, Outs};
use crate::engine::param::ParamId;

/// A tensor that remembers how it was made, when that matters.
///
/// All mathematics is here. Operators take values or references; a value that nobody else holds is
/// overwritten (`a * b + c` uses one buffer). Indices, labels and masks are `Var`s too, without an
/// edge. See the crate's front page for a tour.
#[derive(Clone)]
pub struct Var {
    tensor: Tensor,
    edge: Edge,
}

impl From<Tensor> for Var {
    /// A constant.
    fn from(tensor: Tensor) -> Var {
        Var {
            tensor,
            edge: Edge::None,
        }
    }
}

impl Var {
    pub(crate) fn from_parts(tensor: Tensor, edge: Edge) -> Var {
        Var { tensor, edge }
    }

    pub(crate) fn into_parts(self) -> (Tensor, Edge) {
        (self.tensor, self.edge)
    }

    pub(crate) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// A new leaf: gradients with respect to it can be asked for.
    ///
    /// # Panics
    /// When the dtype is not a float.
    #[track_caller]
    pub fn leaf(tensor: Tensor) -> Var {
        tensor.dtype().want_float("leaf").or_panic();
        Var {
            tensor,
            edge: Edge::Leaf(ParamId::new()),
        }
    }

    /// A constant of the elements of `data` under `shape`.
    ///
    /// # Panics
    /// When the shape does not hold `data.len()` elements.
    #[track_caller]
    pub fn new<T: Element>(data: &[T], shape: &[usize]) -> Var {
        Tensor::from_slice(data, shape)
            .map_err(|e| e.told_by("new"))
            .or_panic()
            .into()
    }

    /// A constant with no axes.
    pub fn scalar<T: Element>(x: T) -> Var {
        Tensor::scalar(x).into()
    }

    /// Shape and dtype.
    #[inline]
    pub fn meta(&self) -> &Meta {
        self.tensor.meta()
    }

    /// Sizes of axes, outermost first.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        self.tensor.shape()
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.tensor.rank()
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.tensor.numel()
    }

    /// The element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.tensor.dtype()
    }

    /// Where the elements are.
    pub fn device(&self) -> Device {
        match self.lift().map(|l| &l.kind) {
            Some(Kind::Batch { value, .. }) => value.device(),
            Some(Kind::Dual { primal, .. }) => primal.device(),
            None => self.tensor.device(),
        }
    }

    /// The tensor behind. Inside `vmap` it has a shape but no elements.
    #[inline]
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The tensor behind, by value.
    pub fn into_tensor(self) -> Tensor {
        self.tensor
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// When `T` is not the dtype, or there are no elements to read (device `Meta`, inside `vmap`).
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.tensor.to_vec()
    }

    /// The one element, as f64.
    ///
    /// # Errors
    /// When there is not exactly one, or none to read.
    pub fn item(&self) -> Result<f64> {
        self.tensor.item()
    }

    /// True when no gradient flows into this variable.
    pub fn is_constant(&self) -> bool {
        self.edge.is_none()
    }

    /// The identity of a leaf, `None` for anything else.
    pub fn leaf_id(&self) -> Option<ParamId> {
        if let Edge::Leaf(id) = self.edge {
            Some(id)
        } else {
            None
        }
    }

    pub(crate) fn lift(&self) -> Option<&Lift> {
        if let Edge::Lift(lift) = &self.edge {
            Some(lift)
        } else {
            None
        }
    }

    /// Applies `op` to this variable alone; errors are the shape rule's sentence.
    ///
    /// # Errors
    /// When the shape rule refuses the input, or its values are outside the op's domain.
    pub fn try_apply<O: Op + Listed>(&self, op: O) -> Result<Outs<Var>> {
        let mut x = Ins::new();
        x.push(self.clone());
        crate::apply(op, x)
    }
}

impl fmt::Debug for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grad = match &self.edge {
            Edge::None => "constant",
            Edge::Leaf(_) => "leaf",
            Edge::Node(node, _) => node.op.name(),
            Edge::Lift(_) => "lifted",
        };
        write!(
            f,
            "Var({}, shape={:?}, dtype={}, {grad})",
            self.tensor,
            self.shape(),
            self.dtype()
        )
    }
}

impl fmt::Display for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tensor.fmt(f)
    }
}
