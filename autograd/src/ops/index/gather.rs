//! Reading and adding at indices. Indices are inputs, so that `vmap` and traces see them.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Tensor, layout};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::case::{Case, floats, indices};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Gather, IndexAdd, IndexSelect, ScatterAdd
}

const SECOND: Keeps = Keeps {
    inputs: 2,
    ..Keeps::NONE
};

pub(crate) fn want_index(what: &str, index: &Meta) -> Result<()> {
    if !index.dtype.is_float() && index.dtype != DType::Bool {
        return Ok(());
    }
    Err(Error::dtype(format!(
        "{what}: the index is {}, must be of integers; cast first: x.to_dtype(..)",
        index.dtype
    )))
}

/// `out[i][j] = x[index[i][j]][j]` (for axis 0, and so on): PyTorch's `gather`.
#[derive(Clone, Debug)]
pub struct Gather {
    /// The axis that the index walks.
    pub axis: usize,
}

fn gather_rule(what: &str, axis: usize, x: &Meta, index: &Meta) -> Result<()> {
    want_index(what, index)?;
    let fits = x.rank() == index.rank()
        && axis < x.rank()
        && (0..x.rank()).all(|a| a == axis || index.shape[a] <= x.shape[a]);
    if !fits {
        return Err(Error::shape(format!(
            "{what}: an index of {:?} does not fit {:?} along axis {axis}: as many axes, and no other one longer",
            index.shape, x.shape
        )));
    }
    Ok(())
}

impl Op for Gather {
    const NAME: &'static str = "gather";

    fn keeps(&self) -> Keeps {
        SECOND.and(Keeps::SHAPE)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        gather_rule("gather", self.axis, x[0], x[1])?;
        Ok(smallvec![x[0].with_shape(&x[1].shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::gather(&x[0], self.axis, &x[1])?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let zeros = Var::zeros(k.shape(0), g.dtype(), g.device());
            zeros.scatter_add(self.axis as isize, &k.input(1), g)
        };
        smallvec![g[0].as_ref().map(back), None]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| t.gather(self.axis as isize, &x[1]))]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(
            Gather {
                axis: self.axis + 1,
            },
            all_batched(x, batched, n),
        )
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let (x, i) = (floats(rng, &[4, 3], -1.0, 1.0), indices(rng, &[2, 3], 4));
        let (v, at) = (x.to_f64(), i.to_f64());
        let want = (0..6).map(|j| v[at[j] as usize * 3 + j % 3]).collect();
        let want = Tensor::from_vec(want, &[2, 3]).expect("as many");
        vec![
            Case::new(Gather { axis: 0 }, vec![x, i]).want(vec![want]),
            Case::new(
                Gather { axis: 1 },
                vec![floats(rng, &[2, 4], -1.0, 1.0), indices(rng, &[2, 6], 4)],
            ),
        ]
    }
}

/// The first input with each `src[i][j]` added at `[index[i][j]][j]`: PyTorch's `scatter_add`.
#[derive(Clone, Debug)]
pub struct ScatterAdd {
    /// The axis that the index walks.
    pub axis: usize,
}

impl Op for ScatterAdd {
    const NAME: &'static str = "scatter_add";

