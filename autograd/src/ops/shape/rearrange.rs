//! Views made of views: parts, repetitions, turns, diagonals and windows.

use lepton_tensor::{DType, Result, Tensor, infer_shape, layout};

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
        let shape = infer_shape("reshape", self.shape(), shape).or_panic();
        self.reshape(&shape)
    }

    /// Consecutive parts of the given sizes along `axis`.
    ///
    /// # Panics
    /// When the axis is out of range or the sizes do not add up to its own.
    #[track_caller]
    pub fn split_sizes(&self, sizes: &[usize], axis: isize) -> Vec<Var> {
        let axis = self.axis("split", axis);
        assert!(
            sizes.iter().sum::<usize>() == self.shape()[axis],
            "split: sizes {sizes:?} do not add up to axis {axis} of {:?}",
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
    /// # Panics
    /// When the axis is out of range or `size` is 0.
    #[track_caller]
    pub fn split(&self, size: usize, axis: isize) -> Vec<Var> {
        let at = self.axis("split", axis);
        let n = self.shape()[at];
        assert!(size > 0 || n == 0, "split: parts of size 0");
        let whole = n.checked_div(size).unwrap_or(0);
        let mut sizes = vec![size; whole];
        if n == 0 || !n.is_multiple_of(size) {
            sizes.push(n - whole * size);
        }
        self.split_sizes(&sizes, axis)
    }

    /// At most `count` parts of one size along `axis`, the last one perhaps smaller.
    ///
    /// # Panics
    /// When the axis is out of range or `count` is 0.
    #[track_caller]
    pub fn chunk(&self, count: usize, axis: isize) -> Vec<Var> {
        let n = self.shape()[self.axis("chunk", axis)];
        if n == 0 {
            return vec![self.clone(); count];
        }
        self.split(n.div_ceil(count), axis)
    }

    /// The slices along `axis`, which vanishes.
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
    /// # Panics
    /// When there are fewer numbers than axes.
    #[track_caller]
    pub fn repeat(&self, times: &[usize]) -> Var {
        assert!(
            times.len() >= self.rank(),
            "repeat: {times:?} has fewer numbers than {:?} axes",
            self.shape()
        );
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
    #[track_caller]
    pub fn tile(&self, times: &[usize]) -> Var {
        let missing = self.rank().saturating_sub(times.len());
        self.repeat(&[&vec![1; missing], times].concat())
    }

    /// The elements moved on by `shift` along `axis`; what leaves at the end enters at the start.
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

    /// Axes `from` at the positions `to`, the others in their order.
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn move_axes(&self, from: &[isize], to: &[isize]) -> Var {
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
    /// # Panics
    /// When an axis is out of range.
    #[track_caller]
    pub fn rot90(&self, times: isize, a: isize, b: isize) -> Var {
        let (p, q) = (self.axis("rot90", a), self.axis("rot90", b));
        match times.rem_euclid(4) {
            1 => self.flip(q).transpose(a, b),
            2 => self.flip(p).flip(q),
            3 => self.flip(p).transpose(a, b),
            _ => self.clone(),
        }
    }

    /// Each element `times` in a row along `axis`.
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn repeat_interleave(&self, times: usize, axis: isize) -> Var {
        let n = self.shape()[self.axis("repeat_interleave", axis)];
        self.index_select(axis, &index_of(&[n * times], |i| (i / times) as i64))
    }

    /// The elements whose index along `b` is that along `a` plus `offset`, on a new last axis.
    ///
    /// # Panics
    /// When an axis is out of range, or both are the same.
    #[track_caller]
    pub fn diagonal(&self, offset: isize, a: isize, b: isize) -> Var {
        let x = self.move_axes(&[a, b], &[-2, -1]);
        let (head, tail) = x.shape().split_at(x.rank() - 2);
        let [start, len, step] = diagonal_run(tail[0], tail[1], offset);
        let flat = x.reshape(&[head, &[tail[0] * tail[1]]].concat());
        flat.slice(head.len(), start, len, step as isize)
    }

    /// This variable with `value` on the diagonal that [`Var::diagonal`] reads.
    ///
    /// # Panics
    /// When an axis is out of range, or the value has another shape than the diagonal.
    #[track_caller]
    pub fn diagonal_scatter(&self, value: &Var, offset: isize, a: isize, b: isize) -> Var {
        let x = self.move_axes(&[a, b], &[-2, -1]);
        let (head, tail) = x.shape().split_at(x.rank() - 2);
        let [start, len, step] = diagonal_run(tail[0], tail[1], offset);
        let flat = x.reshape(&[head, &[tail[0] * tail[1]]].concat());
        let mut region: Vec<_> = head.iter().map(|&d| (0, d, 1)).collect();
        region.push((start, len, step as isize));
        flat.slice_assign(&region, value)
            .reshape(x.shape())
            .move_axes(&[-2, -1], &[a, b])
    }

    /// Zeros but for the last axis, laid on a diagonal of the axes `a` and `b` of the result.
    ///
    /// # Panics
    /// When an axis is out of range, or both are the same.
    #[track_caller]
    pub fn diag_embed(&self, offset: isize, a: isize, b: isize) -> Var {
        let (head, tail) = self.shape().split_at(self.rank() - 1);
        let n = tail[0] + offset.unsigned_abs();
        let square = Var::zeros(&[head, &[n, n]].concat(), self.dtype(), self.device());
        square
            .diagonal_scatter(self, offset, -2, -1)
            .move_axes(&[-2, -1], &[a, b])
    }

    /// The sum of the diagonal of a matrix.
    ///
    /// # Panics
    /// When there are not two axes.
    #[track_caller]
    pub fn trace(&self) -> Var {
        self.diagonal(0, 0, 1).sum(&[])
    }

    /// The last two axes with zeros above the diagonal `offset`.
    #[track_caller]
    pub fn tril(&self, offset: isize) -> Var {
        self.triangle(|row, col| col <= row + offset)
    }

    /// The last two axes with zeros below the diagonal `offset`.
    #[track_caller]
    pub fn triu(&self, offset: isize) -> Var {
        self.triangle(|row, col| col >= row + offset)
    }

    #[track_caller]
    fn triangle(&self, keep: impl Fn(isize, isize) -> bool) -> Var {
        assert!(
            self.rank() >= 2,
            "tril: wants matrices, got shape {:?}",
            self.shape()
        );
        let tail = &self.shape()[self.rank() - 2..];
        let mask = Tensor::build(tail, |out: &mut [bool]| {
            let cols = tail[1];
            out.iter_mut()
                .enumerate()
                .for_each(|(i, y)| *y = keep((i / cols) as isize, (i % cols) as isize));
        });
        Var::where_(&mask.into(), self, &self.zeros_like())
    }

    /// Windows of `size` along `axis`, `step` apart, on a new last axis.
    ///
    /// # Panics
    /// When no window fits, or `step` is 0.
    #[track_caller]
    pub fn unfold(&self, axis: isize, size: usize, step: usize) -> Var {
        let at = if self.rank() == 0 {
            0
        } else {
            self.axis("unfold", axis)
        };
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
    /// # Errors
    /// When an index inside `shape` would leave the elements.
    pub fn as_strided(&self, shape: &[usize], strides: &[isize], offset: usize) -> Result<Var> {
        let numbers = Tensor::from_vec((0..self.numel() as i64).collect(), &[self.numel()])?;
        let index = numbers.as_strided(shape, strides, offset)?.contiguous();
        Ok(self.take(&Var::from(index)))
    }

    /// The elements at positions in row-major order, in the shape of `index`; negative positions
    /// count from the end.
    ///
    /// # Panics
    /// When a position is out of range.
    #[track_caller]
    pub fn take(&self, index: &Var) -> Var {
        let n = self.numel();
        let flat = index.reshape(&[index.numel()]);
        let index_from_start = flat.wrap_negative(n);
        self.reshape(&[n])
            .index_select(0, &index_from_start)
            .reshape(index.shape())
    }

    /// An index whose negative numbers count from the end of an axis of `n`.
    pub(crate) fn wrap_negative(&self, n: usize) -> Var {
        let index = self.to_dtype(DType::I64);
        let zero = index.zeros_like();
        &index + index.lt(&zero).to_dtype(DType::I64) * n as f64
    }

    /// Axes `from ..= to` as one.
    ///
    /// # Panics
    /// When an axis is out of range or `to` comes before `from`.
    #[track_caller]
    pub fn merge_axes(&self, from: isize, to: isize) -> Var {
        if self.rank() == 0 {
            return self.reshape(&[1]);
        }
        let (a, b) = (self.axis("merge_axes", from), self.axis("merge_axes", to));
        let s = self.shape();
        let middle = s[a..=b].iter().product();
        self.reshape(&[&s[..a], &[middle], &s[b + 1..]].concat())
    }

    /// Axis `axis` as several of the given sizes, of which one may be -1.
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

/// Start, length and step of a diagonal in a flattened `[rows, cols]`.
fn diagonal_run(rows: usize, cols: usize, offset: isize) -> [usize; 3] {
    let (down, right) = ((-offset).max(0) as usize, offset.max(0) as usize);
    let len = rows.saturating_sub(down).min(cols.saturating_sub(right));
    let start = if len == 0 { 0 } else { down * cols + right };
    [start, len, cols + 1]
}

/// Several variables at once.
impl Var {
    /// Matrices along a diagonal, zeros elsewhere; vectors count as rows, numbers as 1 x 1.
    ///
    /// # Panics
    /// When one has more than two axes or there is none.
    #[track_caller]
    pub fn block_diag(parts: &[Var]) -> Var {
        let parts: Vec<Var> = parts
            .iter()
            .map(|p| match p.rank() {
                0 | 1 => p.reshape(&[1, p.numel()]),
                _ => p.clone(),
            })
            .collect();
        let width: usize = parts.iter().map(|p| p.shape()[1]).sum();
        let mut start = 0;
        let rows: Vec<Var> = parts
            .iter()
            .map(|p| {
                let n = p.shape()[1];
                start += n;
                p.pad(&[(0, 0), (start - n, width - start)])
            })
            .collect();
        Var::cat(&rows, 0)
    }

    /// Coordinates of the grid of several vectors, one variable each; `xy` swaps the first two axes
    /// of the result.
    ///
    /// # Panics
    /// When there is none or one is no vector.
    #[track_caller]
    pub fn meshgrid(parts: &[Var], xy: bool) -> Vec<Var> {
        let shape: Vec<usize> = parts.iter().map(Var::numel).collect();
        let grid = |(i, p): (usize, &Var)| {
            let mut own = vec![1; shape.len()];
            own[i] = p.numel();
            let y = p.reshape(&own).expand(&shape);
            if xy && shape.len() > 1 {
                y.transpose(0, 1)
            } else {
                y
            }
        };
        parts.iter().enumerate().map(grid).collect()
    }

    /// The adjoint of [`Var::expand`]: sums over what broadcasting to this shape repeats.
    ///
    /// # Panics
    /// When `shape` does not broadcast to this variable's.
    #[track_caller]
    pub fn sum_to_shape(&self, shape: &[usize]) -> Var {
        let fits = crate::broadcast_shape("sum_to_shape", self.shape(), shape);
        assert!(
            fits.is_ok_and(|s| s[..] == *self.shape()),
            "sum_to_shape: {shape:?} does not broadcast to {:?}",
            self.shape()
        );
        self.sum_to(shape)
    }
}
