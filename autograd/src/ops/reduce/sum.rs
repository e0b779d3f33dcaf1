//! Folds over axes, and running sums.

use lepton_tensor::ops::{self, Extreme, ReduceOp};
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Shape, Tensor, layout};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::case::{Case, distinct, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Amax, ArgMax, Sum
}

/// The sum over `axes` (in order, distinct), which vanish; integers and bool give i64.
#[derive(Clone, Debug)]
pub struct Sum {
    /// The axes.
    pub axes: Shape,
}

/// The extreme over `axes`, which vanish; elements that tie share the gradient evenly, NaN wins.
#[derive(Clone, Debug)]
pub struct Amax {
    /// The axes.
    pub axes: Shape,
    /// The smallest instead of the largest.
    pub min: bool,
}

/// The shape without `axes`, after checking that they exist, in order.
pub(crate) fn without(what: &str, x: &Meta, axes: &[usize]) -> Result<Shape> {
    if axes.windows(2).any(|w| w[0] >= w[1]) || axes.last().is_some_and(|&a| a >= x.rank()) {
        return Err(Error::shape(format!(
            "{what}: axes {axes:?} must be distinct, rising and within {:?}",
            x.shape
        )));
    }
    Ok((0..x.rank())
        .filter(|a| !axes.contains(a))
        .map(|a| x.shape[a])
        .collect())
}

/// The result of a fold over `axes`, stretched again to `shape`.
pub(crate) fn stretch(y: &Var, shape: &[usize], axes: &[usize]) -> Var {
    let ones: Vec<usize> = shape
        .iter()
        .enumerate()
        .map(|(a, &d)| if axes.contains(&a) { 1 } else { d })
        .collect();
    y.reshape(&ones).expand(shape)
}

pub(crate) fn shifted(axes: &[usize]) -> Shape {
    axes.iter().map(|a| a + 1).collect()
}

impl Op for Sum {
    const NAME: &'static str = "sum";

    fn keeps(&self) -> Keeps {
        Keeps::SHAPE
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let dtype = if x[0].dtype.is_float() {
            x[0].dtype
        } else {
            DType::I64
        };
        Ok(smallvec![Meta {
            shape: without("sum", x[0], &self.axes)?,
            dtype
        }])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::reduce(ReduceOp::Sum, &x[0], &self.axes)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![g[0].as_ref().map(|g| stretch(g, k.shape(0), &self.axes))]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![
            t[0].as_ref()
                .map(|t| crate::engine::apply::one(self.clone(), smallvec![t.clone()]))
        ]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(
            Sum {
                axes: shifted(&self.axes),
            },
            smallvec![x[0].clone()],
        )
    }

    crate::fields!(axes);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], axes: &[usize]| {
            let x = floats(rng, shape, -1.0, 1.0);
            let want = plain_fold(&x, axes, 0.0, |a, b| a + b);
            Case::new(Sum { axes: axes.into() }, vec![x]).want(vec![want])
        };
        vec![
            case(&[3, 4], &[0]),
            case(&[3, 4], &[1]),
            case(&[2, 3, 4], &[0, 2]),
            case(&[2, 70, 3], &[1]),
            case(&[5], &[0]),
            case(&[2, 2], &[]),
            case(&[0, 3], &[0]),
        ]
    }
}

impl Op for Amax {
    const NAME: &'static str = "amax";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT.and(Keeps::OUTPUT)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let who = if self.min { "amin" } else { "amax" };
        let shape = without(who, x[0], &self.axes)?;
        if self.axes.iter().any(|&a| x[0].shape[a] == 0) {
            return Err(Error::shape(format!(
                "{who}: an empty axis of {:?} has no extreme",
                x[0].shape
            )));
        }
        Ok(smallvec![x[0].with_shape(&shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let op = if self.min {
            ReduceOp::Min
        } else {
            ReduceOp::Max
        };
        Ok(smallvec![ops::reduce(op, &x[0], &self.axes)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let x = k.input(0);
            let ties = x
                .eq(&stretch(&k.output(0), x.shape(), &self.axes))
                .to_dtype(g.dtype());
            let count = crate::engine::apply::one(
                Sum {
                    axes: self.axes.clone(),
                },
                smallvec![ties.clone()],
            );
            stretch(&(g / count), x.shape(), &self.axes) * ties
        };
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(
            Amax {
                axes: shifted(&self.axes),
                min: self.min,
            },
            smallvec![x[0].clone()],
        )
    }

    crate::fields!(axes, min);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], axes: &[usize], min: bool| {
            let x = distinct(rng, shape);
            let start = if min {
                f64::INFINITY
            } else {
                f64::NEG_INFINITY
            };
            let want = plain_fold(&x, axes, start, if min { f64::min } else { f64::max });
            Case::new(
                Amax {
                    axes: axes.into(),
                    min,
                },
                vec![x],
            )
            .want(vec![want])
        };
        vec![
            case(&[3, 4], &[0], false),
            case(&[3, 4], &[0, 1], true),
            case(&[2, 3, 2], &[1], false),
        ]
    }
}

/// The index of the extreme along `axis`, which vanishes; the first of equals, NaN first.
#[derive(Clone, Debug)]
pub struct ArgMax {
    /// The axis.
    pub axis: usize,
    /// The smallest instead of the largest.
    pub min: bool,
}

impl Op for ArgMax {
    const NAME: &'static str = "argmax";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let who = if self.min { "argmin" } else { "argmax" };
        let shape = without(who, x[0], &[self.axis])?;
        if x[0].shape[self.axis] == 0 {
            return Err(Error::shape(format!(
                "{who}: axis {} of {:?} is empty",
                self.axis, x[0].shape
            )));
        }
        Ok(smallvec![Meta {
            shape,
            dtype: DType::I64
        }])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let extreme = if self.min { Extreme::Min } else { Extreme::Max };
        Ok(smallvec![ops::arg_reduce(extreme, &x[0], self.axis)])
    }

