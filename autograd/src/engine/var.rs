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
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(3.0f32));
    /// assert_eq!(x.square().backward().of(&x).unwrap().item()?, 6.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
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
    /// ```
    /// use lepton_autograd::{DType, Var};
    /// let x = Var::new(&[1i64, 2, 3, 4], &[2, 2]);
    /// assert_eq!((x.shape(), x.dtype()), (&[2, 2][..], DType::I64));
    /// ```
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
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::scalar(2.5f32).shape(), [0usize; 0]);
    /// ```
    pub fn scalar<T: Element>(x: T) -> Var {
        Tensor::scalar(x).into()
    }

    /// Shape and dtype.
    ///
    /// ```
    /// use lepton_autograd::{DType, Var};
    /// let x = Var::new(&[1.0f32, 2.0], &[2]);
    /// assert_eq!((&x.meta().shape[..], x.meta().dtype), (&[2][..], DType::F32));
    /// ```
    #[inline]
    pub fn meta(&self) -> &Meta {
        self.tensor.meta()
    }

    /// Sizes of axes, outermost first.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// assert_eq!(Var::zeros(&[2, 3], DType::F32, Device::Cpu).shape(), [2, 3]);
    /// ```
    #[inline]
    pub fn shape(&self) -> &[usize] {
        self.tensor.shape()
    }

    /// The number of axes.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// assert_eq!(Var::zeros(&[2, 3], DType::F32, Device::Cpu).rank(), 2);
    /// ```
    pub fn rank(&self) -> usize {
        self.tensor.rank()
    }

    /// The number of elements.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// assert_eq!(Var::zeros(&[2, 3], DType::F32, Device::Cpu).numel(), 6);
    /// ```
    pub fn numel(&self) -> usize {
        self.tensor.numel()
    }

    /// The element type.
    ///
    /// ```
    /// use lepton_autograd::{DType, Var};
    /// assert_eq!(Var::scalar(1u8).dtype(), DType::U8);
    /// ```
    #[inline]
    pub fn dtype(&self) -> DType {
        self.tensor.dtype()
    }

    /// Where the elements are.
    ///
    /// ```
    /// use lepton_autograd::{Device, Var};
    /// assert_eq!(Var::scalar(1.0f32).device(), Device::Cpu);
    /// ```
    pub fn device(&self) -> Device {
        match self.lift().map(|l| &l.kind) {
            Some(Kind::Batch { value, .. }) => value.device(),
            Some(Kind::Dual { primal, .. }) => primal.device(),
            None => self.tensor.device(),
        }
    }

    /// The tensor behind. Inside `vmap` it has a shape but no elements.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::scalar(1.0f32).tensor().item()?, 1.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[inline]
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The tensor behind, by value.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let t: Tensor = Var::scalar(1.0f32).into_tensor();
    /// assert_eq!(t.item()?, 1.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn into_tensor(self) -> Tensor {
        self.tensor
    }

    /// The elements in row-major order.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).to_vec::<f32>()?, [1.0, 2.0]);
    /// assert!(Var::new(&[1.0f32, 2.0], &[2]).to_vec::<i64>().is_err());
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `T` is not the dtype, or there are no elements to read (device `Meta`, inside `vmap`).
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.tensor.to_vec()
    }

    /// The one element, as f64.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::scalar(7i64).item()?, 7.0);
    /// assert!(Var::new(&[1.0f32, 2.0], &[2]).item().is_err());
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is not exactly one, or none to read.
    pub fn item(&self) -> Result<f64> {
        self.tensor.item()
    }

    /// True when no gradient flows into this variable.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// assert!(Var::scalar(1.0f32).is_constant());
    /// assert!(!Var::leaf(Tensor::scalar(1.0f32)).is_constant());
    /// ```
    pub fn is_constant(&self) -> bool {
        self.edge.is_none()
    }

    /// The identity of a leaf, `None` for anything else.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(1.0f32));
    /// assert!(x.leaf_id().is_some() && x.square().leaf_id().is_none());
    /// ```
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
    /// ```
    /// use lepton_autograd::Var;
    /// use lepton_autograd::{Map, ops::activation::sigmoid::Tanh};
    /// let labels = Var::scalar(3i64);
    /// assert!(labels.try_apply(Map(Tanh)).is_err());
    /// ```
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
