//! Bytes behind tensors: inline for scalars, shared blocks for the rest, nothing on `Meta`.
//!
//! [`Storage`] is the only accessor of a tensor's bytes. Handles share a block; a writer gets
//! `&mut` only as the block's single owner, so a write can never be seen through another handle.
//!
//! A block may also be promised: [`Later`] holds a recipe and is computed when its bytes are first
//! asked for. Nobody above this file can tell the difference but by the clock.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::dtype::Element;
use crate::sys::alloc::Block;

/// How to compute a promised block.
pub(crate) trait Recipe: Any + Send + Sync {
    /// A storage of the promised size, not promised itself.
    fn run(&self) -> Storage;
}

/// A block that is computed when it is first needed.
struct Later {
    done: OnceLock<Storage>,
    /// Whether another recipe has taken this one in.
    lent: AtomicBool,
    recipe: Mutex<Option<Arc<dyn Recipe>>>,
}

impl Later {
    /// The lock on the recipe; nothing can panic while it is held, so a poisoned one is whole.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<dyn Recipe>>> {
        self.recipe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recipe, while nobody has asked for the bytes.
    fn recipe(&self) -> Option<Arc<dyn Recipe>> {
        self.lock().clone()
    }

    /// The bytes. No lock is held while the recipe runs, since it may wait for other threads: two
    /// that ask at once both compute, the same bits, and one result is kept.
    fn done(&self) -> &Storage {
        if let Some(done) = self.done.get() {
            return done;
        }
        if let Some(recipe) = self.recipe() {
            let made = recipe.run();
            let _ = self.done.set(made);
            let inputs = self.lock().take();
            drop(inputs); // outside the lock: it may free whole tensors
        }
        // A recipe is taken away only after its result was set.
        self.done.get().expect("a promise was kept")
    }
}

/// Bytes that fit in the handle itself.
const INLINE: usize = 16;

/// Shared, typed-on-access memory of a fixed length in bytes.
#[derive(Clone)]
pub(crate) struct Storage {
    repr: Repr,
    bytes: usize,
}

#[derive(Clone)]
enum Repr {
    Inline([u64; INLINE / 8]),
    Heap(Arc<Block>),
    Later(Arc<Later>),
    Meta,
}

impl Storage {
    /// Room for `bytes`; what it holds is unspecified but initialised.
    #[inline]
    pub(crate) fn new(bytes: usize) -> Storage {
        let repr = if bytes <= INLINE {
            Repr::Inline([0; INLINE / 8])
        } else {
            Repr::Heap(Arc::new(Block::new(bytes)))
        };
        Storage { repr, bytes }
    }

    /// No bytes, for the device `Meta`.
    pub(crate) fn meta(bytes: usize) -> Storage {
        Storage {
            repr: Repr::Meta,
            bytes,
        }
    }

    /// `bytes` that `recipe` computes when they are first asked for.
    pub(crate) fn later(bytes: usize, recipe: Arc<dyn Recipe>) -> Storage {
        let later = Later {
            done: OnceLock::new(),
            lent: AtomicBool::new(false),
            recipe: Mutex::new(Some(recipe)),
        };
        Storage {
            repr: Repr::Later(Arc::new(later)),
            bytes,
        }
    }

    /// The recipe of a promise that nobody has called in, once: who makes it part of another recipe
    /// may cause it to be computed a second time, but never a third. `None` where views share it.
    pub(crate) fn lend_recipe(&self) -> Option<Arc<dyn Recipe>> {
        match &self.repr {
            Repr::Later(later) if Arc::strong_count(later) == 1 => {
                let recipe = later.recipe()?;
                (!later.lent.swap(true, Ordering::Relaxed)).then_some(recipe)
            }
            _ => None,
        }
    }

    /// Computes promised bytes now.
    pub(crate) fn settle(&self) {
        if let Repr::Later(later) = &self.repr {
            later.done();
        }
    }

    /// True on the device `Meta`.
    #[inline]
    pub(crate) fn is_meta(&self) -> bool {
        matches!(self.repr, Repr::Meta)
    }

    /// True when both are handles on the same block.
    pub(crate) fn same_block(&self, other: &Storage) -> bool {
        match (&self.repr, &other.repr) {
            (Repr::Heap(a), Repr::Heap(b)) => Arc::ptr_eq(a, b),
            (Repr::Later(a), Repr::Later(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// The length in bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The length in elements of `T`.
    #[inline]
    pub(crate) fn len<T: Element>(&self) -> usize {
        self.bytes / size_of::<T>()
    }

    /// All elements; panics on `Meta`.
    #[inline]
    pub(crate) fn as_slice<T: Element>(&self) -> &[T] {
        let bytes: &[u8] = match &self.repr {
            Repr::Inline(words) => bytes_of(words),
            Repr::Heap(block) => block.bytes(),
            Repr::Later(later) => return later.done().as_slice(),
            Repr::Meta => panic!("a tensor on the device meta has no elements to read"),
        };
        debug_assert!(self.bytes <= bytes.len());
        // `Element` is sealed to types without padding, whose bit patterns are all values but for `bool`; a storage
        // is viewed as `bool` when its dtype is `Bool` alone, and `Tensor::build` fills such a one with `false`
        // before it is written through `&mut [bool]`.
        // SAFETY: `bytes` is initialised, at least `self.bytes` long (both constructors), aligned to 8
        // inline and to 64 in a block, which suits every `Element`, and holds values of it (see above).
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<T>(), self.len::<T>()) }
    }

    /// All elements, to write, when no other handle shares them; `None` otherwise and on `Meta`.
    #[inline]
    pub(crate) fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        let len = self.len::<T>();
        let start = match &mut self.repr {
            Repr::Inline(words) => words.as_mut_ptr().cast::<u8>(),
            Repr::Heap(block) => Arc::get_mut(block)?.bytes_mut().as_mut_ptr(),
            Repr::Later(later) => {
                let later = Arc::get_mut(later)?;
                later.done();
                return later.done.get_mut()?.as_mut_slice();
            }
            Repr::Meta => return None,
        };
        // SAFETY: as in `as_slice`; `&mut self` and `Arc::get_mut` make this the only access.
        Some(unsafe { std::slice::from_raw_parts_mut(start.cast::<T>(), len) })
    }

    /// Sets every byte to zero, so that any element type may view them; the block must be unshared.
    pub(crate) fn clear(&mut self) {
        if let Some(bytes) = self.as_mut_slice::<u8>() {
            bytes.fill(0);
        }
    }
}

/// The bytes of the inline words.
#[inline]
fn bytes_of(words: &[u64; INLINE / 8]) -> &[u8] {
    // SAFETY: an array of u64 is INLINE initialised bytes; the borrow keeps it alive and unwritten.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), INLINE) }
}
