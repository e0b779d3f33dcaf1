//! Every op, each in one place: its function, shape rule, derivative, batching and test cases.
//!
//! A file holds a family. The catalogue below is the list; what it does not name cannot be applied.

pub mod activation;
pub mod arithmetic;
pub mod attention;
pub mod binary;
pub mod cast;
pub mod compare;
pub mod conv;
pub mod cross_entropy;
pub mod elementwise;
pub mod embedding;
pub mod factor;
pub mod folds;
pub mod index;
pub mod indexing;
pub mod libm;
pub mod linalg;
pub mod logsumexp;
pub mod nonlinear;
pub mod norm;
pub mod order;
pub mod pairs;
pub mod pool;
pub mod products;
pub mod random;
pub mod reduce;
pub mod rounding;
pub mod scatter;

pub mod shape;
pub mod slicing;
pub mod softmax;
pub mod sort;
pub mod special;
pub mod statistics;
pub mod unary;
pub mod unbind;
pub mod views;

use activation::{Clamp, Gelu, GeluGrad, LeakyRelu, Relu, ReluGrad, Sigmoid, Softplus, Tanh};
use arithmetic::{Abs, AddScalar, DivScalar, MulScalar, Neg, PowScalar, Sign, Square};
use attention::{Attention, AttentionGrad};
use binary::{Add, Div, Maximum, Minimum, Mul, Pow, Sub};
use cast::{Cast, Detach, Full};
use compare::{Compare, Where};
use conv::{Conv2dInput, Conv2dOp, Conv2dWeight, Fold2d, Unfold2d};
use cross_entropy::{CrossEntropy, CrossEntropyGrad};
use factor::{Cholesky, Slogdet, Solve};
use folds::SqrtFlat;
use index::{Gather, IndexAdd, IndexSelect, ScatterAdd};
use libm::{
    Acos, Acosh, Angle, Asin, Asinh, Atan, Atanh, Cosh, Exp2, Log2, Log10, Logit, Sinc, Sinh, Tan,
};
use linalg::{LinearOp, Matmul, Svd};
use logsumexp::LogSumExp;
use nonlinear::{Elu, GeluTanh, Hardsigmoid, Hardswish, Shrink, Threshold};
use norm::{LayerNorm, LayerNormGrad};
use order::CumArg;
use pairs::{
    Atan2, Copysign, FloorDiv, Fmax, Fmin, Fmod, Hypot, LogAddExp, Remainder, Xlog1py, Xlogy,
};
use pool::{AvgPool2dBack, AvgPool2dOp, MaxPool2dBack, MaxPool2dOp, MaxPool2dPick};
use random::DropoutOp;
use reduce::{Amax, ArgMax, CumSum, Sum};
use rounding::Rounding;
use scatter::Scatter;
use shape::{Expand, Permute, Reshape};
use slicing::{Cat, Slice, SliceAssign};
use softmax::{LogSoftmax, Softmax, SoftmaxGrad};
use sort::{Sort, TopK};
use special::{Entr, Erfc, Erfcx, Erfinv, I0, I0e, I1, I1e, Lgamma, LogNdtr, Ndtri, Polygamma};
use unary::{Cos, Erf, Exp, Expm1, Log, Log1p, Reciprocal, Rsqrt, Sin, Sqrt};
use unbind::Unbind;

crate::catalogue! {
    unary: Acos, Acosh, Angle, Asin, Asinh, Atan, Atanh, Cosh, Elu, Entr, Erfc, Erfcx, Erfinv, Exp2, GeluTanh, Hardsigmoid, Hardswish,
        I0, I0e, I1, I1e, Lgamma, Log2, Log10, LogNdtr, Logit, Ndtri, Polygamma, Rounding, Shrink, Sinc, Sinh, SqrtFlat, Tan,
        Threshold, Abs, AddScalar, Clamp, Cos, DivScalar, Erf, Exp, Expm1, Gelu, LeakyRelu, Log, Log1p, MulScalar, Neg,
        PowScalar, Reciprocal, Relu, Rsqrt, Sigmoid, Sign, Sin, Softplus, Sqrt, Square, Tanh;
    binary: Atan2, Copysign, FloorDiv, Fmax, Fmin, Fmod, Hypot, LogAddExp, Remainder, Xlog1py, Xlogy,
        Add, Div, GeluGrad, Maximum, Minimum, Mul, Pow, ReluGrad, Sub;
    ops: Amax, ArgMax, Attention, AttentionGrad, AvgPool2dBack, AvgPool2dOp, Cast, Cat, Cholesky,
        Compare, Conv2dInput, Conv2dOp, Conv2dWeight, CrossEntropy, CrossEntropyGrad, CumArg, CumSum,
        Detach, DropoutOp, Expand, Fold2d, Full, Gather, IndexAdd, IndexSelect, LayerNorm,
        LayerNormGrad, LinearOp, LogSoftmax, LogSumExp, Matmul, MaxPool2dBack, MaxPool2dOp,
        MaxPool2dPick, Permute, Reshape, Scatter, ScatterAdd, Slice, SliceAssign, Slogdet, Softmax,
        SoftmaxGrad, Solve, Sort, Sum, Svd, TopK, Unbind, Unfold2d, Where
}
