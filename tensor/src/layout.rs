//! Shapes and strides: which element of the storage stands at which index.
//!
//! The element at index `[i, j, ..]` of a layout is `offset + i * strides[0] + j * strides[1] + ..` of its storage.
//! Transposing swaps strides, slicing moves the offset, a negative step negates a stride, and a stride of 0 repeats an
//! element without copying it. So all views are free; what they cost is that a kernel may meet any strides.

use smallvec::SmallVec;

use crate::{DType, Error, Result};

/// Sizes of axes, outermost first; up to four are held inline.
pub type Shape = SmallVec<[usize; 4]>;
/// Distances between neighbours along each axis, in elements.
pub type Strides = SmallVec<[isize; 4]>;

/// The number of elements of `shape`, or an error when it (or its bytes) cannot be addressed.
///
/// This is the one place where dimensions are multiplied.
///
/// ```
/// assert_eq!(lepton_tensor::numel(&[2, 3]).unwrap(), 6);
/// assert!(lepton_tensor::numel(&[usize::MAX, 2]).is_err());
/// assert_eq!(lepton_tensor::numel(&[usize::MAX, 2, 0]).unwrap(), 0);
/// ```
pub fn numel(shape: &[usize]) -> Result<usize> {
    if shape.contains(&0) {
        return Ok(0);
    }
    let n = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    // Eight bytes an element is the widest dtype, and offsets must fit in an isize.
    n.filter(|&n| n <= isize::MAX as usize / 8).ok_or_else(|| {
        Error::shape(format!(
            "shape {shape:?} has more elements than memory can address"
        ))
    })
}

/// The product of sizes that [`numel`] has accepted. It wraps, since sizes beside a 0 may be large.
fn product(shape: &[usize]) -> usize {
    shape.iter().fold(1, |n, &d| n.wrapping_mul(d))
}

/// A shape and a dtype: all that a shape rule knows of a tensor.
#[derive(Debug, Eq)]
pub struct Meta {
    /// Sizes of axes.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
}

impl PartialEq for Meta {
    /// Size by size: a call of `memcmp` costs more than the few sizes there are.
    #[inline]
    fn eq(&self, o: &Meta) -> bool {
        let (x, y) = (&self.shape[..], &o.shape[..]);
        self.dtype == o.dtype && x.len() == y.len() && x.iter().zip(y).all(|(a, b)| a == b)
    }
}

impl Clone for Meta {
    /// By `from_slice`: a `SmallVec`'s own clone goes element by element, at ten times the cost.
    #[inline]
    fn clone(&self) -> Meta {
        Meta::new(&self.shape, self.dtype)
    }
}

impl Meta {
    /// A shape and a dtype.
    ///
    /// ```
    /// use lepton_tensor::{DType, Meta};
    /// let meta = Meta::new(&[2, 3], DType::F32);
    /// assert_eq!((meta.rank(), meta.numel()), (2, 6));
    /// ```
    #[inline]
    pub fn new(shape: &[usize], dtype: DType) -> Meta {
        Meta {
            shape: Shape::from_slice(shape),
            dtype,
        }
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements; the shape was checked when the tensor was made.
    #[inline]
    pub fn numel(&self) -> usize {
        product(&self.shape)
    }

    /// The same dtype with another shape.
    pub fn with_shape(&self, shape: &[usize]) -> Meta {
        Meta::new(shape, self.dtype)
    }

    /// The same shape with another dtype.
    pub fn with_dtype(&self, dtype: DType) -> Meta {
        Meta {
            shape: self.shape.clone(),
            dtype,
        }
    }
}

/// The positive form of an axis that may count from the end (`-1` is the last).
///
/// # Errors
/// When there is no such axis.
///
/// ```
/// use lepton_tensor::layout::axis;
/// assert_eq!(axis("sum", -1, 3).unwrap(), 2);
/// assert!(axis("sum", 3, 3).is_err());
/// ```
pub fn axis(what: &str, axis: isize, rank: usize) -> Result<usize> {
    let a = if axis < 0 { axis + rank as isize } else { axis };
    if (0..rank as isize).contains(&a) {
        return Ok(a as usize);
    }
    Err(Error::shape(format!(
        "{what}: axis {axis} is out of range for a tensor with {rank} axes"
    )))
}

/// Shape, strides and offset into a storage.
///
/// Invariants, upheld by every constructor here:
/// 1. `shape` and `strides` have the same length;
/// 2. the number of elements fits `isize`;
/// 3. for every index inside `shape`, `offset + sum(index * stride)` is a valid element of the
///    storage the layout was made for. Views only shrink or repeat the reachable set, so a layout
///    derived from a valid one is valid;
/// 4. without elements the offset is 0, so that an empty slice of the storage starts inside it.
///
/// Strides of axes with fewer than two elements lead nowhere; their arithmetic may wrap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Sizes of axes.
    shape: Shape,
    /// Steps of axes, in elements.
    strides: Strides,
    /// The element at index zero.
    offset: usize,
}

