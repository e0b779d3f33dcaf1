//! The contract of an op: one value, one `impl`, and everything else follows.

use std::fmt::Debug;

use lepton_tensor::{Meta, Result, Tensor, random::Rng};
use smallvec::SmallVec;

use crate::engine::attrs::Attrs;
use crate::engine::case::Case;
use crate::engine::node::Saved;
use crate::engine::var::Var;

/// One item per input; one or two are held inline.
pub type Ins<T> = SmallVec<[T; 2]>;
/// One item per output; one is held inline.
pub type Outs<T> = SmallVec<[T; 1]>;

/// A differentiable operation: a value whose fields are its attributes.
///
/// `vjp`, `jvp` and `batch` are written in [`Var`] operations, so derivatives of any order, in any
/// mode, follow. Broadcasting is its own op, so no rule here knows of it. An op is used through
/// [`crate::apply`], which asks for a place in a [`crate::catalogue!`] and so for the derived tests.
pub trait Op: Clone + Debug + Send + Sync + 'static {
    /// The name in programs, graphs and messages.
    const NAME: &'static str;

    /// What `vjp` will read.
    fn keeps(&self) -> Keeps {
        Keeps::NONE
    }

    /// The one shape rule: output shapes and dtypes from those of the inputs.
    ///
    /// # Errors
    /// A full sentence when the inputs do not fit.
    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>>;

    /// Computes the outputs through `lepton_tensor::ops`; inputs may be taken and reused.
    ///
    /// # Errors
    /// Only for failures that depend on values, such as an index out of range.
    fn forward(&self, x: &mut [Tensor], out: &[Meta]) -> Result<Outs<Tensor>>;

    /// A shortcut past [`Op::infer`] and [`Op::forward`] for ops of one output on inputs whose shapes
    /// plainly fit; `None` takes the long way, as it must on the device `Meta`.
    fn forward_fast(&self, _: &mut [Tensor]) -> Option<Result<Tensor>> {
        None
    }

    /// Cotangents of the inputs from those of the outputs; `None` where there is none to give.
    fn vjp(&self, saved: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>>;

    /// [`Op::vjp`] where the node is freed and nobody reads the cotangents afterwards: a rule may take
    /// what it uses for the last time, so that products are written over it.
    #[doc(hidden)]
    fn vjp_consuming(&self, saved: &mut Saved<'_>, g: &mut [Option<Var>]) -> Ins<Option<Var>> {
        self.vjp(saved, g)
    }

    /// Tangents of the outputs from those of the inputs. By default the transpose of `vjp`.
    ///
    /// `y` are the outputs with their edges: a rule that reads them stays differentiable.
    fn jvp(&self, x: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>>
    where
        Self: Sized,
    {
        crate::engine::jvp::jvp_from_vjp(self, x, y, t)
    }

    /// The op over a batch: inputs marked `batched` carry it as axis 0, and so do all outputs.
    /// By default a loop over slices.
    ///
    /// # Errors
    /// As for `infer` and `forward`.
    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::engine::lift::batch_by_loop(self, x, batched, n)
    }

    /// True when `batch` is the loop (a test lists these ops).
    const LOOPS: bool = false;

    /// True when no gradient passes: the results are constants, and no node is made.
    const STOPS: bool = false;

    /// The attributes, as a program file stores them.
    fn attrs(&self) -> Attrs {
        Attrs::new()
    }

    /// The op with these attributes.
    ///
    /// # Errors
    /// When an attribute is missing or of another kind.
    fn from_attrs(attrs: &Attrs) -> Result<Self>;

    /// Where the derived tests run. An `impl` marks it `#[inline]`: then it is compiled with the tests
    /// alone, and no user waits for it.
    fn cases(rng: &mut Rng) -> Vec<Case<Self>>;

    /// Work from the shapes; by default one flop per output element.
    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        elementwise_cost(x, y)
    }
}

/// One flop for each element of the outputs. Not part of the trait, so that it is compiled once.
fn elementwise_cost(x: &[&Meta], y: &[Meta]) -> Cost {
    let bytes = |m: &Meta| (m.numel() * m.dtype.size()) as u64;
    let read: u64 = x.iter().map(|m| bytes(m)).sum();
    let written: u64 = y.iter().map(bytes).sum();
    Cost {
        flops: y.iter().map(|m| m.numel() as u64).sum(),
        bytes: read + written,
    }
}

/// Floating-point operations and bytes that an op moves at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Additions, multiplications and function evaluations.
    pub flops: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

/// Which inputs and outputs a node holds for its `vjp`: bit masks by position (position 63 stands
/// for itself and all later ones, for variadic ops).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeps {
    /// Inputs kept whole.
    pub inputs: u64,
    /// Outputs kept whole.
    pub outputs: u64,
    /// Inputs of which only shape and dtype are kept.
    pub shapes: u64,
}

