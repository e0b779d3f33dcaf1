//! The transpose of the convolution in its weights.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use super::bilinear::{Conv2dInput, Conv2dOp, Conv2dWeight};
use super::plain::examples;
use super::{both, examples_as_groups, output};
use crate::engine::case::Case;
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Cost, Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Conv2dWeight
}

impl Op for Conv2dWeight {
    const NAME: &'static str = "conv2d_weight";

    fn keeps(&self) -> Keeps {
        Keeps::INPUTS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let [oh, ow] = output("conv2d_weight", &self.window, x[0])?;
        let (groups, x, g) = (self.groups, x[0], x[1]);
        let fits = groups > 0
            && g.rank() == 4
            && g.dtype == x.dtype
            && g.shape[0] == x.shape[0]
            && g.shape[2..] == [oh, ow]
            && x.shape[1] % groups == 0
            && g.shape[1] % groups == 0;
        if !fits {
            return Err(Error::shape(format!(
                "conv2d_weight: {} {:?} is not the result of a convolution of {} {:?} in {groups} groups, [n, k, {oh}, {ow}]",
                g.dtype, g.shape, x.dtype, x.shape
            )));
        }
        let [kh, kw] = self.window.kernel;
        let shape = [g.shape[1], x.shape[1] / groups, kh, kw];
        lepton_tensor::numel(&shape)?;
        Ok(smallvec![x.with_shape(&shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let (window, groups) = (&self.window, self.groups);
        Ok(smallvec![ops::conv2d_weight_backward(
            &x[0], &x[1], window, groups
        )])
    }

    fn vjp(&self, k: &Saved<'_>, v: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(v) = &v[0] else {
            return smallvec![None, None];
        };
        let (window, groups) = (self.window, self.groups);
        let images = || {
            let x = k.input(0);
            let op = Conv2dInput {
                window,
                groups,
                size: [x.shape()[2], x.shape()[3]],
            };
            crate::engine::apply::one(op, smallvec![k.input(1), v.clone()])
        };
        let results = || {
            let op = Conv2dOp { window, groups };
            crate::engine::apply::one(op, smallvec![k.input(0), v.clone()])
        };
        smallvec![k.needs(0).then(images), k.needs(1).then(results)]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let left = t[0].as_ref().map(|t| self.of(t, &x[1]));
        let right = t[1].as_ref().map(|t| self.of(&x[0], t));
        smallvec![both(left, right)]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        // Sums of their own for each example: a group of groups of one wide image.
        let x = all_batched(x, batched, n);
        let [kh, kw] = self.window.kernel;
        let shape = [n, x[1].shape()[2], x[0].shape()[2] / self.groups, kh, kw];
        if n == 0 {
            return Ok(smallvec![Var::zeros(&shape, x[0].dtype(), x[0].device())]);
        }
        let op = Conv2dWeight {
            window: self.window,
            groups: n * self.groups,
        };
        let wide = smallvec![examples_as_groups(&x[0]), examples_as_groups(&x[1])];
        Ok(smallvec![crate::apply(op, wide)?[0].reshape(&shape)])
    }

    crate::fields!(window, groups);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let case = |e: super::plain::Plain| {
            let [_, _, want] = e.wanted();
            let op = Conv2dWeight {
                window: e.window,
                groups: e.groups,
            };
            Case::new(op, vec![e.x, e.g]).want(vec![want])
        };
        examples(rng).into_iter().map(case).collect()
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        super::cost(x, y, &y[0], x[1])
    }
}
