//! Indexing by tuples of numbers, ranges, index tensors and masks.

use lepton_tensor::{DType, Error, Result, Tensor};

use crate::engine::var::Var;
use crate::ops::shape::rearrange::index_of;
use crate::ops::shape::reshape::broadcast_shape;

/// One entry of an index tuple.
#[derive(Clone, Debug)]
pub enum Index {
    /// One element of an axis, which vanishes; negative counts from the end.
    At(isize),
    /// Start, end and step (positive) of an axis; negative ones count from the end, and what lies
    /// outside is cut off.
    Range(Option<isize>, Option<isize>, usize),
    /// As many whole axes as are left.
    Rest,
    /// A new axis of size 1.
    New,
    /// Elements of an axis by an integer tensor, or of as many axes as a mask has.
    Of(Var),
}

impl Var {
    /// Positions (in row-major order) of the elements that are not 0 or false, one row each.
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

    /// The elements that `index` names along `axis`, both broadcast but for that axis, or in the
    /// order of rows; negative ones count from the end.
    ///
    /// # Errors
    /// When the axis is out of range or the shapes do not broadcast.
    pub fn take_along(&self, index: &Var, axis: Option<isize>) -> Result<Var> {
        let Some(axis) = axis else {
            return Ok(self.take(&index.reshape(&[index.numel()])));
        };
        let a = lepton_tensor::layout::axis("take_along", axis, self.rank())?;
        let mut one = index.shape().to_vec();
        if let Some(d) = one.get_mut(a) {
            *d = 1;
        }
        let mut from = broadcast_shape("take_along", self.shape(), &one)?.to_vec();
        let mut to = from.clone();
        (from[a], to[a]) = (self.shape()[a], index.shape().get(a).copied().unwrap_or(1));
        let index = index.wrap_negative(self.shape()[a]);
        Ok(self.expand(&from).gather(axis, &index.expand(&to)))
    }

    /// The elements where `mask` (bool, of this shape after broadcasting) holds, along one axis.
    ///
    /// # Errors
    /// When the shapes do not broadcast, or there are no elements to read.
    pub fn masked_select(&self, mask: &Var) -> Result<Var> {
        let shape = broadcast_shape("masked_select", self.shape(), mask.shape())?;
        let places = mask
            .expand(&shape)
            .reshape(&[shape.iter().product()])
            .nonzero()?;
        Ok(self.expand(&shape).take(&places.reshape(&[places.numel()])))
    }

    /// This variable with the elements of `src` in order where `mask` (bool) holds.
    ///
    /// # Errors
    /// When the shapes do not broadcast, or there are no elements to read.
    pub fn masked_scatter(&self, mask: &Var, src: &Var) -> Result<Var> {
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
        Ok(self.expand(&shape).put(&places.reshape(&[n]), &src, false))
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
        Ok(self.take(&positions(self.shape(), tuple)?))
    }

    /// This variable with `value` (broadcast) written, or added, where an index tuple says.
    ///
    /// # Errors
    /// As [`Var::index`].
    pub fn index_put(&self, tuple: &[Index], value: &Var, accumulate: bool) -> Result<Var> {
        let places = positions(self.shape(), tuple)?;
        // Leading axes of size 1 in the value are allowed.
        let extra = value.rank().saturating_sub(places.rank());
        let value = value.reshape(&value.shape()[extra..]);
        broadcast_shape("index_put", places.shape(), value.shape())?;
        Ok(self.put(&places, &value.expand(places.shape()), accumulate))
    }
}

