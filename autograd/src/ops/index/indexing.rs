//! Indexing by tuples of numbers, ranges, index tensors and masks.

use lepton_tensor::{DType, Error, Result};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::var::Var;
use crate::ops::elementwise::compare::want_mask;
use crate::ops::index::gather::{Gather, IndexSelect, want_index};
use crate::ops::index::positions::{Index, positions};
use crate::ops::shape::rearrange::index_of;
use crate::ops::shape::reshape::broadcast_shape;

impl Var {
    /// Positions (in row-major order) of the elements that are not 0 or false, one row each.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[0.0f32, 5.0, 0.0, 7.0], &[4]);
    /// assert_eq!(x.nonzero()?.to_vec::<i64>()?, [1, 3]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there are no elements to read (device `Meta`, inside `vmap`).
    pub fn nonzero(&self) -> Result<Var> {
        let truth = self.logical_not().to_vec::<bool>()?;
        let found: Vec<usize> = (0..truth.len()).filter(|&i| !truth[i]).collect();
        let strides = lepton_tensor::layout::contiguous_strides(self.shape());
        let rank = self.rank();
        Ok(index_of(&[found.len(), rank], |i| {
            let axis = i % rank;
            (found[i / rank] / strides[axis] as usize % self.shape()[axis]) as i64
        }))
    }

    /// The elements at positions in row-major order, in the shape of `index`; negative positions
    /// count from the end.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.take(&Var::new(&[0i64, 4], &[2])).to_vec::<f32>()?, [1.0, 5.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When a position is out of range.
    #[track_caller]
    pub fn take(&self, index: &Var) -> Var {
        self.taken("take", index).or_panic()
    }

    /// [`Var::take`] in the name of `what`.
    pub(crate) fn taken(&self, what: &str, index: &Var) -> Result<Var> {
        want_index(what, index.meta())?;
        let n = self.numel();
        let flat = index.reshape(&[index.numel()]);
        let x = smallvec![self.reshape(&[n]), flat.wrap_negative(n)];
        let y = crate::apply(IndexSelect { axis: 0 }, x);
        y.map(|y| y[0].reshape(index.shape()))
            .map_err(|e| e.told_by(what))
    }

    /// An index whose negative numbers count from the end of an axis of `n`.
    pub(crate) fn wrap_negative(&self, n: usize) -> Var {
        let index = self.to_dtype(DType::I64);
        let zero = index.zeros_like();
        &index + index.lt(&zero) * n as i64
    }

    /// The elements that `index` names along `axis`, both broadcast but for that axis, or in the
    /// order of rows; negative ones count from the end.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[3.0f32, 1.0, 2.0], &[3]);
    /// assert_eq!(x.take_along(&x.argsort(0, false), Some(0))?.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the axis is out of range or the shapes do not broadcast.
    pub fn take_along(&self, index: &Var, axis: Option<isize>) -> Result<Var> {
        let Some(axis) = axis else {
            return self.taken("take_along", &index.reshape(&[index.numel()]));
        };
        let a = lepton_tensor::layout::axis("take_along", axis, self.rank())?;
        if index.rank() != self.rank() {
            return Err(Error::shape(format!(
                "take_along: an index of {:?} for {:?}; give as many axes",
                index.shape(),
                self.shape()
            )));
        }
        want_index("take_along", index.meta())?;
        let mut one = index.shape().to_vec();
        if let Some(d) = one.get_mut(a) {
            *d = 1;
        }
        let mut from = broadcast_shape("take_along", self.shape(), &one)?.to_vec();
        let mut to = from.clone();
        (from[a], to[a]) = (self.shape()[a], index.shape().get(a).copied().unwrap_or(1));
        let index = index.wrap_negative(self.shape()[a]);
        let x = smallvec![self.expand(&from), index.expand(&to)];
        let y = crate::apply(Gather { axis: a }, x);
        y.map(|mut y| y.swap_remove(0))
            .map_err(|e| e.told_by("take_along"))
    }

    /// The elements where `mask` (bool, of this shape after broadcasting) holds, along one axis.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// assert_eq!(x.masked_select(&Var::new(&[true, false, true], &[3]))?.to_vec::<f32>()?, [1.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast, or there are no elements to read.
    pub fn masked_select(&self, mask: &Var) -> Result<Var> {
        want_mask("masked_select", mask)?;
        let shape = broadcast_shape("masked_select", self.shape(), mask.shape())?;
        let places = mask
            .expand(&shape)
            .reshape(&[shape.iter().product()])
            .nonzero()?;
        Ok(self.expand(&shape).take(&places.reshape(&[places.numel()])))
    }

    /// This variable with the elements of `src` in order where `mask` (bool) holds.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// assert_eq!(x.masked_scatter(&Var::new(&[true, false, true], &[3]), &Var::new(&[8.0f32, 9.0], &[2]))?.to_vec::<f32>()?, [8.0, 2.0, 9.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast, or there are no elements to read.
    pub fn masked_scatter(&self, mask: &Var, src: &Var) -> Result<Var> {
        want_mask("masked_scatter", mask)?;
        let shape = broadcast_shape("masked_scatter", self.shape(), mask.shape())?;
        let places = mask
            .expand(&shape)
            .reshape(&[shape.iter().product()])
            .nonzero()?;
        let n = places.numel();
        if src.numel() < n {
            return Err(Error::shape(format!(
                "masked_scatter: {n} places, but {} elements to write",
                src.numel()
            )));
        }
        let src = src.reshape(&[src.numel()]).slice(0, 0, n, 1);
        self.expand(&shape)
            .written("masked_scatter", &places.reshape(&[n]), &src, false)
    }

