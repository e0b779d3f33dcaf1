//! The weights of a layer, in whatever form they are stored.

use std::fmt::Debug;

use lepton_autograd::{Param, Tensor, Var};

use crate::params::{Params, Path, Visit, VisitMut};

/// A form of weights that is not dense floats: int8, packed 4-bit, sparse, low rank. Crates above
/// bring their own.
pub trait WeightForm: Params + Debug + Send + Sync {
    /// `x w^T + bias` over the last axis of `x`, with the rectifier when `relu`.
    fn linear(&self, x: &Var, bias: Option<&Var>, relu: bool) -> Var;
    /// `[out, in]`.
    fn shape(&self) -> [usize; 2];
    /// The dense weights it stands for.
    fn dense(&self) -> Var;
    /// Bytes it is stored in.
    fn bytes(&self) -> usize;
    /// A deep copy on the heap.
    fn boxed(&self) -> Box<dyn WeightForm>;
}

/// The weights `[out, in]` of a layer: a dense parameter, or another form put in its place.
#[derive(Debug)]
pub enum Weight {
    /// Floats that are trained.
    Dense(Param),
    /// Another form.
    Form(Box<dyn WeightForm>),
}

impl Weight {
    /// Dense weights that start as `tensor`.
    pub fn new(tensor: Tensor) -> Weight {
        Weight::Dense(Param::new(tensor))
    }

    /// `x w^T + bias` over the last axis of `x`, with the rectifier when `relu`.
    #[track_caller]
    pub fn linear(&self, x: &Var, bias: Option<&Var>, relu: bool) -> Var {
        match self {
            Weight::Dense(w) => x.linear(&w.var(), bias, relu),
            Weight::Form(form) => form.linear(x, bias, relu),
        }
    }

    /// The dense weights, as a variable.
    pub fn var(&self) -> Var {
        match self {
            Weight::Dense(w) => w.var(),
            Weight::Form(form) => form.dense(),
        }
    }

    /// The shape of the dense weights.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Weight::Dense(w) => w.tensor().shape().to_vec(),
            Weight::Form(form) => form.shape().to_vec(),
        }
    }

    /// The sizes of a dense layer's weights, `[out, in]`.
    pub(crate) fn sizes(&self) -> [usize; 2] {
        match self {
            Weight::Dense(w) => [w.tensor().shape()[0], w.tensor().shape()[1]],
            Weight::Form(form) => form.shape(),
        }
    }

    /// Bytes the weights are stored in.
    pub fn bytes(&self) -> usize {
        match self {
            Weight::Dense(w) => w.tensor().numel() * w.tensor().dtype().size(),
            Weight::Form(form) => form.bytes(),
        }
    }
}

impl Params for Weight {
    fn visit<'a>(&'a self, path: &Path<'_>, f: Visit<'_, 'a>) {
        match self {
            Weight::Dense(w) => w.visit(path, f),
            Weight::Form(form) => form.visit(path, f),
        }
    }
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: VisitMut<'_, 'a>) {
        match self {
            Weight::Dense(w) => w.visit_mut(path, f),
            Weight::Form(form) => form.visit_mut(path, f),
        }
    }
}

impl Clone for Weight {
    fn clone(&self) -> Weight {
        match self {
            Weight::Dense(w) => Weight::Dense(w.clone()),
            Weight::Form(form) => Weight::Form(form.boxed()),
        }
    }
}
