//! Sorting and the largest few: ops with two outputs, values and where they came from.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Tensor, layout};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::case::{Case, distinct};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Sort, TopK
}

const WHERE_FROM: Keeps = Keeps {
    outputs: 2,
    ..Keeps::SHAPE
};

/// Values in order along an axis, and their indices; stable, NaN largest.
#[derive(Clone, Debug)]
pub struct Sort {
    /// The axis.
    pub axis: usize,
    /// The largest first.
    pub descending: bool,
}

/// The `k` largest (or smallest) along an axis in order, and their indices.
#[derive(Clone, Debug)]
pub struct TopK {
    /// How many.
    pub k: usize,
    /// The axis.
    pub axis: usize,
    /// The largest rather than the smallest.
    pub largest: bool,
}

/// Cotangents of picked values back to where they came from.
fn back(k: &Saved<'_>, g: &[Option<Var>], axis: usize) -> Ins<Option<Var>> {
    let put = |g: &Var| {
        Var::zeros(k.shape(0), g.dtype(), g.device()).scatter_add(axis as isize, &k.output(1), g)
    };
    smallvec![g[0].as_ref().map(put)]
}

/// Tangents of picked values.
fn along(y: &[Var], t: &[Option<Var>], axis: usize) -> Outs<Option<Var>> {
    smallvec![t[0].as_ref().map(|t| t.gather(axis as isize, &y[1])), None]
}

impl Op for Sort {
    const NAME: &'static str = "sort";

    fn keeps(&self) -> Keeps {
        WHERE_FROM
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        layout::axis("sort", self.axis as isize, x[0].rank())?;
        Ok(smallvec![x[0].clone(), x[0].with_dtype(DType::I64)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let (values, indices) = ops::sort(&x[0], self.axis, self.descending);
        Ok(smallvec![values, indices])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        back(k, g, self.axis)
    }

    fn jvp(&self, _: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        along(y, t, self.axis)
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(
            Sort {
                axis: self.axis + 1,
                descending: self.descending,
            },
            smallvec![x[0].clone()],
        )
    }

    crate::fields!(axis, descending);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = distinct(rng, &[3, 4]);
        let mut rows = x.to_f64();
        rows.chunks_mut(4).for_each(|r| r.sort_by(f64::total_cmp));
        let found = |y: f64, r: usize| {
            x.to_f64()[r * 4..]
                .iter()
                .position(|&v| v == y)
                .expect("it is there") as i64
        };
        let ids = rows
            .iter()
            .enumerate()
            .map(|(i, &y)| found(y, i / 4))
            .collect();
        let want = vec![
            Tensor::from_vec(rows, &[3, 4]).expect("as many"),
            Tensor::from_vec(ids, &[3, 4]).expect("as many"),
        ];
        vec![
            Case::new(
                Sort {
                    axis: 1,
                    descending: false,
                },
                vec![x],
            )
            .want(want),
            Case::new(
                Sort {
                    axis: 0,
                    descending: true,
                },
                vec![distinct(rng, &[5, 2])],
            ),
        ]
    }
}

impl Op for TopK {
    const NAME: &'static str = "topk";

    fn keeps(&self) -> Keeps {
        WHERE_FROM
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        layout::axis("topk", self.axis as isize, x[0].rank())?;
        let size = x[0].shape[self.axis];
        if self.k > size {
            return Err(Error::shape(format!(
                "topk: k = {} is more than axis {} of size {size} holds",
                self.k, self.axis
            )));
        }
        let mut y = x[0].clone();
        y.shape[self.axis] = self.k;
        let ids = y.with_dtype(DType::I64);
        Ok(smallvec![y, ids])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let (values, indices) = ops::sort(&x[0], self.axis, self.largest);
        let first = |t: Tensor| t.slice(self.axis, 0, self.k, 1).map(|t| t.contiguous());
        Ok(smallvec![first(values)?, first(indices)?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        back(k, g, self.axis)
    }

    fn jvp(&self, _: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        along(y, t, self.axis)
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(
            TopK {
                axis: self.axis + 1,
                ..*self
            },
            smallvec![x[0].clone()],
        )
    }

    crate::fields!(k, axis, largest);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = distinct(rng, &[6]);
        let mut order: Vec<usize> = (0..6).collect();
        let v = x.to_f64();
        order.sort_by(|&a, &b| v[b].total_cmp(&v[a]));
        let values =
            Tensor::from_vec(order[..2].iter().map(|&i| v[i]).collect(), &[2]).expect("two");
        let ids =
            Tensor::from_vec(order[..2].iter().map(|&i| i as i64).collect(), &[2]).expect("two");
        vec![
            Case::new(
                TopK {
                    k: 2,
                    axis: 0,
                    largest: true,
                },
                vec![x],
            )
            .want(vec![values, ids]),
            Case::new(
                TopK {
                    k: 3,
                    axis: 1,
                    largest: false,
                },
                vec![distinct(rng, &[2, 4])],
            ),
        ]
    }
}

impl Var {
    #[track_caller]
    fn pair<O: Op + crate::Listed>(&self, op: O) -> (Var, Var) {
        let mut out = self.try_apply(op).or_panic().into_iter();
        let mut next = || out.next().expect("two outputs");
        (next(), next())
    }

    /// Values in order along `axis`, and the indices they came from.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (values, index) = Var::new(&[3.0f32, 1.0, 2.0], &[3]).sort(0, false);
    /// assert_eq!(values.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
    /// assert_eq!(index.to_vec::<i64>()?, [1, 2, 0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn sort(&self, axis: isize, descending: bool) -> (Var, Var) {
        let axis = layout::axis("sort", axis, self.rank()).or_panic();
        self.pair(Sort { axis, descending })
    }

    /// The `k` largest (or smallest) along `axis` in order, and the indices they came from.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (values, indices) = Var::new(&[1.0f32, 3.0, 2.0], &[3]).topk(2, -1, true);
    /// assert_eq!(values.to_vec::<f32>().unwrap(), [3.0, 2.0]);
    /// assert_eq!(indices.to_vec::<i64>().unwrap(), [1, 2]);
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or holds fewer than `k`.
    #[track_caller]
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> (Var, Var) {
        let axis = layout::axis("topk", axis, self.rank()).or_panic();
        self.pair(TopK { k, axis, largest })
    }
}
