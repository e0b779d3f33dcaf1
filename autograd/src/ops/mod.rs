//! Every op, each in one place: its function, shape rule, derivative, batching and test cases.
//!
//! A file holds a family. The catalogue below is the list; what it does not name cannot be applied.

pub mod activation;
pub mod binary;
pub mod cast;
pub mod compare;
pub mod conv;
pub mod elementwise;
pub mod index;
pub mod linalg;
pub mod random;
pub mod reduce;
pub mod shape;
pub mod softmax;
pub mod sort;
pub mod unary;

use activation::{Clamp, Gelu, LeakyRelu, Relu, ReluGrad, Sigmoid, Softplus, Tanh};
use binary::{Add, Div, Maximum, Minimum, Mul, Pow, Sub};
use cast::{Cast, Detach, Full};
use compare::{Compare, Where};
use conv::{Conv2dOp, Fold2d, Unfold2d};
use index::{Gather, IndexAdd, IndexSelect, ScatterAdd};
use linalg::{LinearOp, Matmul, Svd};
use random::DropoutOp;
use reduce::{Amax, ArgMax, CumSum, Sum};
use shape::{Cat, Expand, Permute, Reshape, Slice, SliceAssign};
use softmax::{LogSoftmax, Softmax};
use sort::{Sort, TopK};
use unary::{
    Abs, AddScalar, Cos, DivScalar, Erf, Exp, Expm1, Log, Log1p, MulScalar, Neg, PowScalar,
    Reciprocal, Rsqrt, Sign, Sin, Sqrt, Square,
};

crate::catalogue! {
    unary: Abs, AddScalar, Clamp, Cos, DivScalar, Erf, Exp, Expm1, Gelu, LeakyRelu, Log, Log1p, MulScalar, Neg,
        PowScalar, Reciprocal, Relu, Rsqrt, Sigmoid, Sign, Sin, Softplus, Sqrt, Square, Tanh;
    binary: Add, Div, Maximum, Minimum, Mul, Pow, ReluGrad, Sub;
    ops: Amax, ArgMax, Cast, Cat, Compare, Conv2dOp, CumSum, Detach, DropoutOp, Expand, Fold2d, Full, Gather, IndexAdd,
        IndexSelect, LinearOp, LogSoftmax, Matmul, Permute, Reshape, ScatterAdd, Slice, SliceAssign, Softmax, Sort,
        Sum, Svd, TopK, Unfold2d, Where
}
