//! Bytes behind tensors: inline for scalars, shared blocks for the rest, nothing on `Meta`.
//!
//! [`Storage`] is the only accessor of a tensor's bytes. Handles share a block; a writer gets
//! `&mut` only as the block's single owner, so a write can never be seen through another handle.
//!
//! A block may also be deferred: then it is computed when its bytes are first needed (see
//! `fusion/README.md`). Code above this file cannot tell the difference, except by the clock.

use std::sync::Arc;

use crate::dtype::Element;
use crate::fusion::deferred::{Deferred, Thunk};
use crate::sys::alloc::Block;

/// Bytes that fit in the handle itself.
const INLINE: usize = 16;

/// Shared, typed-on-access memory of a fixed length in bytes.
#[derive(Clone)]
pub(crate) struct Storage {
    /// Where the bytes are.
    repr: Repr,
    /// How many there are.
    bytes: usize,
}

/// Where the bytes are.
#[derive(Clone)]
enum Repr {
    Inline([u64; INLINE / 8]),
    Heap(Arc<Block>),
    Deferred(Arc<Deferred<Storage>>),
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

    /// `bytes` that `thunk` computes when they are first needed: a storage of that size, not deferred
    /// itself.
    pub(crate) fn deferred(bytes: usize, thunk: Arc<dyn Thunk<Storage>>) -> Storage {
        Storage {
            repr: Repr::Deferred(Arc::new(Deferred::new(thunk))),
            bytes,
        }
    }

    /// The thunk of bytes that have not been computed, for one other thunk that absorbs it (see
    /// [`Deferred::lend`]). `None` where views share the bytes.
    pub(crate) fn lend_thunk(&self) -> Option<Arc<dyn Thunk<Storage>>> {
        match &self.repr {
            Repr::Deferred(block) if Arc::strong_count(block) == 1 => block.lend(),
            _ => None,
        }
    }

    /// Computes deferred bytes now.
    pub(crate) fn realize(&self) {
        if let Repr::Deferred(block) = &self.repr {
            block.realize();
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
            (Repr::Deferred(a), Repr::Deferred(b)) => Arc::ptr_eq(a, b),
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
    fn len<T: Element>(&self) -> usize {
        self.bytes / size_of::<T>()
    }

    /// All elements; panics on `Meta`.
    #[inline]
    pub(crate) fn as_slice<T: Element>(&self) -> &[T] {
        let bytes: &[u8] = match &self.repr {
            Repr::Inline(words) => bytes_of(words),
            Repr::Heap(block) => block.bytes(),
            Repr::Deferred(block) => return block.realize().as_slice(),
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
            Repr::Deferred(block) => {
                return Arc::get_mut(block)?.realize_mut()?.as_mut_slice();
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