    /// The elements that an index tuple names, by the rules of PyTorch: the axes of index tensors
    /// stand in the place of the first one when they are neighbours, else in front.
    ///
    /// ```
    /// use lepton_autograd::{Index, Var};
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// let rows = Index::Of(Var::new(&[1i64, 0, 1], &[3]));
    /// let y = x.index(&[rows, Index::At(-1)]).unwrap();
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [4.0, 2.0, 4.0]);
    /// ```
    ///
    /// # Errors
    /// When the tuple does not fit, an index is out of range, or a mask cannot be read.
    pub fn index(&self, tuple: &[Index]) -> Result<Var> {
        Ok(self.take(&positions("index", self.shape(), tuple)?))
    }

    /// This variable with `value` (broadcast) written, or added, where an index tuple says.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// use lepton_autograd::Index;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// let at = [Index::Of(Var::new(&[0i64, 2], &[2]))];
    /// assert_eq!(x.index_put(&at, &Var::new(&[8.0f32, 9.0], &[2]), false)?.to_vec::<f32>()?, [8.0, 2.0, 9.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Var::index`].
    pub fn index_put(&self, tuple: &[Index], value: &Var, accumulate: bool) -> Result<Var> {
        let places = positions("index_put", self.shape(), tuple)?;
        // Leading axes of size 1 in the value are allowed.
        let extra = value.rank().saturating_sub(places.rank());
        let (leading, own) = value.shape().split_at(extra);
        if leading.iter().any(|&d| d != 1) {
            return Err(Error::shape(format!(
                "index_put: a value of {:?} has more axes than the {:?} that the index names",
                value.shape(),
                places.shape()
            )));
        }
        let value = value.reshape(own);
        let shape = broadcast_shape("index_put", places.shape(), value.shape())?;
        if shape[..] != *places.shape() {
            return Err(Error::shape(format!(
                "index_put: a value of {:?} is larger than the {:?} that the index names",
                value.shape(),
                places.shape()
            )));
        }
        self.written("index_put", &places, &value.expand(&shape), accumulate)
    }
}

impl Var {
    /// Fails, in the name of `what`, unless these are whole numbers in `0 .. n`, as far as there are
    /// elements to read.
    fn numbers_below(&self, what: &str, n: usize) -> Result<()> {
        want_index(what, self.meta())?;
        let Ok(all) = self.to_dtype(DType::I64).to_vec::<i64>() else {
            return Ok(());
        };
        match all.iter().find(|&&i| i as u64 >= n as u64) {
            None => Ok(()),
            Some(i) => Err(Error::index(format!(
                "{what}: the number {i} is not within 0 .. {n}"
            ))),
        }
    }

    /// 1 at each element's own number along a new last axis of `classes`, 0 elsewhere, as i64.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0i64, 2], &[2]).one_hot(3).to_vec::<i64>()?, [1, 0, 0, 0, 0, 1]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the numbers are no integers, or one is negative or not below `classes`.
    #[track_caller]
    pub fn one_hot(&self, classes: usize) -> Var {
        self.numbers_below("one_hot", classes).or_panic();
        let row = index_of(&[classes], |i| i as i64);
        self.to_dtype(DType::I64)
            .unsqueeze(-1)
            .eq(&row)
            .to_dtype(DType::I64)
    }

    /// How often each of `0 .. n` stands in a vector of whole numbers.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0i64, 2, 2], &[3]).bincount(4).to_vec::<i64>()?, [1, 0, 2, 0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the numbers are no integers, or one is negative or not below `n`.
    #[track_caller]
    pub fn bincount(&self, n: usize) -> Var {
        self.numbers_below("bincount", n).or_panic();
        let index = self.to_dtype(DType::I64).reshape(&[self.numel()]);
        let ones = index.ones_like();
        index_of(&[n], |_| 0).scatter_add(0, &index, &ones)
    }

    /// The distinct values in order, the number of each element's own among them, and how often
    /// each stands.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (values, place, counts) = Var::new(&[2.0f32, 1.0, 2.0], &[3]).unique()?;
    /// assert_eq!(values.to_vec::<f32>()?, [1.0, 2.0]);
    /// assert_eq!(place.to_vec::<i64>()?, [1, 0, 1]);
    /// assert_eq!(counts.to_vec::<i64>()?, [1, 2]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there are no elements to read.
    pub fn unique(&self) -> Result<(Var, Var, Var)> {
        let flat = self.detach().reshape(&[self.numel()]);
        let n = flat.numel();
        if n == 0 {
            let none = index_of(&[0], |_| 0);
            return Ok((flat, none.reshape(self.shape()), none));
        }
        let (sorted, order) = flat.sort(0, false);
        let step = sorted
            .slice(0, 1, n - 1, 1)
            .ne(&sorted.slice(0, 0, n - 1, 1));
        let first = Var::cat(&[index_of(&[1], |_| 1), step.to_dtype(DType::I64)], 0);
        let number = first.cumsum(0) - 1;
        let places = first.nonzero()?;
        let values = sorted.take(&places.reshape(&[places.numel()]));
        let inverse = number.zeros_like().scatter(0, &order, &number);
        let counts = number.bincount(places.numel());
        Ok((values, inverse.reshape(self.shape()), counts))
    }
}
