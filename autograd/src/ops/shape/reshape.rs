//! Ops that move elements without computing: broadcasting, reshaping, reordering.

use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Shape, Tensor, layout, numel};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Expand, Permute, Reshape
}

/// Axes of size 1, and new outer ones, repeated to `shape`: broadcasting, as its own op.
#[derive(Clone, Debug)]
pub struct Expand {
    /// The result's shape.
    pub shape: Shape,
}

impl Op for Expand {
    const NAME: &'static str = "expand";

    fn keeps(&self) -> Keeps {
        Keeps::SHAPE
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let fits = x[0].rank() <= self.shape.len()
            && x[0]
                .shape
                .iter()
                .rev()
                .zip(self.shape.iter().rev())
                .all(|(&a, &b)| a == b || a == 1);
        if !fits {
            return Err(Error::shape(format!(
                "expand: {:?} does not broadcast to {:?}",
                x[0].shape, self.shape
            )));
        }
        numel(&self.shape)?;
        Ok(smallvec![x[0].with_shape(&self.shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![x[0].expand(&self.shape)?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![g[0].as_ref().map(|g| g.sum_to(k.shape(0)))]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| t.expand(&self.shape))]
    }

    fn batch(&self, x: &[Var], _: &[bool], n: usize) -> Result<Outs<Var>> {
        // New axes go between the batch and the rest.
        let (old, new) = (x[0].rank() - 1, self.shape.len());
        let aligned = x[0].reshape(&[&[n], &vec![1; new - old][..], &x[0].shape()[1..]].concat());
        Ok(smallvec![aligned.expand(&[&[n], &self.shape[..]].concat())])
    }

    fn attrs(&self) -> Attrs {
        Attrs::new().shape("shape", &self.shape)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(Expand {
            shape: a.get_sizes("shape")?.into(),
        })
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |from: &[usize], to: &[usize]| {
            let x = floats(rng, from, -1.0, 1.0);
            let y = x.expand(to).expect("broadcasts").contiguous();
            Case::new(Expand { shape: to.into() }, vec![x]).want(vec![y])
        };
        vec![
            case(&[3, 1], &[2, 3, 4]),
            case(&[], &[2, 2]),
            case(&[1, 5], &[4, 5]),
            case(&[1, 2], &[0, 2]),
        ]
    }
}

/// The elements in row-major order under another shape.
#[derive(Clone, Debug)]
pub struct Reshape {
    /// The result's shape.
    pub shape: Shape,
}

impl Op for Reshape {
    const NAME: &'static str = "reshape";

    fn keeps(&self) -> Keeps {
        Keeps::SHAPE
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        if numel(&self.shape)? != x[0].numel() {
            return Err(Error::shape(format!(
                "reshape: {:?} has {} elements, {:?} has {}",
                x[0].shape,
                x[0].numel(),
                self.shape,
                numel(&self.shape)?
            )));
        }
        Ok(smallvec![x[0].with_shape(&self.shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![x[0].reshape(&self.shape)?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![g[0].as_ref().map(|g| g.reshape(k.shape(0)))]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| t.reshape(&self.shape))]
    }

    fn batch(&self, x: &[Var], _: &[bool], n: usize) -> Result<Outs<Var>> {
        Ok(smallvec![x[0].reshape(&[&[n], &self.shape[..]].concat())])
    }

    fn attrs(&self) -> Attrs {
        Attrs::new().shape("shape", &self.shape)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(Reshape {
            shape: a.get_sizes("shape")?.into(),
        })
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |from: &[usize], to: &[usize]| {
            let x = floats(rng, from, -1.0, 1.0);
            let y = Tensor::from_vec(x.to_f64(), to).expect("as many");
            Case::new(Reshape { shape: to.into() }, vec![x]).want(vec![y])
        };
        vec![
            case(&[2, 6], &[3, 4]),
            case(&[1], &[]),
            case(&[2, 3, 2], &[12]),
            case(&[0, 3], &[3, 0]),
        ]
    }
}

/// Axes reordered: axis `i` of the result is axis `order[i]` of the input.
#[derive(Clone, Debug)]
pub struct Permute {
    /// The order.
    pub order: Shape,
}

impl Op for Permute {
    const NAME: &'static str = "permute";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        if sorted.iter().copied().ne(0..x[0].rank()) {
            return Err(Error::shape(format!(
                "permute: {:?} is not an order of the axes of {:?}",
                self.order, x[0].shape
            )));
        }
        let shape: Shape = self.order.iter().map(|&a| x[0].shape[a]).collect();
        Ok(smallvec![x[0].with_shape(&shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![x[0].permute(&self.order)?])
    }

    fn vjp(&self, _: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let mut back = self.order.clone();
        self.order
            .iter()
            .enumerate()
            .for_each(|(i, &a)| back[a] = i);
        smallvec![g[0].as_ref().map(|g| g.permute(&back))]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| t.permute(&self.order))]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        let order: Vec<usize> = std::iter::once(0)
            .chain(self.order.iter().map(|a| a + 1))
            .collect();
        Ok(smallvec![x[0].permute(&order)])
    }

    crate::fields!(order);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], order: &[usize]| {
            let x = floats(rng, shape, -1.0, 1.0);
            let y = x.permute(order).expect("an order").contiguous();
            Case::new(
                Permute {
                    order: order.into(),
                },
                vec![x],
            )
            .want(vec![y])
        };
        vec![
            case(&[2, 3, 4], &[2, 0, 1]),
            case(&[3, 2], &[1, 0]),
            case(&[], &[]),
            case(&[0, 2], &[1, 0]),
        ]
    }
}

