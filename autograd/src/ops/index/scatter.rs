//! Writing at indices: the last one, products, extremes and means of what meets in one place.

use lepton_tensor::ops::{self, ScatterReduce};
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Tensor, layout};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::{Attr, Attrs};
use crate::engine::case::{Case, distinct, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::create::promotion::end;
use crate::ops::index::gather::{ScatterAdd, want_index};
use crate::ops::shape::rearrange::index_of;

crate::catalogue! {
    pub(crate)
    ops: Scatter
}

/// The first input with each `src[i][j]` (third) met at `[index[i][j]][j]` (second).
#[derive(Clone, Debug)]
pub struct Scatter {
    /// The axis that the index runs along.
    pub axis: usize,
    /// What becomes of elements that meet.
    pub how: ScatterReduce,
}

const NAMES: [(ScatterReduce, &str); 4] = [
    (ScatterReduce::Set, "set"),
    (ScatterReduce::Prod, "prod"),
    (ScatterReduce::Max, "amax"),
    (ScatterReduce::Min, "amin"),
];

impl Scatter {
    #[track_caller]
    fn apply(&self, base: &Var, index: &Var, src: &Var) -> Var {
        self.told_by("scatter", base, index, src).or_panic()
    }

    /// The op in the name of `what`, which is made of it.
    fn told_by(&self, what: &str, base: &Var, index: &Var, src: &Var) -> Result<Var> {
        let x = smallvec![base.clone(), index.clone(), src.clone()];
        let y = crate::apply(self.clone(), x);
        y.map(|mut y| y.swap_remove(0)).map_err(|e| e.told_by(what))
    }

    /// Ties share the cotangent evenly.
    fn back_extreme(&self, k: &Saved<'_>, g: &Var) -> [Var; 2] {
        let (base, index, src) = (k.input(0), k.input(1), k.input(2));
        let (y, a) = (k.output(0), self.axis as isize);
        let own = base.eq(&y).to_dtype(g.dtype());
        let theirs = src.eq(&y.gather(a, &index)).to_dtype(g.dtype());
        let share = g / own.scatter_add(a, &index, &theirs);
        [own * &share, theirs * share.gather(a, &index)]
    }

    /// Products without the one factor: zeros are counted, not divided by.
    ///
    /// The zeros stay in the derivative as variables, one or two to a place by their sum, so that the
    /// second derivative is right where a factor is 0; with three it is 0 anyway.
    fn back_prod(&self, k: &Saved<'_>, g: &Var) -> [Var; 2] {
        let (base, index, src) = (k.input(0), k.input(1), k.input(2));
        let a = self.axis as isize;
        let others = self.apply(&base.ones_like(), &index, &src);
        let zero = src.eq(&src.zeros_like());
        let safe = src.masked_fill(&zero, 1.0);
        let rest = (g * self.apply(&base, &index, &safe)).gather(a, &index) / safe;
        let none = src.zeros_like();
        let met = |v: &Var| {
            base.zeros_like()
                .scatter_add(a, &index, v)
                .gather(a, &index)
        };
        let own = Var::where_(&zero, &src, &none);
        let (count, sum) = (zero.to_dtype(g.dtype()), met(&own));
        let (other_zeros, other_sum) = (met(&count) - count, sum - own);
        let are = |n: f64| other_zeros.eq(&other_zeros.constant(n));
        let factor = Var::where_(&are(1.0), &other_sum, &none);
        let factor = Var::where_(&are(0.0), &src.ones_like(), &factor);
        [g * others, rest * factor]
    }

    /// Where an element of the source stays: no later one is written over it.
    fn stays(&self, shape: &[usize], index: &Var) -> Var {
        let number = index_of(index.shape(), |i| i as i64);
        let base = Var::zeros(shape, DType::I64, index.device());
        let last = self.apply(&base, index, &number);
        last.gather(self.axis as isize, index).eq(&number)
    }
}

impl Op for Scatter {
    const NAME: &'static str = "scatter";

    fn keeps(&self) -> Keeps {
        match self.how {
            ScatterReduce::Set => Keeps {
                inputs: 2,
                ..Keeps::SHAPES
            },
            _ => Keeps {
                inputs: 7,
                outputs: 1,
                shapes: 0,
            },
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let (base, index, src) = (x[0], x[1], x[2]);
        layout::axis("scatter", self.axis as isize, base.rank())?;
        want_index("scatter", index)?;
        let inside = index.rank() == base.rank()
            && (0..base.rank()).all(|a| a == self.axis || index.shape[a] <= base.shape[a]);
        if !inside || src.shape != index.shape || src.dtype != base.dtype {
            return Err(Error::shape(format!(
                "scatter: {} {:?} at {} {:?} does not fit into {} {:?} along axis {}",
                src.dtype, src.shape, index.dtype, index.shape, base.dtype, base.shape, self.axis
            )));
        }
        Ok(smallvec![base.clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let base = std::mem::take(&mut x[0]);
        Ok(smallvec![ops::scatter(
            self.how, base, self.axis, &x[1], &x[2]
        )?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None, None];
        };
        let [base, src] = match self.how {
            ScatterReduce::Set => {
                let index = k.input(1);
                let hole = Var::zeros(index.shape(), g.dtype(), g.device());
                let stays = self.stays(g.shape(), &index);
                let taken = g.gather(self.axis as isize, &index);
                [
                    self.apply(g, &index, &hole),
                    Var::where_(&stays, &taken, &hole),
                ]
            }
            ScatterReduce::Prod => self.back_prod(k, g),
            ScatterReduce::Max | ScatterReduce::Min => self.back_extreme(k, g),
        };
        smallvec![Some(base), None, Some(src)]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        let op = Scatter {
            axis: self.axis + 1,
            how: self.how,
        };
        crate::apply(op, all_batched(x, batched, n))
    }

    fn attrs(&self) -> Attrs {
        let name = NAMES
            .iter()
            .find(|n| n.0 == self.how)
            .map_or("set", |n| n.1);
        Attrs::new()
            .int("axis", self.axis as i64)
            .put("how", Attr::Text(name.to_owned()))
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        let name = a.get_text("how")?;
        let how = NAMES.iter().find(|n| n.1 == name);
        Ok(Scatter {
            axis: a.get_size("axis")?,
            how: how
                .ok_or_else(|| Error::format(format!("scatter: unknown way '{name}'")))?
                .0,
        })
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        // Row 1 is met twice.
        let mut case = |how: ScatterReduce, rows: [i64; 3]| {
            let all = distinct(rng, &[14]).to_f64();
            let (base, src) = if how == ScatterReduce::Prod {
                (
                    floats(rng, &[4, 2], 0.5, 1.5),
                    floats(rng, &[3, 2], 0.5, 1.5),
                )
            } else {
                (
                    Tensor::from_slice(&all[..8], &[4, 2]).expect("eight"),
                    Tensor::from_slice(&all[8..], &[3, 2]).expect("six"),
                )
            };
            let mut want = base.to_f64();
            for (i, v) in src.to_f64().into_iter().enumerate() {
                let at = rows[i / 2] as usize * 2 + i % 2;
                want[at] = match how {
                    ScatterReduce::Set => v,
                    ScatterReduce::Prod => want[at] * v,
                    ScatterReduce::Max => want[at].max(v),
                    ScatterReduce::Min => want[at].min(v),
                };
            }
            let index = rows.iter().flat_map(|&r| [r, r]).collect();
            let index = Tensor::from_vec(index, &[3, 2]).expect("six");
            let want = Tensor::from_vec(want, &[4, 2]).expect("eight");
            Case::new(Scatter { axis: 0, how }, vec![base, index, src]).want(vec![want])
        };
        vec![
            case(ScatterReduce::Set, [2, 0, 3]),
            case(ScatterReduce::Set, [1, 3, 1]),
            case(ScatterReduce::Prod, [1, 1, 3]),
            case(ScatterReduce::Max, [1, 1, 3]),
            case(ScatterReduce::Min, [0, 1, 1]),
        ]
    }
}

/// How elements that meet are put together by [`Var::scatter_reduce`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their product.
    Prod,
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl Var {
    /// The corner of this variable that `index` covers, in the name of `what`.
    fn corner(&self, what: &str, index: &Var) -> Result<Var> {
        let (own, shape) = (self.shape(), index.shape());
        if own.len() != shape.len() || own.iter().zip(shape).any(|(a, b)| a < b) {
            return Err(Error::shape(format!(
                "{what}: a source of {own:?} does not cover the index {shape:?}"
            )));
        }
        let region: Vec<_> = shape.iter().map(|&d| (0, d, 1)).collect();
        Ok(self.slices(&region))
    }

    fn met(
        &self,
        what: &str,
        how: ScatterReduce,
        axis: isize,
        index: &Var,
        src: &Var,
    ) -> Result<Var> {
        let axis = layout::axis(what, axis, self.rank())?;
        let src = src.corner(what, index)?;
        Scatter { axis, how }.told_by(what, self, index, &src)
    }

    /// This variable with each `src[i][j]` written at `[index[i][j]][j]` (for axis 0, and so on);
    /// the last of several stays.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::zeros(&[3], DType::F32, Device::Cpu);
    /// assert_eq!(x.scatter(0, &Var::new(&[2i64, 0], &[2]), &Var::new(&[5.0f32, 6.0], &[2])).to_vec::<f32>()?, [6.0, 0.0, 5.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When index or source do not fit, or an index leaves the axis.
    #[track_caller]
    pub fn scatter(&self, axis: isize, index: &Var, src: &Var) -> Var {
        self.met("scatter", ScatterReduce::Set, axis, index, src)
            .or_panic()
    }

    /// This variable with what `src` brings to `[index[i][j]][j]` (for axis 0, and so on) put
    /// together; what was there takes part when `include_self`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// use lepton_autograd::Reduction;
    /// let x = Var::new(&[1.0f32, 1.0, 1.0], &[3]);
    /// assert_eq!(x.scatter_reduce(0, &Var::new(&[0i64, 0, 2], &[3]), &Var::new(&[5.0f32, 7.0, 0.0], &[3]), Reduction::Max, true).to_vec::<f32>()?, [7.0, 1.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When index or source do not fit, or an index leaves the axis.
    #[track_caller]
    pub fn scatter_reduce(
        &self,
        axis: isize,
        index: &Var,
        src: &Var,
        how: Reduction,
        include_self: bool,
    ) -> Var {
        self.reduced("scatter_reduce", [index, src], axis, how, include_self)
            .or_panic()
    }

    fn reduced(
        &self,
        what: &str,
        [index, src]: [&Var; 2],
        axis: isize,
        how: Reduction,
        include_self: bool,
    ) -> Result<Var> {
        let neutral = match how {
            Reduction::Sum | Reduction::Mean => 0.0,
            Reduction::Prod => 1.0,
            Reduction::Max => end(self.dtype(), false),
            Reduction::Min => end(self.dtype(), true),
        };
        let at_index = |c: f64| Var::full(index.shape(), c, self.dtype(), self.device());
        let base = if include_self {
            self.clone()
        } else {
            self.met(what, ScatterReduce::Set, axis, index, &at_index(neutral))?
        };
        let sum = || {
            let src = src.corner(what, index)?;
            base.added(what, axis, index, &src)
        };
        Ok(match how {
            Reduction::Sum => sum()?,
            Reduction::Prod => base.met(what, ScatterReduce::Prod, axis, index, src)?,
            Reduction::Max => base.met(what, ScatterReduce::Max, axis, index, src)?,
            Reduction::Min => base.met(what, ScatterReduce::Min, axis, index, src)?,
            Reduction::Mean => {
                let sum = sum()?;
                let start = if include_self { 1.0 } else { 0.0 };
                let count = Var::full(self.shape(), start, self.dtype(), self.device())
                    .scatter_add(axis, index, &at_index(1.0));
                let count = count.maximum(&count.ones_like());
                match self.dtype().is_float() {
                    true => sum / count,
                    false => (sum.to_dtype(DType::F64) / count)
                        .floor()
                        .to_dtype(self.dtype()),
                }
            }
        })
    }

    /// [`Var::scatter_add`] in the name of `what`.
    fn added(&self, what: &str, axis: isize, index: &Var, src: &Var) -> Result<Var> {
        let axis = layout::axis(what, axis, self.rank())?;
        let x = smallvec![self.clone(), index.clone(), src.clone()];
        let y = crate::apply(ScatterAdd { axis }, x);
        y.map(|mut y| y.swap_remove(0)).map_err(|e| e.told_by(what))
    }

    /// This variable with rows of `src` written along `axis` at the one-dimensional `index`; the
    /// last of several stays.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// assert_eq!(x.index_copy(0, &Var::new(&[2i64, 0], &[2]), &Var::new(&[8.0f32, 9.0], &[2])).to_vec::<f32>()?, [9.0, 2.0, 8.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the rows do not fit, or an index leaves the axis.
    #[track_caller]
    pub fn index_copy(&self, axis: isize, index: &Var, src: &Var) -> Var {
        let places = self.row_places("index_copy", axis, index, src).or_panic();
        self.met("index_copy", ScatterReduce::Set, axis, &places, src)
            .or_panic()
    }

    /// This variable with rows of `src` put together along `axis` at the one-dimensional `index`,
    /// as [`Var::scatter_reduce`] does.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// use lepton_autograd::Reduction;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// assert_eq!(x.index_reduce(0, &Var::new(&[0i64, 0], &[2]), &Var::new(&[4.0f32, 5.0], &[2]), Reduction::Prod, true).to_vec::<f32>()?, [20.0, 2.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the rows do not fit, or an index leaves the axis.
    #[track_caller]
    pub fn index_reduce(
        &self,
        axis: isize,
        index: &Var,
        src: &Var,
        how: Reduction,
        include_self: bool,
    ) -> Var {
        let places = self.row_places("index_reduce", axis, index, src).or_panic();
        self.reduced("index_reduce", [&places, src], axis, how, include_self)
            .or_panic()
    }

    /// An `index` of rows along `axis`, spread to the shape of `rows`.
    fn row_places(&self, what: &str, axis: isize, index: &Var, rows: &Var) -> Result<Var> {
        let axis = layout::axis(what, axis, self.rank())?;
        want_index(what, index.meta())?;
        let mut want = self.shape().to_vec();
        want[axis] = index.numel();
        if index.rank() > 1 || want != rows.shape() {
            return Err(Error::shape(format!(
                "{what}: rows of {:?} at an index of {:?} do not fit {:?} along axis {axis}; one row for each index",
                rows.shape(),
                index.shape(),
                self.shape()
            )));
        }
        let mut shape = vec![1; rows.rank()];
        shape[axis] = index.numel();
        Ok(index
            .to_dtype(DType::I64)
            .reshape(&shape)
            .expand(rows.shape()))
    }

    /// This variable with `src` written at positions in row-major order, or added there; `src` has
    /// the shape of `index`, in which negative positions count from the end.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// assert_eq!(x.put(&Var::new(&[0i64, 2], &[2]), &Var::new(&[8.0f32, 9.0], &[2]), false).to_vec::<f32>()?, [8.0, 2.0, 9.0]);
    /// assert_eq!(x.put(&Var::new(&[0i64, 2], &[2]), &Var::new(&[8.0f32, 9.0], &[2]), true).to_vec::<f32>()?, [9.0, 2.0, 12.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shapes differ or a position is out of range.
    #[track_caller]
    pub fn put(&self, index: &Var, src: &Var, accumulate: bool) -> Var {
        self.written("put", index, src, accumulate).or_panic()
    }

    /// [`Var::put`] in the name of `what`.
    pub(crate) fn written(&self, what: &str, index: &Var, src: &Var, add: bool) -> Result<Var> {
        want_index(what, index.meta())?;
        let (n, m) = (self.numel(), index.numel());
        if src.numel() != m || src.dtype() != self.dtype() {
            return Err(Error::shape(format!(
                "{what}: {} {:?} written at {:?} of {}; give one {} for each place",
                src.dtype(),
                src.shape(),
                index.shape(),
                self.dtype(),
                self.dtype()
            )));
        }
        let flat = self.reshape(&[n]);
        let (index, src) = (index.reshape(&[m]).wrap_negative(n), src.reshape(&[m]));
        let y = match add {
            true => flat.added(what, 0, &index, &src)?,
            false => flat.met(what, ScatterReduce::Set, 0, &index, &src)?,
        };
        Ok(y.reshape(self.shape()))
    }
}
