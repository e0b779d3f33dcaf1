//! Ops that take parts and put parts together: slices, assignment to a slice, joining.

use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Shape, Tensor, layout, numel, ops};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Cat, Slice, SliceAssign
}

/// `len` elements along `axis` from `start`, `step` apart; a negative step walks backwards.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The axis.
    pub axis: usize,
    /// The first element.
    pub start: usize,
    /// How many.
    pub len: usize,
    /// The distance between two.
    pub step: isize,
}

impl Op for Slice {
    const NAME: &'static str = "slice";

    fn keeps(&self) -> Keeps {
        Keeps::SHAPE
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let size = *x[0].shape.get(self.axis).ok_or_else(|| {
            Error::shape(format!("slice: no axis {} in {:?}", self.axis, x[0].shape))
        })?;
        let last = self.start as i128 + (self.len as i128 - 1) * self.step as i128;
        if self.len > 0
            && (self.step == 0 || self.start >= size || last < 0 || last >= size as i128)
        {
            return Err(Error::index(format!(
                "slice: {} elements from {} by {} leave axis {} of size {size}",
                self.len, self.start, self.step, self.axis
            )));
        }
        let mut y = x[0].clone();
        y.shape[self.axis] = self.len;
        Ok(smallvec![y])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![
            x[0].slice(self.axis, self.start, self.len, self.step)?
        ])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let shape = k.shape(0);
            let base = Var::zeros(shape, g.dtype(), g.device());
            let mut region: Vec<(usize, usize, isize)> = shape.iter().map(|&d| (0, d, 1)).collect();
            region[self.axis] = (self.start, self.len, self.step);
            base.slice_assign(&region, g)
        };
        smallvec![g[0].as_ref().map(back)]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![
            t[0].as_ref()
                .map(|t| t.slice(self.axis, self.start, self.len, self.step))
        ]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        Ok(smallvec![x[0].slice(
            self.axis + 1,
            self.start,
            self.len,
            self.step
        )])
    }

    fn attrs(&self) -> Attrs {
        Attrs::new()
            .int("axis", self.axis as i64)
            .int("start", self.start as i64)
            .shape("len", &[self.len])
            .int("step", self.step as i64)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        let len = a.get_sizes("len")?.first().copied().unwrap_or(0);
        Ok(Slice {
            axis: a.get_size("axis")?,
            start: a.get_size("start")?,
            len,
            step: a.get_int("step")? as isize,
        })
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], axis, start, len, step| {
            let x = floats(rng, shape, -1.0, 1.0);
            let y = x
                .slice(axis, start, len, step)
                .expect("inside")
                .contiguous();
            Case::new(
                Slice {
                    axis,
                    start,
                    len,
                    step,
                },
                vec![x],
            )
            .want(vec![y])
        };
        vec![
            case(&[5, 3], 0, 1, 2, 2),
            case(&[2, 6], 1, 5, 3, -2),
            case(&[4], 0, 0, 0, 1),
            case(&[3, 2], 0, 2, 3, -1),
        ]
    }
}

/// The first input with the second written where `region` selects: assignment as a value.
#[derive(Clone, Debug)]
pub struct SliceAssign {
    /// Start, length and step along each axis.
    pub region: Vec<(usize, usize, isize)>,
}

impl SliceAssign {
    /// Fails, in the name of `what`, unless every slice of `region` stays within its axis.
    fn fits(what: &str, region: &[(usize, usize, isize)], x: &Meta) -> Result<()> {
        for (axis, &(start, len, step)) in region.iter().enumerate() {
            let one = Slice {
                axis,
                start,
                len,
                step,
            };
            one.infer(&[x]).map_err(|e| e.told_by(what))?;
        }
        Ok(())
    }

    fn inner_shape(&self) -> Shape {
        self.region.iter().map(|r| r.1).collect()
    }
}

