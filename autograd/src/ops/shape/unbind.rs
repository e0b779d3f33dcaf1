//! All slices along an axis at once.

use lepton_tensor::random::Rng;
use lepton_tensor::{Meta, Result, Shape, Tensor, layout};
use smallvec::smallvec;

use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Unbind
}

/// The slices along `axis`, which vanishes. Their gradients are joined once, where slices taken one by
/// one would each make a whole gradient, to be added up.
#[derive(Clone, Debug)]
pub struct Unbind {
    /// The axis.
    pub axis: usize,
}

impl Op for Unbind {
    const NAME: &'static str = "unbind";

    fn keeps(&self) -> Keeps {
        Keeps::SHAPE
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        layout::axis("unbind", self.axis as isize, x[0].rank())?;
        let mut shape = x[0].shape.clone();
        let n = shape.remove(self.axis);
        Ok((0..n).map(|_| x[0].with_shape(&shape)).collect())
    }

    fn forward(&self, x: &mut [Tensor], out: &[Meta]) -> Result<Outs<Tensor>> {
        let one = |(i, m): (usize, &Meta)| {
            let strides: layout::Strides = {
                let mut s: layout::Strides = x[0].strides().into();
                s.remove(self.axis);
                s
            };
            let first = x[0].slice(self.axis, i, 1, 1)?;
            x[0].as_strided(&m.shape, &strides, first.layout().offset())
        };
        out.iter().enumerate().map(one).collect()
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(like) = g.iter().flatten().next() else {
            return smallvec![None];
        };
        let mut shape: Shape = k.shape(0).into();
        shape.remove(self.axis);
        let zeros = || Var::zeros(&shape, like.dtype(), like.device());
        let parts: Vec<Var> = g.iter().map(|g| g.clone().unwrap_or_else(zeros)).collect();
        smallvec![Some(Var::stack(&parts, self.axis as isize))]
    }

    fn jvp(&self, _: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        match &t[0] {
            Some(t) => t.unbind(self.axis as isize).into_iter().map(Some).collect(),
            None => y.iter().map(|_| None).collect(),
        }
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        let axis = self.axis + 1;
        crate::apply(Unbind { axis }, smallvec![x[0].clone()])
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: [usize; 3], axis: usize| {
            let x = floats(rng, &shape, -1.0, 1.0);
            let mut rest = shape.to_vec();
            let n = rest.remove(axis);
            let one = |i| {
                let part = x.slice(axis, i, 1, 1).expect("inside");
                Tensor::from_vec(part.to_f64(), &rest).expect("as many")
            };
            let want = (0..n).map(one).collect();
            Case::new(Unbind { axis }, vec![x]).want(want)
        };
        vec![case([2, 3, 4], 1), case([3, 1, 2], 0), case([2, 2, 3], 2)]
    }
}
