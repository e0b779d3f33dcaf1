//! Chains of elementwise ops over large tensors: put off, and computed in one pass over memory.
//!
//! `relu(a * b + c)` done op by op reads and writes memory three times. Here an op on a large tensor
//! returns a promise: the op, its inputs, and the promise before it, when nobody else holds that
//! one. Whoever reads the last result runs the whole chain in one [`Pass`]; the bits are those of one
//! op after the other.
//!
//! A promise joins one chain only; where more handles can ask for it, as when a node of the graph
//! keeps it, it is computed before the next op takes it. So no op runs more than twice (once in the
//! chain and once for the variable that the chain began with, if anyone reads that), and a chain ends
//! after [`LONGEST`] ops.

use std::any::Any;
use std::sync::Arc;

use super::pass::Pass;
use super::tiles::{self, MapTile, ZipTile};
use crate::Tensor;
use crate::dtype::Element;
use crate::kernel::tile_load::GRAIN;
use crate::simd::Float;
use crate::storage::{Recipe, Storage};

/// Ops in one chain at most: inputs are kept alive by it, and each reads its own stretch of memory.
pub(crate) const LONGEST: usize = 16;

/// True for tensors of more than one task's elements: smaller ones stay in the caches from op to op.
pub(crate) fn worthwhile(x: &Tensor) -> bool {
    x.numel() > GRAIN && !x.is_meta()
}

/// An elementwise op that is still to be computed, behind those before it.
struct Chain<T> {
    before: Before<T>,
    step: Step<T>,
    length: usize,
    numel: usize,
}

/// What the first input of a step is.
enum Before<T> {
    Tensor(Tensor),
    Chain(Arc<Chain<T>>),
}

/// A kernel with its other input; the one before comes in on the left or on the right of it.
pub(crate) enum Step<T> {
    Map(Box<dyn MapTile<T>>),
    Left(Box<dyn ZipTile<T>>, Tensor),
    Right(Box<dyn ZipTile<T>>, Tensor),
}

/// `f` at each element of `x`, now or later.
pub(crate) fn map<T: Float + Element>(x: &mut Tensor, f: Box<dyn MapTile<T>>) -> Tensor {
    match promised(x) {
        Some(chain) => promise(x, Before::Chain(chain), Step::Map(f)),
        None if x.try_mut::<T>().is_some() => tiles::map(x, &*f),
        None => promise(x, Before::Tensor(settled(x)), Step::Map(f)),
    }
}

/// `f` at each pair of elements of `x` and `y`, now or later.
pub(crate) fn zip<T: Float + Element>(
    x: &mut Tensor,
    y: &mut Tensor,
    f: Box<dyn ZipTile<T>>,
) -> Tensor {
    if let Some(chain) = promised(x) {
        return promise(x, Before::Chain(chain), Step::Left(f, settled(y)));
    }
    if let Some(chain) = promised(y) {
        return promise(x, Before::Chain(chain), Step::Right(f, settled(x)));
    }
    // Memory that nobody else sees is written over: it is in the cache, and fresh memory is not.
    if x.try_mut::<T>().is_some() || y.try_mut::<T>().is_some() {
        return tiles::zip(x, y, &*f);
    }
    promise(x, Before::Tensor(settled(x)), Step::Left(f, settled(y)))
}

/// The chain that will compute `x`, when it may be made longer.
fn promised<T: Float + Element>(x: &Tensor) -> Option<Arc<Chain<T>>> {
    let recipe: Arc<dyn Any + Send + Sync> = x.lend_recipe()?;
    let chain = recipe.downcast::<Chain<T>>().ok()?;
    (chain.length < LONGEST).then_some(chain)
}

fn settled(x: &Tensor) -> Tensor {
    x.settle();
    x.clone()
}

/// A tensor like `like` that `step` computes.
fn promise<T: Float + Element>(like: &Tensor, before: Before<T>, step: Step<T>) -> Tensor {
    let length = match &before {
        Before::Tensor(_) => 1,
        Before::Chain(chain) => chain.length + 1,
    };
    let numel = like.numel();
    let chain = Chain {
        before,
        step,
        length,
        numel,
    };
    Tensor::later(like.meta().clone(), Arc::new(chain))
}

impl<T: Float + Element> Recipe for Chain<T> {
    fn run(&self) -> Storage {
        let mut links = vec![self];
        let mut first = &self.before;
        while let Before::Chain(chain) = first {
            links.push(chain);
            first = &chain.before;
        }
        let Before::Tensor(first) = first else {
            unreachable!("the loop ends at a tensor")
        };
        let mut storage = Storage::new(self.numel * size_of::<T>());
        let out = storage.as_mut_slice().expect("a new storage has one owner");
        Pass::new(first, links.iter().rev().map(|c| &c.step), size_of_val(out)).run(out);
        storage
    }
}
