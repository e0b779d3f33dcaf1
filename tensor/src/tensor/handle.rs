//! The handle: storage, shape and strides, and nothing that computes.

use std::sync::Arc;

use crate::dtype::Element;
use crate::fusion::deferred::Thunk;
use crate::layout::{Layout, Meta, Strides, contiguous_strides, numel};
use crate::storage::Storage;
use crate::{DType, Device, Error, Result};

/// An n-dimensional array: a cheap handle on shared storage with a shape and strides.
///
/// A clone or a view shares the elements; nothing is ever written through a shared handle. The
/// dtype and the device are known at run time. Mathematics for users is on `Var`, in the crate
/// above; the kernels are in [`crate::ops`].
///
/// ```
/// use lepton_tensor::Tensor;
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]).unwrap();
/// let t = x.permute(&[1, 0]).unwrap();
/// assert_eq!(t.shape(), [3, 2]);
/// assert_eq!(t.to_vec::<f32>().unwrap(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
/// ```
#[derive(Clone)]
pub struct Tensor(Arc<Inner>);

/// What a handle points to; nothing of it changes while it is shared.
struct Inner {
    /// Shape and dtype.
    meta: Meta,
    /// The number of elements that `meta` describes, which nearly every access needs.
    numel: usize,
    /// Steps of axes, in elements.
    strides: Strides,
    /// The element at index zero.
    offset: usize,
    /// Whether elements are in row-major order without gaps.
    contiguous: bool,
    /// The elements.
    storage: Storage,
}

// Not generic, so that making a tensor is compiled once, and not for every kernel that fills one.
impl Inner {
    /// A contiguous tensor whose elements nobody has written.
    fn contiguous(shape: &[usize], dtype: DType) -> Inner {
        let numel = numel(shape).unwrap_or_else(|e| panic!("{e}"));
        Inner {
            meta: Meta::new(shape, dtype),
            numel,
            strides: contiguous_strides(shape),
            offset: 0,
            contiguous: true,
            storage: fresh(numel, dtype),
        }
    }

    /// Another of this shape and dtype, which is contiguous.
    fn like(&self) -> Inner {
        Inner {
            meta: self.meta.clone(),
            numel: self.numel,
            strides: Strides::from_slice(&self.strides),
            offset: 0,
            contiguous: true,
            storage: fresh(self.numel, self.meta.dtype),
        }
    }

    fn elements<T: Element>(&mut self) -> &mut [T] {
        let elements = self.storage.as_mut_slice();
        elements.expect("a new storage has one owner")
    }

    fn finish(self) -> Tensor {
        Tensor(Arc::new(self))
    }
}

/// Bytes for `numel` elements; those of a bool must be 0 or 1 from the start.
fn fresh(numel: usize, dtype: DType) -> Storage {
    let mut storage = Storage::new(numel * dtype.size());
    if dtype == DType::Bool {
        storage.clear();
    }
    storage
}

impl Tensor {
    /// A handle on `storage`, which `layout` suits.
    pub(super) fn from_parts(layout: Layout, dtype: DType, storage: Storage) -> Tensor {
        let meta = Meta {
            shape: layout.shape().into(),
            dtype,
        };
        let contiguous = layout.is_contiguous();
        Tensor(Arc::new(Inner {
            numel: meta.numel(),
            meta,
            strides: layout.strides().into(),
            offset: layout.offset(),
            contiguous,
            storage,
        }))
    }

    /// The elements of `data` in row-major order under `shape`.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let x = Tensor::from_vec(vec![1i64, 2, 3, 4, 5, 6], &[2, 3])?;
    /// assert_eq!((x.shape(), x.strides()), (&[2, 3][..], &[3, 1][..]));
    /// assert!(Tensor::from_vec(vec![1i64, 2], &[2, 3]).is_err());
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shape does not hold `data.len()` elements.
    pub fn from_vec<T: Element>(data: Vec<T>, shape: &[usize]) -> Result<Tensor> {
        Tensor::from_slice(&data, shape)
    }

