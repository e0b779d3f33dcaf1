//! Bytes behind tensors: inline for scalars, shared blocks for the rest, nothing on `Meta`.
//!
//! [`Storage`] is the only accessor of a tensor's bytes. Handles share a block; a writer gets
//! `&mut` only as the block's single owner, so a write can never be seen through another handle.

use std::sync::Arc;

use crate::dtype::Element;
use crate::sys::alloc::Block;

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

    /// True on the device `Meta`.
    #[inline]
    pub(crate) fn is_meta(&self) -> bool {
        matches!(self.repr, Repr::Meta)
    }

    /// True when both are handles on the same block.
    pub(crate) fn same_block(&self, other: &Storage) -> bool {
        matches!((&self.repr, &other.repr), (Repr::Heap(a), Repr::Heap(b)) if Arc::ptr_eq(a, b))
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
            Repr::Meta => panic!("a tensor on the device meta has no elements to read"),
        };
        debug_assert!(self.bytes <= bytes.len());
        // SAFETY: `bytes` is initialised, at least `self.bytes` long (both constructors), aligned
        // to 8 inline and to 64 in a block, which suits every `Element`; `Element` is sealed to
        // types without padding. Every bit pattern is a value of theirs but for `bool`, and a
        // tensor's storage is only viewed as `bool` when its dtype is `Bool`: such storages are
        // written through `&mut [bool]` alone after `Tensor::build` filled them with `false`.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<T>(), self.len::<T>()) }
    }

    /// All elements, to write, when no other handle shares them; `None` otherwise and on `Meta`.
    #[inline]
    pub(crate) fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        let len = self.len::<T>();
        let start = match &mut self.repr {
            Repr::Inline(words) => words.as_mut_ptr().cast::<u8>(),
            Repr::Heap(block) => Arc::get_mut(block)?.bytes_mut().as_mut_ptr(),
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