/// Both sides expanded to their common shape.
#[track_caller]
pub(crate) fn broadcast(what: &str, x: Var, y: Var) -> (Var, Var) {
    if x.shape() == y.shape() {
        return (x, y);
    }
    let shape = broadcast_shape(what, x.shape(), y.shape()).or_panic();
    (x.into_expanded(&shape), y.into_expanded(&shape))
}

/// The shape that two shapes broadcast to: axes are aligned at the end, and 1 stretches.
///
/// # Errors
/// When two sizes differ and neither is 1.
pub fn broadcast_shape(what: &str, x: &[usize], y: &[usize]) -> Result<Shape> {
    let rank = x.len().max(y.len());
    let at = |s: &[usize], a: usize| {
        if a + s.len() >= rank {
            s[a + s.len() - rank]
        } else {
            1
        }
    };
    let mut shape = Shape::new();
    for a in 0..rank {
        let (p, q) = (at(x, a), at(y, a));
        if p != q && p != 1 && q != 1 {
            return Err(Error::shape(format!(
                "{what}: shapes {x:?} and {y:?} do not broadcast: sizes {p} and {q} on axis {} from the end; axes align at the end, and only 1 stretches",
                rank - a
            )));
        }
        shape.push(if p == 1 { q } else { p });
    }
    Ok(shape)
}

impl Var {
    /// Axes of size 1, and new outer ones, repeated to `shape`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0], &[2, 1]);
    /// assert_eq!(x.expand(&[2, 2]).to_vec::<f32>()?, [1.0, 1.0, 2.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis has another size than 1 or the wanted one.
    #[track_caller]
    pub fn expand(&self, shape: &[usize]) -> Var {
        self.clone().into_expanded(shape)
    }

    #[track_caller]
    fn into_expanded(self, shape: &[usize]) -> Var {
        if self.shape() == shape {
            return self;
        }
        let mut x = Ins::new();
        x.push(self);
        crate::engine::apply::one(
            Expand {
                shape: shape.into(),
            },
            x,
        )
    }