/// Row-major strides of `shape`.
///
/// ```
/// use lepton_tensor::layout::contiguous_strides;
/// assert_eq!(contiguous_strides(&[2, 3, 4])[..], [12, 4, 1]);
/// ```
pub fn contiguous_strides(shape: &[usize]) -> Strides {
    let mut strides = match shape.len() {
        rank @ 0..=4 => Strides::from_buf_and_len([1; 4], rank),
        rank => Strides::from_elem(1, rank),
    };
    let mut step = 1isize;
    for (s, &d) in strides.iter_mut().zip(shape).rev() {
        *s = step;
        // Beside an axis of size 0 the others may be as large as they like.
        step = step.wrapping_mul(d.max(1) as isize);
    }
    strides
}

impl Layout {
    /// The row-major layout of `shape`, whose size the caller has checked with [`numel`].
    pub fn contiguous(shape: &[usize]) -> Layout {
        Layout {
            shape: Shape::from_slice(shape),
            strides: contiguous_strides(shape),
            offset: 0,
        }
    }

    /// A layout from its parts, for a storage of `len` elements.
    ///
    /// ```
    /// use lepton_tensor::Layout;
    /// let column = Layout::new(&[3], &[4], 1, 12).unwrap();
    /// assert_eq!((column.offset(), column.numel()), (1, 3));
    /// assert!(Layout::new(&[4], &[4], 1, 12).is_err()); // element 13 of 12
    /// ```
    ///
    /// # Errors
    /// When an index inside `shape` would fall outside the storage.
    pub fn new(shape: &[usize], strides: &[isize], offset: usize, len: usize) -> Result<Layout> {
        let fail = || {
            Error::shape(format!(
                "layout {shape:?} with strides {strides:?} at {offset} leaves a storage of {len} elements"
            ))
        };
        if shape.len() != strides.len() {
            return Err(fail());
        }
        if numel(shape)? > 0 {
            let (mut low, mut high) = (offset as i128, offset as i128);
            for (&d, &s) in shape.iter().zip(strides) {
                let reach = (d as i128 - 1) * s as i128;
                if reach < 0 {
                    low += reach
                } else {
                    high += reach
                }
            }
            if low < 0 || high >= len as i128 {
                return Err(fail());
            }
        }
        let layout = Layout {
            shape: shape.into(),
            strides: strides.into(),
            offset,
        };
        Ok(layout.normalized())
    }

    /// With offset 0 where there are no elements (invariant 4).
    fn normalized(mut self) -> Layout {
        if self.shape.contains(&0) {
            self.offset = 0;
        }
        self
    }

    /// The layout of a tensor, whose parts were checked when it was made.
    pub(crate) fn of_tensor(shape: &Shape, strides: &Strides, offset: usize) -> Layout {
        Layout {
            shape: Shape::from_slice(shape),
            strides: Strides::from_slice(strides),
            offset,
        }
    }