/// The positions, in row-major order, of the elements that a tuple names in `shape`.
fn positions(shape: &[usize], tuple: &[Index]) -> Result<Var> {
    let n = shape.iter().product();
    let mut numbers = index_of(&[n], |i| i as i64).reshape(shape);
    // How many axes each entry takes tells how many are left for `Rest`.
    let takes = |i: &Index| match i {
        Index::At(_) | Index::Range(..) => 1,
        Index::Of(v) if v.dtype() == DType::Bool => v.rank(),
        Index::Of(_) => 1,
        Index::Rest | Index::New => 0,
    };
    let used: usize = tuple.iter().map(takes).sum();
    if used > shape.len() {
        return Err(Error::index(format!(
            "index: {used} entries for the {} axes of {shape:?}",
            shape.len()
        )));
    }
    let mut axis = 0;
    let mut advanced: Vec<(usize, Var)> = Vec::new();
    for entry in tuple {
        match entry {
            Index::At(i) => {
                let d = numbers.shape()[axis] as isize;
                if !(-d..d).contains(i) {
                    return Err(Error::index(format!(
                        "index: {i} is out of range for an axis of size {d}"
                    )));
                }
                numbers = numbers.select(axis as isize, *i);
            }
            Index::Range(start, end, step) => {
                let d = numbers.shape()[axis] as isize;
                let clip = |i: isize| if i < 0 { i + d } else { i }.clamp(0, d);
                let (a, b) = (start.map_or(0, clip), end.map_or(d, clip));
                let len = ((b - a).max(0) as usize).div_ceil((*step).max(1));
                numbers = numbers.slice(axis, a as usize, len, *step as isize);
                axis += 1;
            }
            Index::Rest => axis += shape.len() - used,
            Index::New => {
                numbers = numbers.unsqueeze(axis as isize);
                axis += 1;
            }
            Index::Of(v) if v.dtype() == DType::Bool => {
                let rows = v.nonzero()?;
                for a in 0..v.rank() {
                    advanced.push((axis, rows.select(1, a as isize)));
                    axis += 1;
                }
            }
            Index::Of(v) => {
                advanced.push((axis, v.to_dtype(DType::I64)));
                axis += 1;
            }
        }
    }
    if advanced.is_empty() {
        Ok(numbers)
    } else {
        select(&numbers, &advanced)
    }
}

/// The numbers that index tensors pick along their axes.
fn select(numbers: &Var, advanced: &[(usize, Var)]) -> Result<Var> {
    let mut shape: Vec<usize> = Vec::new();
    for (_, index) in advanced {
        shape = broadcast_shape("index", &shape, index.shape())?.to_vec();
    }
    let axes: Vec<usize> = advanced.iter().map(|a| a.0).collect();
    let rest: Vec<usize> = (0..numbers.rank()).filter(|a| !axes.contains(a)).collect();
    let order = [&axes[..], &rest].concat();
    let front = numbers.permute(&order);
    // One number for the axes together, built from the last one up.
    let mut flat = Tensor::zeros(&shape, DType::I64, lepton_tensor::Device::Cpu).map(Var::from)?;
    for (axis, index) in advanced {
        let d = numbers.shape()[*axis];
        for i in index.to_vec::<i64>()? {
            if !(-(d as i64)..d as i64).contains(&i) {
                return Err(Error::index(format!(
                    "index: {i} is out of range for an axis of size {d}"
                )));
            }
        }
        flat = flat * d as f64 + index.wrap_negative(d).expand(&shape);
    }
    let tail: Vec<usize> = rest.iter().map(|&a| numbers.shape()[a]).collect();
    let size = axes.iter().map(|&a| numbers.shape()[a]).product();
    let rows = front.reshape(&[&[size], &tail[..]].concat());
    let picked = rows
        .index_select(0, &flat.reshape(&[flat.numel()]))
        .reshape(&[&shape[..], &tail].concat());
    let neighbours = axes.windows(2).all(|w| w[1] == w[0] + 1);
    if !neighbours {
        return Ok(picked);
    }
    let k = shape.len() as isize;
    let to = axes[0] as isize;
    let from: Vec<isize> = (0..k).collect();
    Ok(picked.move_axes(&from, &from.iter().map(|i| i + to).collect::<Vec<_>>()))
}

impl Var {
    /// 1 at each element's own number along a new last axis of `classes`, 0 elsewhere, as i64.
    ///
    /// # Panics
    /// When a number is not below `classes`.
    #[track_caller]
    pub fn one_hot(&self, classes: usize) -> Var {
        let row = index_of(&[classes], |i| i as i64);
        self.to_dtype(DType::I64)
            .unsqueeze(-1)
            .eq(&row)
            .to_dtype(DType::I64)
    }

    /// How often each of `0 .. n` stands in a vector of whole numbers.
    ///
    /// # Panics
    /// When a number is not below `n`.
    #[track_caller]
    pub fn bincount(&self, n: usize) -> Var {
        let index = self.to_dtype(DType::I64).reshape(&[self.numel()]);
        let ones = index.ones_like();
        index_of(&[n], |_| 0).scatter_add(0, &index, &ones)
    }

    /// The distinct values in order, the number of each element's own among them, and how often
    /// each stands.
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
        let number = first.cumsum(0) - 1.0;
        let places = first.nonzero()?;
        let values = sorted.take(&places.reshape(&[places.numel()]));
        let inverse = number.zeros_like().scatter(0, &order, &number);
        let counts = number.bincount(places.numel());
        Ok((values, inverse.reshape(self.shape()), counts))
    }
}