    /// The adjoint of [`Var::expand`]: sums over the axes that broadcasting to this shape repeats.
    pub(crate) fn sum_to(&self, shape: &[usize]) -> Var {
        if self.shape() == shape {
            return self.clone();
        }
        let extra = self.rank() - shape.len();
        let axes: Vec<isize> = (0..self.rank())
            .filter(|&a| a < extra || shape[a - extra] != self.shape()[a])
            .map(|a| a as isize)
            .collect();
        let summed = if axes.is_empty() {
            self.clone()
        } else {
            self.sum(&axes)
        };
        summed.reshape(shape)
    }

    /// The elements in row-major order under another shape.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.reshape(&[3, 2]).shape(), [3, 2]);
    /// ```
    ///
    /// # Panics
    /// When the number of elements differs.
    #[track_caller]
    pub fn reshape(&self, shape: &[usize]) -> Var {
        if self.shape() == shape {
            return self.clone();
        }
        crate::engine::apply::one(
            Reshape {
                shape: shape.into(),
            },
            smallvec![self.clone()],
        )
    }

    /// The axes from `start` on as one.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// assert_eq!(Var::zeros(&[32, 1, 28, 28], DType::F32, Device::Meta).flatten(1).shape(), [32, 784]);
    /// ```
    ///
    /// # Panics
    /// When there are fewer than `start` axes.
    #[track_caller]
    pub fn flatten(&self, start: usize) -> Var {
        assert!(
            start <= self.rank(),
            "flatten: axis {start} is out of range for a tensor with {} axes",
            self.rank()
        );
        let (head, tail) = self.shape().split_at(start);
        self.reshape(&[head, &[tail.iter().product()]].concat())
    }

    /// A new axis of size 1 in front of `axis` (negative counts from behind the last).
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).unsqueeze(0).shape(), [1, 2]);
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Var {
        let a = layout::axis("unsqueeze", axis, self.rank() + 1).or_panic();
        let mut shape = self.shape().to_vec();
        shape.insert(a, 1);
        self.reshape(&shape)
    }

    /// Without `axis`, which has size 1.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0], &[1, 2]);
    /// assert_eq!(x.squeeze(0).shape(), [2]);
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or has another size.
    #[track_caller]
    pub fn squeeze(&self, axis: isize) -> Var {
        let a = layout::axis("squeeze", axis, self.rank()).or_panic();
        assert!(
            self.shape()[a] == 1,
            "squeeze: axis {a} of {:?} has size {}, not 1",
            self.shape(),
            self.shape()[a]
        );
        let mut shape = self.shape().to_vec();
        shape.remove(a);
        self.reshape(&shape)
    }

    /// Axes reordered: axis `i` of the result is axis `order[i]` of this one.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::zeros(&[2, 3, 4], DType::F32, Device::Cpu);
    /// assert_eq!(x.permute(&[2, 0, 1]).shape(), [4, 2, 3]);
    /// ```
    ///
    /// # Panics
    /// When `order` is not a permutation of the axes.
    #[track_caller]
    pub fn permute(&self, order: &[usize]) -> Var {
        crate::engine::apply::one(
            Permute {
                order: order.into(),
            },
            smallvec![self.clone()],
        )
    }

    /// Two axes swapped; negative axes count from the end.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.transpose(0, 1).to_vec::<f32>()?, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range.
    #[track_caller]
    pub fn transpose(&self, a: isize, b: isize) -> Var {
        let a = layout::axis("transpose", a, self.rank()).or_panic();
        let b = layout::axis("transpose", b, self.rank()).or_panic();
        let mut order: Shape = (0..self.rank()).collect();
        order.swap(a, b);
        self.permute(&order)
    }

    /// The last two axes swapped.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// assert_eq!(x.t().shape(), [3, 2]);
    /// ```
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn t(&self) -> Var {
        assert!(
            self.rank() >= 2,
            "t: wants matrices, got shape {:?}",
            self.shape()
        );
        self.transpose(-2, -1)
    }

    /// The same for each of `n` along a new outer axis.
    pub(crate) fn repeat_outer(&self, n: usize) -> Var {
        self.expand(&[&[n], self.shape()].concat())
    }
}
