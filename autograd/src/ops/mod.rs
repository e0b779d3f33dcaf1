//! Every op, each in one place: its function, shape rule, derivative, batching and test cases.
//!
//! A file holds a family. The catalogue below is the list; what it does not name cannot be applied.

pub mod activation;
pub mod attention;
pub mod conv;
pub mod create;
pub mod elementwise;
pub mod index;
pub mod linalg;
pub mod loss;
pub mod norm;
pub mod order;
pub mod pool;
pub mod reduce;
pub mod shape;

use activation::relu::{Clamp, Gelu, GeluGrad, LeakyRelu, Relu, ReluGrad, Sigmoid, Softplus, Tanh};
use activation::shrink::{Elu, GeluTanh, Hardsigmoid, Hardswish, Shrink, Threshold};
use activation::softmax::{LogSoftmax, Softmax, SoftmaxGrad};
use attention::{Attention, AttentionGrad};
use conv::{Conv2dInput, Conv2dOp, Conv2dWeight, Fold2d, Unfold2d};
use create::cast::{Cast, Detach, Full};
use create::random::DropoutOp;
use elementwise::arithmetic::{Abs, AddScalar, DivScalar, MulScalar, Neg, PowScalar, Sign, Square};
use elementwise::binary::{Add, Div, Maximum, Minimum, Mul, Pow, Sub};
use elementwise::binary_math::{
    Atan2, Copysign, FloorDiv, Fmax, Fmin, Fmod, Hypot, LogAddExp, Remainder, Xlog1py, Xlogy,
};
use elementwise::compare::{Compare, Where};
use elementwise::exponential::{Cos, Erf, Exp, Expm1, Log, Log1p, Reciprocal, Rsqrt, Sin, Sqrt};
use elementwise::rounding::Rounding;
use elementwise::special::{
    Entr, Erfc, Erfcx, Erfinv, I0, I0e, I1, I1e, Lgamma, LogNdtr, Ndtri, Polygamma,
};
use elementwise::trigonometric::{
    Acos, Acosh, Angle, Asin, Asinh, Atan, Atanh, Cosh, Exp2, Log2, Log10, Logit, Sinc, Sinh, Tan,
};
use index::gather::{Gather, IndexAdd, IndexSelect, ScatterAdd};
use index::scatter::Scatter;
use linalg::matmul::{LinearOp, Matmul, Svd};
use linalg::solve::{Cholesky, Slogdet, Solve};
use loss::cross_entropy::{CrossEntropy, CrossEntropyGrad};
use norm::layer_norm::{LayerNorm, LayerNormGrad};
use order::quantile::CumArg;
use order::sort::{Sort, TopK};
use pool::{AvgPool2dBack, AvgPool2dOp, MaxPool2dBack, MaxPool2dOp, MaxPool2dPick};
use reduce::logsumexp::LogSumExp;
use reduce::product::SqrtFlat;
use reduce::sum::{Amax, ArgMax, CumSum, Sum};
use shape::reshape::{Expand, Permute, Reshape};
use shape::slicing::{Cat, Slice, SliceAssign};
use shape::unbind::Unbind;

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