    /// A copy of the elements of `data`, in row-major order under `shape`.
    ///
    /// # Errors
    /// When the shape does not hold `data.len()` elements.
    pub fn from_slice<T: Element>(data: &[T], shape: &[usize]) -> Result<Tensor> {
        if numel(shape)? != data.len() {
            return Err(Error::shape(format!(
                "from_slice: shape {shape:?} does not hold the {} elements given",
                data.len()
            )));
        }
        Ok(Tensor::build(shape, |out: &mut [T]| {
            out.copy_from_slice(data)
        }))
    }

    /// A tensor with no axes and the one element `x`.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let x = Tensor::scalar(2.5f32);
    /// assert_eq!((x.rank(), x.numel()), (0, 1));
    /// ```
    #[inline]
    pub fn scalar<T: Element>(x: T) -> Tensor {
        Tensor::build(&[], |out: &mut [T]| out[0] = x)
    }

    /// A tensor without bytes, of `meta`'s shape and dtype.
    pub fn meta_like(meta: &Meta) -> Tensor {
        let bytes = meta.numel() * meta.dtype.size();
        Tensor::from_parts(
            Layout::contiguous(&meta.shape),
            meta.dtype,
            Storage::meta(bytes),
        )
    }

    /// A new contiguous tensor whose elements `fill` writes; what it finds there is unspecified.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let squares = Tensor::build(&[4], |out: &mut [i64]| {
    ///     out.iter_mut().zip(0..).for_each(|(y, i)| *y = i * i);
    /// });
    /// assert_eq!(squares.to_f64(), [0.0, 1.0, 4.0, 9.0]);
    /// ```
    ///
    /// # Panics
    /// When the shape is too large to address.
    #[inline]
    pub fn build<T: Element>(shape: &[usize], fill: impl FnOnce(&mut [T])) -> Tensor {
        let mut new = Inner::contiguous(shape, T::DTYPE);
        fill(new.elements());
        new.finish()
    }

    /// A new contiguous tensor of this one's shape and `T`, whose elements `fill` writes: as
    /// [`Tensor::build`], without counting again what is known.
    #[inline]
    pub(crate) fn build_like<T: Element>(&self, fill: impl FnOnce(&mut [T])) -> Tensor {
        if !self.0.contiguous || T::DTYPE != self.dtype() {
            return Tensor::build(self.shape(), fill);
        }
        let mut new = self.0.like();
        fill(new.elements());
        new.finish()
    }

    /// A contiguous tensor whose elements `thunk` computes when they are first read.
    pub(crate) fn deferred(meta: Meta, thunk: Arc<dyn Thunk<Storage>>) -> Tensor {
        let storage = Storage::deferred(meta.numel() * meta.dtype.size(), thunk);
        Tensor::from_parts(Layout::contiguous(&meta.shape), meta.dtype, storage)
    }

    /// The thunk of this tensor's elements, for one op that takes this handle as its input: when they are
    /// not computed, fill their storage in its order, and at most one more handle can read them. (In
    /// `(a + b).relu()` that is the variable of the temporary, which reads nothing; a result that a node of
    /// the graph keeps has more handles.)
    pub(crate) fn lend_thunk(&self) -> Option<Arc<dyn Thunk<Storage>>> {
        let whole = self.0.contiguous
            && self.0.offset == 0
            && self.0.storage.bytes() == self.0.numel * self.dtype().size();
        (whole && Arc::strong_count(&self.0) <= 2).then(|| self.0.storage.lend_thunk())?
    }

    /// Computes the elements now, if they are deferred.
    ///
    /// Elementwise ops on large tensors are deferred until their elements are first read, so that a
    /// chain of them is one pass over memory. Reading realizes a tensor by itself; only code that
    /// measures time needs to call this.
    ///
    /// ```
    /// use lepton_tensor::{DType, ops};
    /// let x = ops::arange(0.0, 1.0, 100_000, DType::F32);
    /// x.realize(); // from here on the elements are in memory
    /// assert_eq!(x.to_f64()[99_999], 99_999.0);
    /// ```
    pub fn realize(&self) {
        self.0.storage.realize();
    }

    /// The tensor of `layout`, which suits it, on this one's storage.
    pub(super) fn view(&self, layout: Layout) -> Tensor {
        Tensor::from_parts(layout, self.dtype(), self.0.storage.clone())
    }

    /// The length of the storage in elements.
    pub(super) fn storage_len(&self) -> usize {
        self.0.storage.bytes() / self.dtype().size()
    }

