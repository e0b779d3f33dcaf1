//! Views made of views: parts, repetitions, turns, joins and windows.

use lepton_tensor::{Result, Tensor, infer_shape, layout, numel};

use crate::engine::apply::OrPanic;
use crate::engine::var::Var;
use crate::ops::shape::unbind::Unbind;

/// Whole numbers `0 .. n` by a rule, as an index.
pub(crate) fn index_of(shape: &[usize], rule: impl Fn(usize) -> i64) -> Var {
    let tensor = Tensor::build(shape, |out: &mut [i64]| {
        out.iter_mut().enumerate().for_each(|(i, y)| *y = rule(i));
    });
    Var::from(tensor)
}

impl Var {
    /// The axis as a position; negative counts from the end.
    #[track_caller]
    pub(crate) fn axis(&self, what: &str, axis: isize) -> usize {
        layout::axis(what, axis, self.rank()).or_panic()
    }

    /// The axis as a position, of which there is an element.
    #[track_caller]
    pub(crate) fn filled_axis(&self, what: &str, axis: isize) -> usize {
        let a = self.axis(what, axis);
        assert!(
            self.shape()[a] > 0,
            "{what}: axis {axis} of {:?} is empty",
            self.shape()
        );
        a
    }

    /// The elements in row-major order under another shape, of which one size may be -1.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32; 6], &[6]).reshape_to(&[2, -1]).shape(), [2, 3]);
    /// ```
    ///
    /// # Panics
    /// When the number of elements differs, or the size to infer is not determined.
    #[track_caller]
    pub fn reshape_to(&self, shape: &[isize]) -> Var {
        let shape = infer_shape("reshape_to", self.shape(), shape).or_panic();
        self.reshape(&shape)
    }

    /// Consecutive parts of the given sizes along `axis`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// let parts = x.split_sizes(&[1, 2], 0);
    /// assert_eq!(parts[1].to_vec::<f32>()?, [2.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or the sizes do not add up to its own.
    #[track_caller]
    pub fn split_sizes(&self, sizes: &[usize], axis: isize) -> Vec<Var> {
        let axis = self.axis("split_sizes", axis);
        let total = sizes.iter().try_fold(0usize, |sum, &n| sum.checked_add(n));
        assert!(
            total == Some(self.shape()[axis]),
            "split_sizes: sizes {sizes:?} do not add up to axis {axis} of {:?}",
            self.shape()
        );
        let mut start = 0;
        sizes
            .iter()
            .map(|&n| {
                start += n;
                self.slice(axis, start - n, n, 1)
            })
            .collect()
    }

    /// Parts of `size` along `axis`, the last one perhaps smaller.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let parts = Var::new(&[1.0f32, 2.0, 3.0], &[3]).split(2, 0);
    /// assert_eq!(parts[0].to_vec::<f32>()?, [1.0, 2.0]);
    /// assert_eq!(parts[1].to_vec::<f32>()?, [3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or `size` is 0.
    #[track_caller]
    pub fn split(&self, size: usize, axis: isize) -> Vec<Var> {
        let at = self.axis("split", axis);
        let n = self.shape()[at];
        assert!(
            size > 0 || n == 0,
            "split: parts of size 0 of axis {axis} of {:?}; the size must be 1 or more",
            self.shape()
        );
        let whole = n.checked_div(size).unwrap_or(0);
        let mut sizes = vec![size; whole];
        if n == 0 || !n.is_multiple_of(size) {
            sizes.push(n - whole * size);
        }
        self.split_sizes(&sizes, axis)
    }

    /// At most `count` parts of one size along `axis`, the last one perhaps smaller.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let parts = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0], &[5]).chunk(2, 0);
    /// assert_eq!(parts[0].to_vec::<f32>()?, [1.0, 2.0, 3.0]);
    /// assert_eq!(parts[1].to_vec::<f32>()?, [4.0, 5.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or `count` is 0.
    #[track_caller]
    pub fn chunk(&self, count: usize, axis: isize) -> Vec<Var> {
        let n = self.shape()[self.axis("chunk", axis)];
        assert!(count > 0, "chunk: 0 parts; give one or more");
        if n == 0 {
            return vec![self.clone(); count];
        }
        self.split(n.div_ceil(count), axis)
    }