    fn keeps(&self) -> Keeps {
        Keeps {
            inputs: 2,
            shapes: 4,
            outputs: 0,
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        gather_rule("scatter_add", self.axis, x[0], x[1])?;
        let covered =
            x[2].rank() == x[1].rank() && x[1].shape.iter().zip(&x[2].shape).all(|(i, s)| i <= s);
        if !covered || x[2].dtype != x[0].dtype {
            return Err(Error::shape(format!(
                "scatter_add: a source of {} {:?} does not cover the index {:?} of {} values",
                x[2].dtype, x[2].shape, x[1].shape, x[0].dtype
            )));
        }
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let base = std::mem::take(&mut x[0]);
        Ok(smallvec![ops::scatter_add(base, self.axis, &x[1], &x[2])?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None, None];
        };
        let source = || {
            let part = g.gather(self.axis as isize, &k.input(1));
            let shape = k.shape(2);
            if part.shape() == shape {
                return part;
            }
            let region: Vec<_> = part.shape().iter().map(|&d| (0, d, 1)).collect();
            Var::zeros(shape, g.dtype(), g.device()).slice_assign(&region, &part)
        };
        smallvec![k.needs(0).then(|| g.clone()), None, k.needs(2).then(source)]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(
            ScatterAdd {
                axis: self.axis + 1,
            },
            all_batched(x, batched, n),
        )
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let (x, i, s) = (
            floats(rng, &[3, 2], -1.0, 1.0),
            indices(rng, &[4, 2], 3),
            floats(rng, &[5, 2], -1.0, 1.0),
        );
        let (mut v, at, from) = (x.to_f64(), i.to_f64(), s.to_f64());
        (0..8).for_each(|j| v[at[j] as usize * 2 + j % 2] += from[j]);
        let want = Tensor::from_vec(v, &[3, 2]).expect("as many");
        vec![Case::new(ScatterAdd { axis: 0 }, vec![x, i, s]).want(vec![want])]
    }
}

/// Rows of `x` along `axis` picked by a one-dimensional index: PyTorch's `index_select`, and, along
/// axis 0, an embedding.
#[derive(Clone, Debug)]
pub struct IndexSelect {
    /// The axis.
    pub axis: usize,
}

impl Op for IndexSelect {
    const NAME: &'static str = "index_select";

    fn keeps(&self) -> Keeps {
        SECOND.and(Keeps::SHAPE)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        want_index("index_select", x[1])?;
        layout::axis("index_select", self.axis as isize, x[0].rank())?;
        if x[1].rank() != 1 {
            return Err(Error::shape(format!(
                "index_select: the index has shape {:?}, must have one axis",
                x[1].shape
            )));
        }
        let mut y = x[0].clone();
        y.shape[self.axis] = x[1].shape[0];
        lepton_tensor::numel(&y.shape)?;
        Ok(smallvec![y])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::take(&x[0], self.axis, &x[1])?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let zeros = Var::zeros(k.shape(0), g.dtype(), g.device());
            zeros.index_add(self.axis as isize, &k.input(1), g)
        };
        smallvec![g[0].as_ref().map(back), None]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![
            t[0].as_ref()
                .map(|t| t.index_select(self.axis as isize, &x[1]))
        ]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        if !batched[1] {
            return Ok(smallvec![x[0].index_select(self.axis as isize + 1, &x[1])]);
        }
        // An index for each example: the picked rows of all examples by `gather`.
        let x = all_batched(x, batched, n);
        let (axis, mut shape) = (self.axis + 1, x[0].shape().to_vec());
        let picks = x[1].shape()[1];
        let mut index = vec![1; shape.len()];
        (index[0], index[axis], shape[axis]) = (n, picks, picks);
        let index = x[1].reshape(&index).expand(&shape);
        Ok(smallvec![x[0].gather(axis as isize, &index)])
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let (x, i) = (floats(rng, &[4, 3], -1.0, 1.0), indices(rng, &[5], 4));
        let (v, at) = (x.to_f64(), i.to_f64());
        let want = (0..15).map(|j| v[at[j / 3] as usize * 3 + j % 3]).collect();
        let want = Tensor::from_vec(want, &[5, 3]).expect("as many");
        vec![
            Case::new(IndexSelect { axis: 0 }, vec![x, i]).want(vec![want]),
            Case::new(
                IndexSelect { axis: 1 },
                vec![floats(rng, &[2, 3, 2], -1.0, 1.0), indices(rng, &[2], 3)],
            ),
        ]
    }
}

/// The first input with rows of the third added along `axis` at the index.
#[derive(Clone, Debug)]
pub struct IndexAdd {
    /// The axis.
    pub axis: usize,
}

impl Op for IndexAdd {
    const NAME: &'static str = "index_add";

