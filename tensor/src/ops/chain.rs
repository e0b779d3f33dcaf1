//! Chains of elementwise ops over large tensors: put off, and computed in one pass over memory.
//!
//! `relu(a * b + c)` done op by op reads and writes memory three times. Here an op on a large tensor
//! returns a promise: the op, its inputs, and the promise before it, when nobody else holds that
//! one. Whoever reads the last result runs the whole chain tile by tile, each tile in the first
//! cache from its first op to its last. Every op stays a kernel of its own on whole tiles, so the
//! bits are those of one op after the other.
//!
//! A promise joins one chain only; where more handles can ask for it, as when a node of the graph
//! keeps it, it is computed before the next op takes it. So no op runs more than twice (once in the
//! chain and once for the variable that the chain began with, if anyone reads that), and a chain ends
//! after [`LONGEST`] ops.

use std::any::Any;
use std::sync::Arc;

use super::tiles::{self, Input, MapTile, ZipTile};
use crate::dtype::Element;
use crate::ops::walk::{GRAIN, TILE};
use crate::storage::{Recipe, Storage};
use crate::{Tensor, simd};

/// Ops in one chain at most: inputs are kept alive by it, and each reads its own stretch of memory.
const LONGEST: usize = 16;

/// Bytes from which a result is written past the caches, which it would not fit into.
const LARGE: usize = 32 << 20;

/// True for tensors of more than one task's elements: smaller ones stay in the caches from op to op.
pub(super) fn worthwhile(x: &Tensor) -> bool {
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
enum Step<T> {
    Map(Box<dyn MapTile<T>>),
    Left(Box<dyn ZipTile<T>>, Tensor),
    Right(Box<dyn ZipTile<T>>, Tensor),
}

/// `f` at each element of `x`, now or later.
pub(super) fn map<T: Element>(x: &mut Tensor, f: Box<dyn MapTile<T>>) -> Tensor {
    match promised(x) {
        Some(chain) => promise(x, Before::Chain(chain), Step::Map(f)),
        None if x.try_mut::<T>().is_some() => tiles::map(x, &*f),
        None => promise(x, Before::Tensor(settled(x)), Step::Map(f)),
    }
}

/// `f` at each pair of elements of `x` and `y`, now or later.
pub(super) fn zip<T: Element>(x: &mut Tensor, y: &mut Tensor, f: Box<dyn ZipTile<T>>) -> Tensor {
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
fn promised<T: Element>(x: &Tensor) -> Option<Arc<Chain<T>>> {
    let recipe: Arc<dyn Any + Send + Sync> = x.lend_recipe()?;
    let chain = recipe.downcast::<Chain<T>>().ok()?;
    (chain.length < LONGEST).then_some(chain)
}

fn settled(x: &Tensor) -> Tensor {
    x.settle();
    x.clone()
}

/// A tensor like `like` that `step` computes.
fn promise<T: Element>(like: &Tensor, before: Before<T>, step: Step<T>) -> Tensor {
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

impl<T: Element> Recipe for Chain<T> {
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
        let pass = Pass {
            first: Input::new(first),
            steps: links.iter().rev().map(|c| Link::new(&c.step)).collect(),
        };
        let mut storage = Storage::new(self.numel * size_of::<T>());
        let out = storage.as_mut_slice().expect("a new storage has one owner");
        let large = size_of_val(out) >= LARGE;
        // A single op over elements in order has nothing to find in the cache again.
        let width = match pass.is_one_flat_op() && !large {
            true => GRAIN,
            false => TILE,
        };
        tiles::chunks(out, |i, chunk| {
            // Made once a chunk: to clear them for every tile would be half the work of a short chain.
            let mut inputs = [[T::default(); TILE]; 2];
            let mut result = [T::default(); TILE];
            for (j, part) in chunk.chunks_mut(width).enumerate() {
                let at = i * GRAIN + j * width;
                if large {
                    let tile = &mut result[..part.len()];
                    pass.run(at, tile, &mut inputs);
                    simd::stream_copy(tile, part);
                } else {
                    pass.run(at, part, &mut inputs);
                }
            }
        });
        storage
    }
}

/// A chain ready to run: its first input, and its steps in order.
struct Pass<'a, T> {
    first: Input<'a, T>,
    steps: Vec<Link<'a, T>>,
}

impl<T: Element> Pass<'_, T> {
    /// True for one op whose inputs all stand in order.
    fn is_one_flat_op(&self) -> bool {
        let flat = |input: &Input<'_, T>| input.flat().is_some();
        match &self.steps[..] {
            [only] => flat(&self.first) && only.other.as_ref().is_none_or(flat),
            _ => false,
        }
    }

    /// The chain's value from element `at` on; `x` and `y` are room for inputs that do not stand in
    /// order.
    fn run(&self, at: usize, out: &mut [T], [x, y]: &mut [[T; TILE]; 2]) {
        let x = self.first.tile(at, out.len(), x);
        self.steps[0].fresh(x, at, out, y);
        self.steps[1..].iter().for_each(|s| s.own(at, out, y));
    }
}

/// A step ready to run.
struct Link<'a, T> {
    step: &'a Step<T>,
    other: Option<Input<'a, T>>,
}

impl<'a, T: Element> Link<'a, T> {
    fn new(step: &'a Step<T>) -> Link<'a, T> {
        let other = match step {
            Step::Map(_) => None,
            Step::Left(_, other) | Step::Right(_, other) => Some(Input::new(other)),
        };
        Link { step, other }
    }

    /// The other input's elements from `at` on.
    fn other<'t>(&'t self, at: usize, n: usize, buffer: &'t mut [T; TILE]) -> &'t [T] {
        let other = self.other.as_ref().expect("a step of two inputs");
        other.tile(at, n, buffer)
    }

    /// From the tile `x` to `out`.
    fn fresh(&self, x: &[T], at: usize, out: &mut [T], buffer: &mut [T; TILE]) {
        match self.step {
            Step::Map(f) => f.fresh(x, out),
            Step::Left(f, _) => f.fresh(x, self.other(at, out.len(), buffer), out),
            Step::Right(f, _) => f.fresh(self.other(at, out.len(), buffer), x, out),
        }
    }

    /// Over the tile `x`.
    fn own(&self, at: usize, x: &mut [T], buffer: &mut [T; TILE]) {
        match self.step {
            Step::Map(f) => f.own(x),
            Step::Left(f, _) => f.left(x, self.other(at, x.len(), buffer)),
            Step::Right(f, _) => f.right(self.other(at, x.len(), buffer), x),
        }
    }
}