    /// The slices along `axis`, which vanishes.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// let rows = x.unbind(0);
    /// assert_eq!(rows[1].to_vec::<f32>()?, [4.0, 5.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn unbind(&self, axis: isize) -> Vec<Var> {
        let axis = self.axis("unbind", axis);
        if self.shape()[axis] == 0 {
            return Vec::new(); // an op has outputs
        }
        let parts = crate::apply(Unbind { axis }, smallvec::smallvec![self.clone()]);
        parts.or_panic().into_iter().collect()
    }

    /// The whole repeated `times` along each axis; more numbers than axes add outer ones.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).repeat(&[2]).to_vec::<f32>()?, [1.0, 2.0, 1.0, 2.0]);
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).repeat(&[3, 1]).shape(), [3, 2]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there are fewer numbers than axes.
    #[track_caller]
    pub fn repeat(&self, times: &[usize]) -> Var {
        assert!(
            times.len() >= self.rank(),
            "repeat: {times:?} has fewer numbers than {:?} axes",
            self.shape()
        );
        self.want_room("repeat", times);
        let outer = times.len() - self.rank();
        let sizes = [&vec![1; outer], self.shape()].concat();
        let pairs = |a: &[usize]| -> Vec<usize> {
            a.iter().zip(&sizes).flat_map(|(&t, &d)| [t, d]).collect()
        };
        let total: Vec<usize> = times.iter().zip(&sizes).map(|(t, d)| t * d).collect();
        self.reshape(&pairs(&vec![1; times.len()]))
            .expand(&pairs(times))
            .reshape(&total)
    }

    /// [`Var::repeat`], where missing outer numbers are 1.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0], &[1, 2]);
    /// assert_eq!(x.tile(&[2]).shape(), [1, 4]);
    /// ```
    #[track_caller]
    pub fn tile(&self, times: &[usize]) -> Var {
        let missing = self.rank().saturating_sub(times.len());
        self.want_room("tile", times);
        self.repeat(&[&vec![1; missing], times].concat())
    }

    /// Panics, in the name of `what`, when there are too many elements `times` over.
    #[track_caller]
    fn want_room(&self, what: &str, times: &[usize]) {
        let all = [self.shape(), times].concat();
        layout::numel(&all).map_err(|e| e.told_by(what)).or_panic();
    }

    /// The elements moved on by `shift` along `axis`; what leaves at the end enters at the start.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[4]).roll(1, 0).to_vec::<f32>()?, [4.0, 1.0, 2.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn roll(&self, shift: isize, axis: isize) -> Var {
        let at = self.axis("roll", axis);
        let n = self.shape()[at];
        if n == 0 {
            return self.clone();
        }
        let k = shift.rem_euclid(n as isize) as usize;
        let parts = [self.slice(at, n - k, k, 1), self.slice(at, 0, n - k, 1)];
        Var::cat(&parts, axis)
    }

    /// Panics, in the name of `what`, unless `from` and `to` are as many axes, none named twice.
    #[track_caller]
    fn want_order(&self, what: &str, from: &[isize], to: &[isize]) {
        assert!(
            from.len() == to.len(),
            "{what}: {} axes for {} positions; give as many",
            from.len(),
            to.len()
        );
        for axes in [from, to].into_iter().filter(|a| !a.is_empty()) {
            self.axes(what, axes);
        }
    }

    /// Two different axes as positions.
    #[track_caller]
    pub(crate) fn two_axes(&self, what: &str, a: isize, b: isize) -> [usize; 2] {
        let at = [self.axis(what, a), self.axis(what, b)];
        assert!(
            at[0] != at[1],
            "{what}: {a} and {b} are one axis of {:?}; they must differ",
            self.shape()
        );
        at
    }

    /// Axes `from` at the positions `to`, the others in their order.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::zeros(&[2, 3, 4], DType::F32, Device::Cpu);
    /// assert_eq!(x.move_axes(&[2], &[0]).shape(), [4, 2, 3]);
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice, or there are more axes than positions.
    #[track_caller]
    pub fn move_axes(&self, from: &[isize], to: &[isize]) -> Var {
        self.want_order("move_axes", from, to);
        let at = |a: &isize| self.axis("move_axes", *a);
        let (from, to): (Vec<usize>, Vec<usize>) =
            (from.iter().map(at).collect(), to.iter().map(at).collect());
        let mut rest = (0..self.rank()).filter(|a| !from.contains(a));
        let order: Vec<usize> = (0..self.rank())
            .map(|i| match to.iter().position(|&t| t == i) {
                Some(j) => from[j],
                None => rest.next().expect("as many axes as positions"),
            })
            .collect();
        self.permute(&order)
    }

    /// A quarter turn from axis `a` towards axis `b`, `times` times.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// assert_eq!(x.rot90(1, 0, 1).to_vec::<f32>()?, [2.0, 4.0, 1.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range.
    #[track_caller]
    pub fn rot90(&self, times: isize, a: isize, b: isize) -> Var {
        let [p, q] = self.two_axes("rot90", a, b);
        match times.rem_euclid(4) {
            1 => self.flip(q).transpose(a, b),
            2 => self.flip(p).flip(q),
            3 => self.flip(p).transpose(a, b),
            _ => self.clone(),
        }
    }

    /// Each element `times` in a row along `axis`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).repeat_interleave(2, 0).to_vec::<f32>()?, [1.0, 1.0, 2.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn repeat_interleave(&self, times: usize, axis: isize) -> Var {
        let n = self.shape()[self.axis("repeat_interleave", axis)];
        self.want_room("repeat_interleave", &[times]);
        self.index_select(axis, &index_of(&[n * times], |i| (i / times) as i64))
    }

    /// Windows of `size` along `axis`, `step` apart, on a new last axis.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let windows = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[4]).unfold(0, 2, 1);
    /// assert_eq!(windows.shape(), [3, 2]);
    /// assert_eq!(windows.to_vec::<f32>()?, [1.0, 2.0, 2.0, 3.0, 3.0, 4.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When no window fits, or `step` is 0.
    #[track_caller]
    pub fn unfold(&self, axis: isize, size: usize, step: usize) -> Var {
        let at = layout::axis("unfold", axis, self.rank().max(1)).or_panic();
        let x = if self.rank() == 0 {
            self.reshape(&[1])
        } else {
            self.clone()
        };
        let n = x.shape()[at];
        assert!(
            size <= n && step > 0,
            "unfold: windows of {size} by {step} do not fit axis {axis} of {:?}",
            self.shape()
        );
        let count = (n - size) / step + 1;
        let index = index_of(&[count * size], |i| {
            (i / size.max(1) * step + i % size.max(1)) as i64
        });
        let rows = x.index_select(at as isize, &index);
        let shape = [&x.shape()[..at], &[count, size], &x.shape()[at + 1..]].concat();
        let y = rows.reshape(&shape);
        if self.rank() == 0 {
            return y.reshape(&[size]);
        }
        y.move_axes(&[at as isize + 1], &[-1])
    }

    /// The elements, in row-major order, that a layout of shape, strides and offset reads.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[4]);
    /// // Every other element, from the second on.
    /// assert_eq!(x.as_strided(&[2], &[2], 1)?.to_vec::<f32>()?, [2.0, 4.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an index inside `shape` would leave the elements.
    pub fn as_strided(&self, shape: &[usize], strides: &[isize], offset: usize) -> Result<Var> {
        let numbers = Tensor::from_vec((0..self.numel() as i64).collect(), &[self.numel()])?;
        let index = numbers
            .as_strided(shape, strides, offset)
            .map_err(|e| e.told_by("as_strided"))?
            .contiguous();
        Ok(self.take(&Var::from(index)))
    }

    /// Zeros put around: `(before, after)` along each axis.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).pad(&[(1, 2)]).to_vec::<f32>()?, [0.0, 1.0, 2.0, 0.0, 0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there is not one pair per axis.
    #[track_caller]
    pub fn pad(&self, padding: &[(usize, usize)]) -> Var {
        assert!(
            padding.len() == self.rank(),
            "pad: {} pairs for {} axes; give one pair per axis",
            padding.len(),
            self.rank()
        );
        let shape: Vec<usize> = self
            .shape()
            .iter()
            .zip(padding)
            .map(|(d, p)| d.saturating_add(p.0).saturating_add(p.1))
            .collect();
        numel(&shape).map_err(|e| e.told_by("pad")).or_panic();
        let region: Vec<_> = self
            .shape()
            .iter()
            .zip(padding)
            .map(|(&d, p)| (p.0, d, 1))
            .collect();
        Var::zeros(&shape, self.dtype(), self.device()).slice_assign(&region, self)
    }

    /// Axes `from ..= to` as one.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::zeros(&[2, 3, 4], DType::F32, Device::Cpu);
    /// assert_eq!(x.merge_axes(0, 1).shape(), [6, 4]);
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or `to` comes before `from`.
    #[track_caller]
    pub fn merge_axes(&self, from: isize, to: isize) -> Var {
        let at = |axis| layout::axis("merge_axes", axis, self.rank().max(1));
        let (a, b) = (at(from).or_panic(), at(to).or_panic());
        assert!(
            a <= b,
            "merge_axes: axis {to} of {:?} comes before axis {from}",
            self.shape()
        );
        if self.rank() == 0 {
            return self.reshape(&[1]);
        }
        let s = self.shape();
        let middle = s[a..=b].iter().product();
        self.reshape(&[&s[..a], &[middle], &s[b + 1..]].concat())
    }

    /// Axis `axis` as several of the given sizes, of which one may be -1.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::zeros(&[6, 4], DType::F32, Device::Cpu);
    /// assert_eq!(x.split_axis(0, &[2, -1]).shape(), [2, 3, 4]);
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or the sizes do not multiply to its own.
    #[track_caller]
    pub fn split_axis(&self, axis: isize, sizes: &[isize]) -> Var {
        let a = self.axis("split_axis", axis);
        let s = self.shape();
        let sizes = infer_shape("split_axis", &s[a..=a], sizes).or_panic();
        self.reshape(&[&s[..a], &sizes, &s[a + 1..]].concat())
    }
}
