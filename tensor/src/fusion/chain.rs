//! Deferred chains of elementwise ops: who joins one, and who computes it.

use std::any::Any;
use std::sync::Arc;

use super::deferred::Thunk;
use super::link::{Link, MAX_LINKS};
use super::pass::Pass;
use super::tiles::{self, MapTile, ZipTile};
use crate::Tensor;
use crate::dtype::Element;
use crate::simd::Float;
use crate::storage::Storage;
use crate::threads::GRAIN;

/// True for tensors of more elements than one task has: smaller ones stay in the caches from op to op.
pub(crate) fn worthwhile(x: &Tensor) -> bool {
    x.numel() > GRAIN && !x.is_meta()
}

/// An elementwise op that has not been computed, behind those before it.
struct Chain<T> {
    /// What the link applies to.
    input: ChainInput<T>,
    /// The op.
    link: Link<T>,
    /// Links from the first one to this.
    length: usize,
    /// Elements of the result.
    numel: usize,
}

/// The first input of a chain's last link.
enum ChainInput<T> {
    Tensor(Tensor),
    Chain(Arc<Chain<T>>),
}

/// `f` at each element of `x`, deferred unless `x` can be overwritten.
pub(crate) fn map<T: Float + Element>(x: &mut Tensor, f: Box<dyn MapTile<T>>) -> Tensor {
    match absorb(x) {
        Some(chain) => defer(x, ChainInput::Chain(chain), Link::Map(f)),
        None if x.try_mut::<T>().is_some() => tiles::map(x, &*f),
        None => defer(x, ChainInput::Tensor(realized(x)), Link::Map(f)),
    }
}

/// `f` at each pair of elements of `x` and `y`, deferred unless one of them can be overwritten.
pub(crate) fn zip<T: Float + Element>(
    x: &mut Tensor,
    y: &mut Tensor,
    f: Box<dyn ZipTile<T>>,
) -> Tensor {
    if let Some(chain) = absorb(x) {
        return defer(x, ChainInput::Chain(chain), Link::ZipLhs(f, realized(y)));
    }
    if let Some(chain) = absorb(y) {
        return defer(x, ChainInput::Chain(chain), Link::ZipRhs(f, realized(x)));
    }
    // Memory that nobody else sees is overwritten: it is in the cache, and fresh memory is not.
    if x.try_mut::<T>().is_some() || y.try_mut::<T>().is_some() {
        return tiles::zip(x, y, &*f);
    }
    defer(
        x,
        ChainInput::Tensor(realized(x)),
        Link::ZipLhs(f, realized(y)),
    )
}

/// The chain that will compute `x`, when a link may be added to it.
fn absorb<T: Float + Element>(x: &Tensor) -> Option<Arc<Chain<T>>> {
    let thunk: Arc<dyn Any + Send + Sync> = x.lend_thunk()?;
    let chain = thunk.downcast::<Chain<T>>().ok()?;
    (chain.length < MAX_LINKS).then_some(chain)
}

/// `x`, with its elements computed.
fn realized(x: &Tensor) -> Tensor {
    x.realize();
    x.clone()
}

/// A tensor like `like` that `link` will compute.
fn defer<T: Float + Element>(like: &Tensor, input: ChainInput<T>, link: Link<T>) -> Tensor {
    let length = match &input {
        ChainInput::Tensor(_) => 1,
        ChainInput::Chain(chain) => chain.length + 1,
    };
    let numel = like.numel();
    let chain = Chain {
        input,
        link,
        length,
        numel,
    };
    Tensor::deferred(like.meta().clone(), Arc::new(chain))
}

impl<T: Float + Element> Thunk<Storage> for Chain<T> {
    fn run(&self) -> Storage {
        let mut chains = vec![self];
        let mut first = &self.input;
        while let ChainInput::Chain(chain) = first {
            chains.push(chain);
            first = &chain.input;
        }
        let ChainInput::Tensor(first) = first else {
            unreachable!("the loop ends at a tensor")
        };
        let mut storage = Storage::new(self.numel * size_of::<T>());
        let out = storage.as_mut_slice().expect("a new storage has one owner");
        let links = chains.iter().rev().map(|c| &c.link);
        Pass::new(first, links, size_of_val(out)).run(out);
        storage
    }
}