impl Op for SliceAssign {
    const NAME: &'static str = "slice_assign";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        if self.region.len() != x[0].rank()
            || x[1].shape != self.inner_shape()
            || x[0].dtype != x[1].dtype
        {
            return Err(Error::shape(format!(
                "slice_assign: {} {:?} does not fit the region {:?} of {} {:?}",
                x[1].dtype, x[1].shape, self.region, x[0].dtype, x[0].shape
            )));
        }
        SliceAssign::fits("slice_assign", &self.region, x[0])?;
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let base = std::mem::take(&mut x[0]);
        Ok(smallvec![ops::assign(base, &x[1], &self.region)?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None];
        };
        let hole = || {
            let zeros = Var::zeros(&self.inner_shape(), g.dtype(), g.device());
            g.slice_assign(&self.region, &zeros)
        };
        smallvec![
            k.needs(0).then(hole),
            k.needs(1).then(|| g.slices(&self.region))
        ]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        let x = all_batched(x, batched, n);
        let region: Vec<_> = std::iter::once((0, n, 1))
            .chain(self.region.iter().copied())
            .collect();
        Ok(smallvec![x[0].slice_assign(&region, &x[1])])
    }

    fn attrs(&self) -> Attrs {
        let of = |f: fn(&(usize, usize, isize)) -> i64| {
            crate::engine::attrs::Attr::Ints(self.region.iter().map(f).collect())
        };
        Attrs::new()
            .put("start", of(|r| r.0 as i64))
            .shape("len", &self.inner_shape())
            .put("step", of(|r| r.2 as i64))
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        let (start, len) = (a.get_sizes("start")?, a.get_sizes("len")?);
        let step = a.get_signed("step")?;
        if start.len() != len.len() || len.len() != step.len() {
            return Err(Error::format(
                "slice_assign: start, len and step differ in length",
            ));
        }
        let region = start
            .into_iter()
            .zip(len)
            .zip(step)
            .map(|((a, b), c)| (a, b, c as isize))
            .collect();
        Ok(SliceAssign { region })
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], region: &[(usize, usize, isize)]| {
            let op = SliceAssign {
                region: region.to_vec(),
            };
            let (x, v) = (
                floats(rng, shape, -1.0, 1.0),
                floats(rng, &op.inner_shape(), -1.0, 1.0),
            );
            // The plain way: number the elements, slice the numbers, write one by one.
            let mut flat = x.to_f64();
            let numbers = ops::arange(0.0, 1.0, flat.len(), lepton_tensor::DType::I64)
                .reshape(shape)
                .expect("as many");
            let places = region.iter().enumerate().fold(numbers, |t, (a, r)| {
                t.slice(a, r.0, r.1, r.2).expect("inside")
            });
            places
                .to_f64()
                .iter()
                .zip(v.to_f64())
                .for_each(|(&p, v)| flat[p as usize] = v);
            let want = Tensor::from_vec(flat, shape).expect("as many");
            Case::new(op, vec![x, v]).want(vec![want])
        };
        vec![
            case(&[4, 3], &[(1, 2, 1), (2, 2, -2)]),
            case(&[5], &[(0, 3, 2)]),
            case(&[2, 2], &[(0, 0, 1), (0, 2, 1)]),
        ]
    }
}

/// Inputs side by side along `axis`.
#[derive(Clone, Debug)]
pub struct Cat {
    /// The axis they are joined on.
    pub axis: usize,
}

impl Op for Cat {
    const NAME: &'static str = "cat";

    fn keeps(&self) -> Keeps {
        Keeps::SHAPES
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let first = *x.first().ok_or_else(|| {
            Error::shape("cat: there is nothing to join; give at least one tensor")
        })?;
        layout::axis("cat", self.axis as isize, first.rank())?;
        let mut total = 0usize;
        for (i, m) in x.iter().enumerate() {
            let same = m.rank() == first.rank()
                && m.dtype == first.dtype
                && (0..m.rank()).all(|a| a == self.axis || m.shape[a] == first.shape[a]);
            if !same {
                return Err(Error::shape(format!(
                    "cat: input {i} is {} {:?}, which does not join {} {:?} along axis {}",
                    m.dtype, m.shape, first.dtype, first.shape, self.axis
                )));
            }
            total = total
                .checked_add(m.shape[self.axis])
                .ok_or_else(|| Error::shape("cat: the joined axis is too long"))?;
        }
        let mut y = first.clone();
        y.shape[self.axis] = total;
        numel(&y.shape)?;
        Ok(smallvec![y])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::cat(x, self.axis)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let mut start = 0;
        let part = |i: usize| {
            let n = k.shape(i)[self.axis];
            start += n;
            g[0].as_ref()
                .filter(|_| k.needs(i))
                .map(|g| g.slice(self.axis, start - n, n, 1))
        };
        (0..k.inputs()).map(part).collect()
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::engine::apply::apply_any(
            &Cat {
                axis: self.axis + 1,
            },
            all_batched(x, batched, n),
        )
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut parts = |shapes: &[&[usize]]| {
            shapes
                .iter()
                .map(|s| floats(rng, s, -1.0, 1.0))
                .collect::<Vec<_>>()
        };
        let rows = parts(&[&[2, 3], &[1, 3], &[0, 3]]);
        let stacked = Tensor::from_vec(rows.iter().flat_map(Tensor::to_f64).collect(), &[3, 3])
            .expect("as many");
        vec![
            Case::new(Cat { axis: 0 }, rows).want(vec![stacked]),
            Case::new(Cat { axis: 1 }, parts(&[&[2, 1], &[2, 4]])),
        ]
    }
}