    /// Shape and dtype.
    #[inline]
    pub fn meta(&self) -> &Meta {
        &self.0.meta
    }

    /// Sizes of axes, outermost first.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        &self.0.meta.shape
    }

    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.0.meta.shape.len()
    }

    /// The number of elements.
    #[inline]
    pub fn numel(&self) -> usize {
        self.0.numel
    }

    /// The element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.0.meta.dtype
    }

    /// Where the elements are.
    #[inline]
    pub fn device(&self) -> Device {
        if self.0.storage.is_meta() {
            Device::Meta
        } else {
            Device::Cpu
        }
    }

    /// True on the device `Meta`.
    #[inline]
    pub fn is_meta(&self) -> bool {
        self.0.storage.is_meta()
    }

    /// Strides in elements.
    pub fn strides(&self) -> &[isize] {
        &self.0.strides
    }

    /// Where in the storage the element at index 0 along every axis stands.
    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.0.offset
    }

    /// True when the elements stand in row-major order without gaps.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.0.contiguous
    }

    /// The layout, as a value to derive views from.
    pub fn layout(&self) -> Layout {
        Layout::of_tensor(&self.0.meta.shape, &self.0.strides, self.0.offset)
    }

    /// A number that stands for this handle as long as it lives; clones share it, views do not.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// True when both tensors share elements' memory.
    pub fn shares_storage(&self, other: &Tensor) -> bool {
        self.0.storage.same_block(&other.0.storage)
    }

    /// The storage's elements (not the view's: see [`Tensor::layout`]); for kernels.
    ///
    /// # Panics
    /// When `T` is not this tensor's dtype, or on the device `Meta`.
    #[inline]
    pub fn storage<T: Element>(&self) -> &[T] {
        assert_eq!(T::DTYPE, self.dtype(), "a tensor is read as its own dtype");
        self.0.storage.as_slice()
    }

    /// The element at index 0 along every axis.
    ///
    /// # Panics
    /// When there is none, or as [`Tensor::storage`].
    #[inline]
    pub(crate) fn first<T: Element>(&self) -> T {
        self.storage::<T>()[self.0.offset]
    }

    /// The elements as a slice, when they are contiguous.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
    /// assert_eq!(x.slice(0, 1, 1, 1)?.as_slice::<f32>(), Some(&[3.0, 4.0][..]));
    /// assert_eq!(x.slice(1, 1, 1, 1)?.as_slice::<f32>(), None); // a column is strided
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Panics
    /// When `T` is not this tensor's dtype, or on the device `Meta`.
    #[inline]
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        let all = self.storage::<T>();
        // A view without elements may begin behind the storage.
        let n = self.0.numel;
        let start = if n == 0 { 0 } else { self.0.offset };
        self.0.contiguous.then(|| &all[start..start + n])
    }

    /// The elements to write in place, when this handle and its storage have one owner and the
    /// elements are contiguous; `None` otherwise.
    ///
    /// ```
    /// use lepton_tensor::Tensor;
    /// let mut x = Tensor::from_vec(vec![1.0f32, 2.0], &[2])?;
    /// x.try_mut::<f32>().expect("one owner")[0] = 5.0;
    /// let other = x.clone();
    /// assert!(x.try_mut::<f32>().is_none()); // `other` would see it
    /// assert_eq!(other.to_f64(), [5.0, 2.0]);
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    #[inline]
    pub fn try_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        // A plain read first: `get_mut` locks, and most handles are shared.
        if Arc::strong_count(&self.0) != 1 {
            return None;
        }
        if T::DTYPE != self.0.meta.dtype || !self.0.contiguous {
            return None;
        }
        let inner = Arc::get_mut(&mut self.0)?;
        let n = inner.numel;
        let start = if n == 0 { 0 } else { inner.offset };
        inner
            .storage
            .as_mut_slice::<T>()
            .map(|s| &mut s[start..start + n])
    }
}

impl Default for Tensor {
    /// The empty f32 tensor of shape `[0]`.
    fn default() -> Tensor {
        static EMPTY: std::sync::OnceLock<Tensor> = std::sync::OnceLock::new();
        EMPTY
            .get_or_init(|| Tensor::build(&[0], |_: &mut [f32]| {}))
            .clone()
    }
}