    /// Sizes of axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Strides of axes, in elements.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The element at index zero.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        product(&self.shape)
    }

    /// True when the elements follow one another in row-major order.
    pub fn is_contiguous(&self) -> bool {
        is_contiguous(&self.shape, &self.strides)
    }

    /// Axes reordered: axis `i` of the result is axis `order[i]` of this one.
    ///
    /// ```
    /// use lepton_tensor::Layout;
    /// let t = Layout::contiguous(&[2, 3]).permute(&[1, 0]);
    /// assert_eq!((t.shape(), t.strides()), (&[3, 2][..], &[1, 3][..]));
    /// ```
    pub fn permute(&self, order: &[usize]) -> Layout {
        Layout {
            shape: order.iter().map(|&a| self.shape[a]).collect(),
            strides: order.iter().map(|&a| self.strides[a]).collect(),
            offset: self.offset,
        }
    }

    /// `len` elements along `axis` from `start`, `step` apart (negative steps walk backwards);
    /// the caller has checked that they exist.
    ///
    /// ```
    /// use lepton_tensor::Layout;
    /// let last = Layout::contiguous(&[5]).slice(0, 4, 2, -2);
    /// assert_eq!((last.offset(), last.strides()), (4, &[-2][..]));
    /// ```
    pub fn slice(&self, axis: usize, start: usize, len: usize, step: isize) -> Layout {
        let mut out = self.clone();
        if len > 0 {
            assert!(start < self.shape[axis]);
            let last = start as isize + (len as isize - 1) * step;
            assert!(
                (0..self.shape[axis] as isize).contains(&last),
                "slice leaves its axis"
            );
            let ahead = (start as isize).wrapping_mul(self.strides[axis]);
            out.offset = (self.offset as isize).wrapping_add(ahead) as usize;
        }
        out.shape[axis] = len;
        out.strides[axis] = self.strides[axis].wrapping_mul(step);
        out.normalized()
    }

    /// Repeats axes of size 1, and new outer axes, without copying; `None` when it does not fit.
    ///
    /// ```
    /// use lepton_tensor::Layout;
    /// let row = Layout::contiguous(&[1, 3]);
    /// assert_eq!(row.expand(&[2, 3]).unwrap().strides(), [0, 1]);
    /// assert!(row.expand(&[2, 4]).is_none());
    /// ```
    pub fn expand(&self, shape: &[usize]) -> Option<Layout> {
        let extra = shape.len().checked_sub(self.rank())?;
        let mut strides: Strides = SmallVec::from_elem(0, shape.len());
        for (i, (&from, &to)) in self.shape.iter().zip(&shape[extra..]).enumerate() {
            if from == to {
                strides[extra + i] = self.strides[i];
            } else if from != 1 {
                return None;
            }
        }
        let layout = Layout {
            shape: shape.into(),
            strides,
            offset: self.offset,
        };
        Some(layout.normalized())
    }

    /// The same elements in row-major order under another shape, when strides can express it.
    ///
    /// The number of elements must agree; the caller has checked it.
    ///
    /// ```
    /// use lepton_tensor::Layout;
    /// let x = Layout::contiguous(&[2, 6]);
    /// assert_eq!(x.reshape(&[2, 2, 3]).unwrap().strides(), [6, 3, 1]);
    /// assert!(x.permute(&[1, 0]).reshape(&[12]).is_none()); // needs a copy
    /// ```
    pub fn reshape(&self, shape: &[usize]) -> Option<Layout> {
        if self.numel() == 0 || self.is_contiguous() {
            let offset = self.offset;
            return Some(Layout {
                offset,
                ..Layout::contiguous(shape)
            });
        }
        // Groups of old axes that run as one (each stride is the next one's times its size) are cut
        // anew; axes of size 1 take part in no group.
        let old: Vec<(usize, isize)> = self
            .shape
            .iter()
            .copied()
            .zip(self.strides.iter().copied())
            .filter(|p| p.0 != 1)
            .collect();
        let mut strides: Strides = SmallVec::from_elem(1, shape.len());
        let (mut i, mut j) = (0, 0);
        while i < old.len() && j < shape.len() {
            let (first_new, first_old) = (j, i);
            let (mut a, mut b) = (old[i].0, shape[j]);
            while a != b {
                if a < b {
                    i += 1;
                    a *= old[i].0;
                } else {
                    j += 1;
                    b *= shape[j];
                }
            }
            for k in first_old..i {
                if old[k].1 != old[k + 1].1 * old[k + 1].0 as isize {
                    return None;
                }
            }
            let mut step = old[i].1;
            for k in (first_new..=j).rev() {
                strides[k] = step;
                step *= shape[k] as isize;
            }
            (i, j) = (i + 1, j + 1);
        }
        Some(Layout {
            shape: shape.into(),
            strides,
            offset: self.offset,
        })
    }

    /// Sliding windows: `axis` becomes the number of windows, a new last axis runs inside one.
    ///
    /// ```
    /// use lepton_tensor::Layout;
    /// let windows = Layout::contiguous(&[5]).unfold(0, 3, 1);
    /// assert_eq!((windows.shape(), windows.strides()), (&[3, 3][..], &[1, 1][..]));
    /// ```
    pub fn unfold(&self, axis: usize, size: usize, step: usize) -> Layout {
        let mut out = self.clone();
        out.shape.push(size);
        out.strides.push(self.strides[axis]);
        out.shape[axis] = (self.shape[axis] - size) / step + 1;
        out.strides[axis] = out.strides[axis].wrapping_mul(step as isize);
        out.normalized()
    }

    /// The axes merged as far as possible: neighbours that run as one become one, size 1 vanishes.
    ///
    /// ```
    /// use lepton_tensor::Layout;
    /// let x = Layout::contiguous(&[2, 1, 3, 4]);
    /// assert_eq!(x.collapse().shape(), [24]); // one run of elements
    /// assert_eq!(x.slice(3, 0, 2, 1).collapse().shape(), [6, 2]);
    /// ```
    pub fn collapse(&self) -> Layout {
        let (mut shape, mut strides) = (Shape::new(), Strides::new());
        for (&d, &s) in self.shape.iter().zip(&self.strides) {
            if d == 1 {
                continue;
            }
            match strides.last_mut() {
                Some(last) if *last == s.wrapping_mul(d as isize) => {
                    *last = s;
                    *shape.last_mut().expect("as long as strides") *= d;
                }
                _ => {
                    shape.push(d);
                    strides.push(s);
                }
            }
        }
        Layout {
            shape,
            strides,
            offset: self.offset,
        }
    }
}

/// True when `strides` are row-major for `shape` (axes of size 1 may have any stride).
///
/// ```
/// use lepton_tensor::layout::is_contiguous;
/// assert!(is_contiguous(&[2, 1, 3], &[3, 77, 1]));
/// assert!(!is_contiguous(&[3, 2], &[1, 3]));
/// ```
pub fn is_contiguous(shape: &[usize], strides: &[isize]) -> bool {
    let mut step = 1isize;
    for (&d, &s) in shape.iter().zip(strides).rev() {
        if d != 1 {
            if s != step {
                return d == 0 || shape.contains(&0);
            }
            step = step.wrapping_mul(d as isize);
        }
    }
    true
}
