//! The transpose of the convolution in its images.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use super::bilinear::{Conv2dInput, Conv2dOp, Conv2dWeight};
use super::plain::examples;
use super::{both, examples_as_groups, groups_as_examples, join_batch, split_batch};
use crate::engine::case::Case;
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Cost, Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Conv2dInput
}

impl Op for Conv2dInput {
    const NAME: &'static str = "conv2d_input";

    fn keeps(&self) -> Keeps {
        Keeps::INPUTS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let (g, w) = (x[0], x[1]);
        g.dtype.want_float("conv2d_input")?;
        let fits = self.groups > 0
            && g.rank() == 4
            && w.rank() == 4
            && w.dtype == g.dtype
            && w.shape[0] == g.shape[1]
            && w.shape[0] % self.groups == 0
            && w.shape[2..] == self.window.kernel
            && self.window.output(self.size).as_ref().map(|o| &o[..]) == Some(&g.shape[2..]);
        if !fits {
            return Err(Error::shape(format!(
                "conv2d_input: weights {} {:?} in {} groups do not lead from a result of {} {:?} to images of {:?}",
                w.dtype, w.shape, self.groups, g.dtype, g.shape, self.size
            )));
        }
        let channels = self.groups * w.shape[1];
        let shape = [g.shape[0], channels, self.size[0], self.size[1]];
        lepton_tensor::numel(&shape)?;
        Ok(smallvec![g.with_shape(&shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let (window, groups) = (&self.window, self.groups);
        Ok(smallvec![ops::conv2d_input_backward(
            &x[0], &x[1], window, groups, self.size
        )])
    }

    fn vjp(&self, k: &Saved<'_>, h: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(h) = &h[0] else {
            return smallvec![None, None];
        };
        let (window, groups) = (self.window, self.groups);
        let results = || {
            let op = Conv2dOp { window, groups };
            crate::engine::apply::one(op, smallvec![h.clone(), k.input(1)])
        };
        let weights = || {
            let op = Conv2dWeight { window, groups };
            crate::engine::apply::one(op, smallvec![h.clone(), k.input(0)])
        };
        smallvec![k.needs(0).then(results), k.needs(1).then(weights)]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let left = t[0].as_ref().map(|t| self.of(t, &x[1]));
        let right = t[1].as_ref().map(|t| self.of(&x[0], t));
        smallvec![both(left, right)]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        if !batched[1] {
            let y = crate::apply(self.clone(), smallvec![join_batch(&x[0]), x[1].clone()])?;
            return Ok(smallvec![split_batch(&y[0], [n, x[0].shape()[1]])]);
        }
        let x = all_batched(x, batched, n);
        if n == 0 {
            let channels = self.groups * x[1].shape()[2];
            let none = [0, x[0].shape()[1], channels, self.size[0], self.size[1]];
            return Ok(smallvec![Var::zeros(&none, x[0].dtype(), x[0].device())]);
        }
        let op = Conv2dInput {
            groups: n * self.groups,
            ..*self
        };
        let y = crate::apply(op, smallvec![examples_as_groups(&x[0]), join_batch(&x[1])])?;
        Ok(smallvec![groups_as_examples(&y[0], n)])
    }

    crate::fields!(window, groups, size);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let case = |e: super::plain::Plain| {
            let [_, want, _] = e.wanted();
            let op = Conv2dInput {
                window: e.window,
                groups: e.groups,
                size: [want.shape()[2], want.shape()[3]],
            };
            Case::new(op, vec![e.g, e.w]).want(vec![want])
        };
        examples(rng).into_iter().map(case).collect()
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        super::cost(x, y, x[1], x[0])
    }
}