impl Keeps {
    /// Nothing.
    pub const NONE: Keeps = Keeps {
        inputs: 0,
        outputs: 0,
        shapes: 0,
    };
    /// The first input.
    pub const INPUT: Keeps = Keeps {
        inputs: 1,
        ..Keeps::NONE
    };
    /// The first two inputs.
    pub const INPUTS: Keeps = Keeps {
        inputs: 3,
        ..Keeps::NONE
    };
    /// The first output.
    pub const OUTPUT: Keeps = Keeps {
        outputs: 1,
        ..Keeps::NONE
    };
    /// The shape of the first input.
    pub const SHAPE: Keeps = Keeps {
        shapes: 1,
        ..Keeps::NONE
    };
    /// The shapes of all inputs.
    pub const SHAPES: Keeps = Keeps {
        shapes: u64::MAX,
        ..Keeps::NONE
    };

    /// Both sets together.
    pub const fn and(self, o: Keeps) -> Keeps {
        Keeps {
            inputs: self.inputs | o.inputs,
            outputs: self.outputs | o.outputs,
            shapes: self.shapes | o.shapes,
        }
    }

    /// True when `mask` names position `i`.
    #[inline]
    pub(crate) fn has(mask: u64, i: usize) -> bool {
        mask >> i.min(63) & 1 == 1
    }
}

/// The object-safe half of an op, derived for every [`Op`].
pub trait AnyOp: Debug + Send + Sync {
    /// [`Op::NAME`].
    fn name(&self) -> &'static str;
    /// [`Op::keeps`].
    fn keeps(&self) -> Keeps;
    /// [`Op::STOPS`].
    fn stops(&self) -> bool;
    /// [`Op::infer`].
    ///
    /// # Errors
    /// As the op's shape rule.
    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>>;
    /// [`Op::forward_fast`].
    fn forward_fast(&self, x: &mut [Tensor]) -> Option<Result<Tensor>>;
    /// [`Op::forward`].
    ///
    /// # Errors
    /// As [`Op::forward`].
    fn forward(&self, x: &mut [Tensor], out: &[Meta]) -> Result<Outs<Tensor>>;
    /// [`Op::vjp`].
    fn vjp(&self, saved: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>>;
    /// [`Op::vjp_consuming`].
    #[doc(hidden)]
    fn vjp_consuming(&self, saved: &mut Saved<'_>, g: &mut [Option<Var>]) -> Ins<Option<Var>>;
    /// [`Op::jvp`].
    fn jvp(&self, x: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>>;
    /// [`Op::batch`].
    ///
    /// # Errors
    /// As [`Op::batch`].
    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>>;
    /// [`Op::attrs`].
    fn attrs(&self) -> Attrs;
    /// [`Op::cost`].
    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost;
    /// The same op with other attributes.
    ///
    /// # Errors
    /// When an attribute is missing or of another kind.
    fn with_attrs(&self, attrs: &Attrs) -> Result<Box<dyn AnyOp>>;
    /// A copy on the heap (free for ops without attributes).
    fn boxed(&self) -> Box<dyn AnyOp>;
}

impl<O: Op> AnyOp for O {
    fn name(&self) -> &'static str {
        O::NAME
    }
    fn keeps(&self) -> Keeps {
        Op::keeps(self)
    }
    fn stops(&self) -> bool {
        O::STOPS
    }
    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        Op::infer(self, x)
    }
    fn forward_fast(&self, x: &mut [Tensor]) -> Option<Result<Tensor>> {
        Op::forward_fast(self, x)
    }
    fn forward(&self, x: &mut [Tensor], out: &[Meta]) -> Result<Outs<Tensor>> {
        Op::forward(self, x, out)
    }
    fn vjp(&self, saved: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        Op::vjp(self, saved, g)
    }
    fn vjp_consuming(&self, saved: &mut Saved<'_>, g: &mut [Option<Var>]) -> Ins<Option<Var>> {
        Op::vjp_consuming(self, saved, g)
    }
    fn jvp(&self, x: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        Op::jvp(self, x, y, t)
    }
    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        Op::batch(self, x, batched, n)
    }
    fn attrs(&self) -> Attrs {
        Op::attrs(self)
    }
    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        Op::cost(self, x, y)
    }
    fn with_attrs(&self, attrs: &Attrs) -> Result<Box<dyn AnyOp>> {
        crate::engine::catalogue::make::<O>(attrs)
    }
    fn boxed(&self) -> Box<dyn AnyOp> {
        Box::new(self.clone())
    }
}