impl Var {
    /// `len` elements along `axis` from `start`, `step` apart; a negative step walks backwards.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0], &[5]);
    /// assert_eq!(x.slice(0, 1, 2, 2).to_vec::<f32>()?, [2.0, 4.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an element would fall outside the axis.
    #[track_caller]
    pub fn slice(&self, axis: usize, start: usize, len: usize, step: isize) -> Var {
        crate::engine::apply::one(
            Slice {
                axis,
                start,
                len,
                step,
            },
            smallvec![self.clone()],
        )
    }

    /// A slice along every axis: start, length and step each.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.slices(&[(0, 2, 1), (1, 2, 1)]).to_vec::<f32>()?, [2.0, 3.0, 5.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there is not one slice for each axis, or one leaves its axis.
    #[track_caller]
    pub fn slices(&self, region: &[(usize, usize, isize)]) -> Var {
        assert!(
            region.len() == self.rank(),
            "slices: {} slices for the {} axes of {:?}; give one per axis",
            region.len(),
            self.rank(),
            self.shape()
        );
        let fits = SliceAssign::fits("slices", region, self.meta());
        fits.or_panic();
        let full = |a: usize, r: &(usize, usize, isize)| *r == (0, self.shape()[a], 1);
        let cuts = region.iter().enumerate().filter(|(a, r)| !full(*a, r));
        cuts.fold(self.clone(), |x, (a, r)| x.slice(a, r.0, r.1, r.2))
    }

    /// The elements at `index` (negative counts from the end) along `axis`, which vanishes.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.select(0, -1).to_vec::<f32>()?, [4.0, 5.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis or the index is out of range.
    #[track_caller]
    pub fn select(&self, axis: isize, index: isize) -> Var {
        let a = layout::axis("select", axis, self.rank()).or_panic();
        let n = self.shape()[a] as isize;
        let i = if index < 0 { index + n } else { index };
        assert!(
            (0..n).contains(&i),
            "select: index {index} is out of range for axis {a} of size {n}"
        );
        self.slice(a, i as usize, 1, 1).squeeze(a as isize)
    }

    /// The elements along `axis` in reverse.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).flip(0).to_vec::<f32>()?, [3.0, 2.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn flip(&self, axis: usize) -> Var {
        assert!(
            axis < self.rank(),
            "flip: axis {axis} is out of range for a tensor with {} axes",
            self.rank()
        );
        let n = self.shape()[axis];
        self.slice(axis, n.saturating_sub(1), n, -1)
    }

    /// This variable with `value` written where `region` (start, length, step per axis) selects.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// let y = x.slice_assign(&[(1, 2, 1)], &Var::new(&[8.0f32, 9.0], &[2]));
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 8.0, 9.0]);
    /// assert_eq!(x.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// When the region leaves the shape, or `value` has another shape or dtype.
    #[track_caller]
    pub fn slice_assign(&self, region: &[(usize, usize, isize)], value: &Var) -> Var {
        crate::engine::apply::one(
            SliceAssign {
                region: region.to_vec(),
            },
            smallvec![self.clone(), value.clone()],
        )
    }

    /// Variables side by side along `axis` (negative counts from the end).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let y = Var::cat(&[Var::new(&[1.0f32, 2.0], &[2]), Var::new(&[3.0f32], &[1])], 0);
    /// assert_eq!(y.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there is none, or their other axes or dtypes differ.
    #[track_caller]
    pub fn cat(parts: &[Var], axis: isize) -> Var {
        let rank = parts.first().map_or(1, Var::rank);
        let axis = layout::axis("cat", axis, rank).or_panic();
        crate::engine::apply::one(Cat { axis }, parts.iter().cloned().collect())
    }
}
