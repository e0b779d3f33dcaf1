//! The handle: storage, shape, strides; views, conversion, and nothing that computes.

use std::sync::Arc;

use crate::dtype::Element;
use crate::layout::{self, Layout, Meta, Strides, contiguous_strides, numel};
use crate::ops;
use crate::storage::{Recipe, Storage};
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

struct Inner {
    meta: Meta,
    /// The elements that `meta` counts, which nearly every access asks for.
    numel: usize,
    strides: Strides,
    offset: usize,
    contiguous: bool,
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
    fn from_parts(layout: Layout, dtype: DType, storage: Storage) -> Tensor {
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
    #[inline]
    pub fn scalar<T: Element>(x: T) -> Tensor {
        Tensor::build(&[], |out: &mut [T]| out[0] = x)
    }

    /// A tensor of zeros (`false` for bool).
    ///
    /// # Errors
    /// When the shape is too large, or the device cannot hold tensors in this build.
    pub fn zeros(shape: &[usize], dtype: DType, device: Device) -> Result<Tensor> {
        ops::full(shape, 0.0, dtype, device)
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

    /// A contiguous tensor whose elements `recipe` computes when they are first read.
    pub(crate) fn later(meta: Meta, recipe: Arc<dyn Recipe>) -> Tensor {
        let storage = Storage::later(meta.numel() * meta.dtype.size(), recipe);
        Tensor::from_parts(Layout::contiguous(&meta.shape), meta.dtype, storage)
    }

    /// How this tensor's elements will be computed, for one op that takes this handle: when they
    /// have not been yet, are all of their storage in its order, and at most one more handle can
    /// ask for them. (In `(a + b).relu()` that is the temporary, which nobody ever asks; a result
    /// that a node keeps has more.)
    pub(crate) fn lend_recipe(&self) -> Option<Arc<dyn Recipe>> {
        let whole = self.0.contiguous
            && self.0.offset == 0
            && self.0.storage.bytes() == self.0.numel * self.dtype().size();
        (whole && Arc::strong_count(&self.0) <= 2).then(|| self.0.storage.lend_recipe())?
    }

    /// Computes the elements now, if that has been put off.
    ///
    /// Elementwise ops on large tensors are computed when their elements are first read, so that a
    /// chain of them is one pass over memory. Reading does this by itself; only who takes the time
    /// needs to call it.
    pub fn settle(&self) {
        self.0.storage.settle();
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
    #[inline]
    pub fn try_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        // A plain look first: `get_mut` locks, and most handles it is asked of are shared.
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

    /// The elements to write; copied first when anyone else can see them.
    ///
    /// # Panics
    /// When `T` is not this tensor's dtype, or on the device `Meta`.
    pub fn make_mut<T: Element>(&mut self) -> &mut [T] {
        if self.try_mut::<T>().is_none() {
            let mut copy = Tensor::build(self.shape(), |out: &mut [T]| ops::copy_into(self, out));
            std::mem::swap(self, &mut copy);
        }
        self.try_mut().expect("a fresh copy has one owner")
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// When `T` is not this tensor's dtype, or there are no elements (device `Meta`).
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE != self.dtype() {
            return Err(Error::dtype(format!(
                "to_vec: the tensor is {}, not {}; cast first: x.to_dtype(..)",
                self.dtype(),
                T::DTYPE
            )));
        }
        self.want_elements("to_vec")?;
        let mut out = vec![T::default(); self.numel()];
        ops::copy_into(self, &mut out);
        Ok(out)
    }

    /// The elements in row-major order, as f64 whatever the dtype.
    ///
    /// # Panics
    /// On the device `Meta`.
    pub fn to_f64(&self) -> Vec<f64> {
        crate::match_dtype!(self.dtype(), T => {
            self.to_vec::<T>().expect("the dtype is its own").into_iter().map(Element::to_f64).collect()
        })
    }

    /// The one element, as f64.
    ///
    /// # Errors
    /// When there is not exactly one element, or none to read (device `Meta`).
    pub fn item(&self) -> Result<f64> {
        if self.numel() != 1 {
            return Err(Error::shape(format!(
                "item: shape {:?} has {} elements, not one",
                self.shape(),
                self.numel()
            )));
        }
        self.want_elements("item")?;
        Ok(crate::match_dtype!(self.dtype(), T => self.storage::<T>()[self.0.offset].to_f64()))
    }

    fn want_elements(&self, what: &str) -> Result<()> {
        if self.is_meta() {
            return Err(Error::unsupported(format!(
                "{what}: a tensor on the device meta has a shape but no elements"
            )));
        }
        Ok(())
    }

    fn view(&self, layout: Layout) -> Tensor {
        Tensor::from_parts(layout, self.dtype(), self.0.storage.clone())
    }

    /// Axes reordered: axis `i` of the result is axis `order[i]` of this tensor.
    ///
    /// # Errors
    /// When `order` is not a permutation of the axes.
    pub fn permute(&self, order: &[usize]) -> Result<Tensor> {
        let mut seen = vec![false; self.rank()];
        let fits = order.len() == self.rank()
            && order
                .iter()
                .all(|&a| seen.get_mut(a).is_some_and(|s| !std::mem::replace(s, true)));
        if !fits {
            return Err(Error::shape(format!(
                "permute: {order:?} is not an order of the axes of {:?}",
                self.shape()
            )));
        }
        Ok(self.view(self.layout().permute(order)))
    }

    /// Two axes swapped; negative axes count from the end.
    ///
    /// # Errors
    /// When an axis does not exist.
    pub fn transpose(&self, a: isize, b: isize) -> Result<Tensor> {
        let (a, b) = (
            layout::axis("transpose", a, self.rank())?,
            layout::axis("transpose", b, self.rank())?,
        );
        let mut order: Vec<usize> = (0..self.rank()).collect();
        order.swap(a, b);
        self.permute(&order)
    }

    /// `len` elements along `axis` from `start`, `step` apart; a negative step walks backwards.
    ///
    /// # Errors
    /// When an element would fall outside the axis, or `step` is 0.
    pub fn slice(&self, axis: usize, start: usize, len: usize, step: isize) -> Result<Tensor> {
        let size = *self.shape().get(axis).ok_or_else(|| {
            Error::shape(format!(
                "slice: axis {axis} is out of range for shape {:?}",
                self.shape()
            ))
        })?;
        let last = start as i128 + (len as i128 - 1) * step as i128;
        if len > 0 && (step == 0 || start >= size || last < 0 || last >= size as i128) {
            return Err(Error::index(format!(
                "slice: {len} elements from {start} by {step} leave axis {axis} of size {size}"
            )));
        }
        Ok(self.view(self.layout().slice(axis, start, len, step)))
    }

    /// Axes of size 1, and new outer ones, repeated to `shape` without copying.
    ///
    /// # Errors
    /// When an axis has another size than 1 or the wanted one.
    pub fn expand(&self, shape: &[usize]) -> Result<Tensor> {
        numel(shape)?;
        let layout = self.layout().expand(shape).ok_or_else(|| {
            Error::shape(format!(
                "expand: {:?} does not broadcast to {shape:?}",
                self.shape()
            ))
        })?;
        Ok(self.view(layout))
    }

    /// The same elements in row-major order under another shape; a view when strides allow it.
    ///
    /// # Errors
    /// When the number of elements differs.
    pub fn reshape(&self, shape: &[usize]) -> Result<Tensor> {
        if numel(shape)? != self.numel() {
            return Err(Error::shape(format!(
                "reshape: {:?} has {} elements, {shape:?} does not",
                self.shape(),
                self.numel()
            )));
        }
        match self.layout().reshape(shape) {
            Some(layout) => Ok(self.view(layout)),
            None => self.contiguous().reshape(shape),
        }
    }

    /// Sliding windows of `size` along `axis`, `step` apart, as a view with one more axis at the end.
    ///
    /// # Errors
    /// When the axis is shorter than one window, or `step` is 0.
    pub fn unfold(&self, axis: usize, size: usize, step: usize) -> Result<Tensor> {
        if axis >= self.rank() || size > self.shape()[axis] || step == 0 {
            return Err(Error::shape(format!(
                "unfold: windows of {size} by {step} do not fit axis {axis} of {:?}",
                self.shape()
            )));
        }
        Ok(self.view(self.layout().unfold(axis, size, step)))
    }

    /// A view from its parts: shape, strides and offset into this tensor's storage.
    ///
    /// # Errors
    /// When an index inside `shape` would leave the storage.
    pub fn as_strided(&self, shape: &[usize], strides: &[isize], offset: usize) -> Result<Tensor> {
        let len = crate::match_dtype!(self.dtype(), T => self.0.storage.len::<T>());
        Ok(self.view(Layout::new(shape, strides, offset, len)?))
    }

    /// This tensor when it is contiguous, else a contiguous copy.
    pub fn contiguous(&self) -> Tensor {
        if self.0.contiguous {
            self.clone()
        } else {
            ops::copy(self)
        }
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
