//! The convolution itself.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use super::bilinear::{Conv2dInput, Conv2dOp, Conv2dWeight};
use super::plain::examples;
use super::{both, examples_as_groups, groups_as_examples, join_batch, output, split_batch};
use crate::engine::case::{Case, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Cost, Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Conv2dOp
}

impl Conv2dOp {
    /// Weights of their own for each example: a group of groups of one wide image.
    fn batch_as_groups(&self, x: &[Var], n: usize) -> Result<Var> {
        let (s, w) = (x[0].shape(), x[1].shape());
        if n == 0 {
            let [oh, ow] = output("conv2d", &self.window, &x[0].meta().with_shape(&s[1..]))?;
            let none = [0, s[1], w[1], oh, ow];
            return Ok(Var::zeros(&none, x[0].dtype(), x[0].device()));
        }
        let op = Conv2dOp {
            window: self.window,
            groups: n * self.groups,
        };
        let y = crate::apply(op, smallvec![examples_as_groups(&x[0]), join_batch(&x[1])])?;
        Ok(groups_as_examples(&y[0], n))
    }
}

impl Op for Conv2dOp {
    const NAME: &'static str = "conv2d";

    fn keeps(&self) -> Keeps {
        Keeps::INPUTS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let [oh, ow] = output("conv2d", &self.window, x[0])?;
        let (c, w) = (x[0].shape[1], x[1]);
        let g = self.groups;
        let fits = g > 0
            && w.rank() == 4
            && c % g == 0
            && w.shape[0] % g == 0
            && w.shape[1] == c / g
            && w.shape[2..] == self.window.kernel
            && w.dtype == x[0].dtype;
        if !fits {
            return Err(Error::shape(format!(
                "conv2d: weights {} {:?} do not fit an input of {} {:?} in {g} groups; they are [out, in / groups, rows, columns]",
                w.dtype, w.shape, x[0].dtype, x[0].shape
            )));
        }
        if let Some(b) = x.get(2)
            && (b.shape[..] != w.shape[..1] || b.dtype != w.dtype)
        {
            return Err(Error::shape(format!(
                "conv2d: the bias {} {:?} should be {} [{}], one number for each output channel",
                b.dtype, b.shape, w.dtype, w.shape[0]
            )));
        }
        let shape = [x[0].shape[0], w.shape[0], oh, ow];
        lepton_tensor::numel(&shape)?;
        Ok(smallvec![x[0].with_shape(&shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::conv2d(
            &x[0],
            &x[1],
            x.get(2),
            &self.window,
            self.groups
        )])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return (0..k.inputs()).map(|_| None).collect();
        };
        let (window, groups) = (self.window, self.groups);
        let images = || {
            let (x, w) = (k.input(0), k.input(1));
            let size = [x.shape()[2], x.shape()[3]];
            let op = Conv2dInput {
                window,
                groups,
                size,
            };
            crate::engine::apply::one(op, smallvec![g.clone(), w])
        };
        let weights = || {
            let op = Conv2dWeight { window, groups };
            crate::engine::apply::one(op, smallvec![k.input(0), g.clone()])
        };
        let mut out: Ins<Option<Var>> =
            smallvec![k.needs(0).then(images), k.needs(1).then(weights)];
        if k.inputs() == 3 {
            out.push(k.needs(2).then(|| g.sum(&[0, 2, 3])));
        }
        out
    }

    fn jvp(&self, x: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let left = t[0].as_ref().map(|t| self.of(t, &x[1]));
        let right = t[1].as_ref().map(|t| self.of(&x[0], t));
        let bias = t.get(2).and_then(Option::as_ref);
        let bias = bias.map(|t| t.reshape(&[t.numel(), 1, 1]).expand(y[0].shape()));
        smallvec![both(both(left, right), bias)]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        if !batched[1..].contains(&true) {
            let mut all: Ins<Var> = x.into();
            all[0] = join_batch(&x[0]);
            let y = crate::apply(self.clone(), all)?;
            return Ok(smallvec![split_batch(&y[0], [n, x[0].shape()[1]])]);
        }
        let product = if batched[1] {
            self.batch_as_groups(&all_batched(&x[..2], batched, n), n)?
        } else {
            let batched = [batched[0], false];
            let y = match batched[0] {
                true => self.batch(&x[..2], &batched, n)?,
                false => crate::apply(self.clone(), x[..2].into())?,
            };
            y[0].clone()
        };
        let Some(b) = x.get(2) else {
            return Ok(smallvec![product]);
        };
        let each = if batched[2] { n } else { 1 };
        let channels = *b.shape().last().expect("a bias has an axis");
        let bias = b.reshape(&[each, 1, channels, 1, 1]);
        Ok(smallvec![product + bias])
    }

    crate::fields!(window, groups);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut cases = Vec::new();
        for (i, e) in examples(rng).into_iter().enumerate() {
            let [mut want, ..] = e.wanted();
            let op = Conv2dOp {
                window: e.window,
                groups: e.groups,
            };
            let mut inputs = vec![e.x, e.w];
            if i != 1 {
                let k = want.shape()[1];
                let b = floats(rng, &[k], -1.0, 1.0);
                let pixels = want.shape()[2] * want.shape()[3];
                let (v, bias) = (want.to_f64(), b.to_f64());
                let sums = v.iter().enumerate().map(|(i, y)| y + bias[i / pixels % k]);
                want = Tensor::from_vec(sums.collect(), want.shape()).expect("as many");
                inputs.push(b);
            }
            cases.push(Case::new(op, inputs).want(vec![want]));
        }
        cases
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        super::cost(x, y, x[1], &y[0])
    }
}