    fn vjp(&self, _: &Saved<'_>, _: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![None]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(
            ArgMax {
                axis: self.axis + 1,
                min: self.min,
            },
            smallvec![x[0].clone()],
        )
    }

    crate::fields!(axis, min);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = distinct(rng, &[3, 4]);
        let v = x.to_f64();
        let best = |r: usize| {
            (0..4)
                .max_by(|&a, &b| v[r * 4 + a].total_cmp(&v[r * 4 + b]))
                .expect("four") as i64
        };
        let want = Tensor::from_vec((0..3).map(best).collect(), &[3]).expect("three");
        vec![
            Case::new(
                ArgMax {
                    axis: 1,
                    min: false,
                },
                vec![x],
            )
            .want(vec![want]),
        ]
    }
}

/// A fold the plain way, for the tests: every element to its place in the result.
pub(crate) fn plain_fold(
    x: &Tensor,
    axes: &[usize],
    start: f64,
    f: impl Fn(f64, f64) -> f64,
) -> Tensor {
    let kept: Vec<usize> = (0..x.rank()).filter(|a| !axes.contains(a)).collect();
    let shape: Vec<usize> = kept.iter().map(|&a| x.shape()[a]).collect();
    let mut out = vec![start; shape.iter().product()];
    for (i, v) in x.to_f64().into_iter().enumerate() {
        let index = |a: usize| i / x.shape()[a + 1..].iter().product::<usize>() % x.shape()[a];
        let at = kept.iter().fold(0, |at, &a| at * x.shape()[a] + index(a));
        out[at] = f(out[at], v);
    }
    Tensor::from_vec(out, &shape).expect("as many")
}

impl Var {
    /// Axes as positions, all when none are named.
    #[track_caller]
    pub(crate) fn axes(&self, what: &str, axes: &[isize]) -> Shape {
        if axes.is_empty() {
            return (0..self.rank()).collect();
        }
        let mut out = Shape::new();
        for &a in axes {
            out.push(layout::axis(what, a, self.rank()).or_panic());
        }
        out.sort_unstable();
        assert!(
            out.windows(2).all(|w| w[0] != w[1]),
            "{what}: {axes:?} names an axis of {:?} twice",
            self.shape()
        );
        out
    }

    /// The sum over `axes` (all when empty; negative axes count from the end), which vanish.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// assert_eq!(x.sum(&[]).item().unwrap(), 10.0);
    /// assert_eq!(x.sum(&[-1]).to_vec::<f32>().unwrap(), [3.0, 7.0]);
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn sum(&self, axes: &[isize]) -> Var {
        crate::engine::apply::one(
            Sum {
                axes: self.axes("sum", axes),
            },
            smallvec![self.clone()],
        )
    }

    /// The mean over `axes` (all when empty), which vanish; NaN over nothing.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 6.0], &[3]).mean(&[]).item()?, 3.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn mean(&self, axes: &[isize]) -> Var {
        let n: usize = self
            .axes("mean", axes)
            .iter()
            .map(|&a| self.shape()[a])
            .product();
        self.clone().float().sum(axes) / n as f64
    }

    /// The largest over `axes` (all when empty), which vanish; ties share the gradient.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.amax(&[1]).to_vec::<f32>()?, [3.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range, named twice or empty.
    #[track_caller]
    pub fn amax(&self, axes: &[isize]) -> Var {
        crate::engine::apply::one(
            Amax {
                axes: self.axes("amax", axes),
                min: false,
            },
            smallvec![self.clone()],
        )
    }

    /// The smallest over `axes` (all when empty), which vanish; ties share the gradient.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.amin(&[0]).to_vec::<f32>()?, [1.0, 2.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range, named twice or empty.
    #[track_caller]
    pub fn amin(&self, axes: &[isize]) -> Var {
        crate::engine::apply::one(
            Amax {
                axes: self.axes("amin", axes),
                min: true,
            },
            smallvec![self.clone()],
        )
    }

    #[track_caller]
    fn arg(&self, axis: isize, min: bool) -> Var {
        let who = if min { "argmin" } else { "argmax" };
        let axis = layout::axis(who, axis, self.rank()).or_panic();
        crate::engine::apply::one(ArgMax { axis, min }, smallvec![self.clone()])
    }

    /// The index of the largest along `axis`, which vanishes.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 3.0, 2.0], &[3]).argmax(0).item()?, 1.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or empty.
    #[track_caller]
    pub fn argmax(&self, axis: isize) -> Var {
        self.arg(axis, false)
    }

    /// The index of the smallest along `axis`, which vanishes.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[3.0f32, 1.0, 2.0], &[3]).argmin(0).item()?, 1.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or empty.
    #[track_caller]
    pub fn argmin(&self, axis: isize) -> Var {
        self.arg(axis, true)
    }
}