    fn keeps(&self) -> Keeps {
        SECOND
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let rows = IndexSelect { axis: self.axis }.infer(&x[..2])?;
        if *x[2] != rows[0] {
            return Err(Error::shape(format!(
                "index_add: rows of {} {:?} do not fit {} {:?} along axis {}",
                x[2].dtype, x[2].shape, x[0].dtype, x[0].shape, self.axis
            )));
        }
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let base = std::mem::take(&mut x[0]);
        Ok(smallvec![ops::index_add(base, self.axis, &x[1], &x[2])?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None, None];
        };
        let rows = || g.index_select(self.axis as isize, &k.input(1));
        smallvec![k.needs(0).then(|| g.clone()), None, k.needs(2).then(rows)]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        if !batched[1] {
            let all = all_batched(&[x[0].clone(), x[2].clone()], &[batched[0], batched[2]], n);
            return Ok(smallvec![all[0].index_add(
                self.axis as isize + 1,
                &x[1],
                &all[1]
            )]);
        }
        let x = all_batched(x, batched, n);
        let axis = self.axis + 1;
        let mut index = vec![1; x[2].rank()];
        (index[0], index[axis]) = (n, x[2].shape()[axis]);
        let index = x[1].reshape(&index).expand(x[2].shape());
        Ok(smallvec![x[0].scatter_add(axis as isize, &index, &x[2])])
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let (x, i, s) = (
            floats(rng, &[3, 2], -1.0, 1.0),
            indices(rng, &[4], 3),
            floats(rng, &[4, 2], -1.0, 1.0),
        );
        let (mut v, at, from) = (x.to_f64(), i.to_f64(), s.to_f64());
        (0..8).for_each(|j| v[at[j / 2] as usize * 2 + j % 2] += from[j]);
        let want = Tensor::from_vec(v, &[3, 2]).expect("as many");
        vec![Case::new(IndexAdd { axis: 0 }, vec![x, i, s]).want(vec![want])]
    }
}

impl Var {
    #[track_caller]
    fn indexed<O: Op + crate::Listed>(
        &self,
        what: &str,
        axis: isize,
        rest: &[&Var],
        op: impl FnOnce(usize) -> O,
    ) -> Result<Var> {
        let axis = layout::axis(what, axis, self.rank())?;
        let x: Ins<Var> = std::iter::once(self)
            .chain(rest.iter().copied())
            .cloned()
            .collect();
        crate::apply(op(axis), x).map(|mut y| y.swap_remove(0))
    }

    /// `out[i][j] = self[index[i][j]][j]` (for axis 0, and so on).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// assert_eq!(x.gather(1, &Var::new(&[0i64, 0, 1, 0], &[2, 2])).to_vec::<f32>()?, [1.0, 1.0, 4.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the index does not fit or leaves the axis.
    #[track_caller]
    pub fn gather(&self, axis: isize, index: &Var) -> Var {
        self.indexed("gather", axis, &[index], |axis| Gather { axis })
            .or_panic()
    }

    /// This variable with each `src[i][j]` added at `[index[i][j]][j]` (for axis 0, and so on).
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::zeros(&[3], DType::F32, Device::Cpu);
    /// assert_eq!(x.scatter_add(0, &Var::new(&[0i64, 2, 0], &[3]), &Var::new(&[1.0f32, 2.0, 3.0], &[3])).to_vec::<f32>()?, [4.0, 0.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When index or source do not fit, or an index leaves the axis.
    #[track_caller]
    pub fn scatter_add(&self, axis: isize, index: &Var, src: &Var) -> Var {
        self.indexed("scatter_add", axis, &[index, src], |axis| ScatterAdd {
            axis,
        })
        .or_panic()
    }

    /// The rows along `axis` that the one-dimensional `index` names.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let table = Var::new(&[1.0f32, 2.0, 3.0], &[3, 1]);
    /// let rows = table.index_select(0, &Var::new(&[2i64, 0], &[2]));
    /// assert_eq!(rows.to_vec::<f32>().unwrap(), [3.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When an index leaves the axis.
    #[track_caller]
    pub fn index_select(&self, axis: isize, index: &Var) -> Var {
        self.indexed("index_select", axis, &[index], |axis| IndexSelect { axis })
            .or_panic()
    }

    /// This variable with rows of `src` added along `axis` at the one-dimensional `index`.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::zeros(&[3], DType::F32, Device::Cpu);
    /// assert_eq!(x.index_add(0, &Var::new(&[2i64, 2], &[2]), &Var::new(&[1.0f32, 5.0], &[2])).to_vec::<f32>()?, [0.0, 0.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the rows do not fit, or an index leaves the axis.
    #[track_caller]
    pub fn index_add(&self, axis: isize, index: &Var, src: &Var) -> Var {
        self.indexed("index_add", axis, &[index, src], |axis| IndexAdd { axis })
            .or_panic()
    }
}
