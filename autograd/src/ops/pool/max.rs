//! The largest element of each window; its derivative picks where it stands.

use lepton_tensor::ops::{self, Pool};
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use super::plain::{pools, windows};
use super::window::{self, output, resized};
use crate::engine::case::{Case, distinct, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: MaxPool2dBack, MaxPool2dOp, MaxPool2dPick
}

/// The largest element of each window of images.
#[derive(Clone, Debug)]
pub struct MaxPool2dOp {
    /// The windows.
    pub pool: Pool,
}

/// The gradient of [`MaxPool2dOp`] in its images (first input), from that of its result (second):
/// linear in the second, and constant in the first but for ties.
#[derive(Clone, Debug)]
pub struct MaxPool2dBack {
    /// The windows.
    pub pool: Pool,
}

/// The elements of the second input where the windows of the first have their largest: the transpose
/// of [`MaxPool2dBack`].
#[derive(Clone, Debug)]
pub struct MaxPool2dPick {
    /// The windows.
    pub pool: Pool,
}

fn back(pool: Pool, x: &Var, g: &Var) -> Var {
    crate::engine::apply::one(MaxPool2dBack { pool }, smallvec![x.clone(), g.clone()])
}

fn pick(pool: Pool, x: &Var, t: &Var) -> Var {
    crate::engine::apply::one(MaxPool2dPick { pool }, smallvec![x.clone(), t.clone()])
}

/// The place of each window's largest element.
fn winners(pool: &Pool, x: &Tensor) -> Vec<usize> {
    let v = x.to_f64();
    let of = |w: Vec<usize>| {
        w.into_iter()
            .reduce(|a, b| if v[b] > v[a] { b } else { a })
            .expect("no window is empty")
    };
    windows(pool, x).into_iter().map(of).collect()
}

fn result_shape(pool: &Pool, x: &Tensor) -> [usize; 4] {
    let [oh, ow] = pool.output([x.shape()[2], x.shape()[3]]).expect("it fits");
    [x.shape()[0], x.shape()[1], oh, ow]
}

impl Op for MaxPool2dOp {
    const NAME: &'static str = "max_pool2d";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        resized(x[0], output("max_pool2d", &self.pool, x[0])?)
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::max_pool2d(&x[0], &self.pool)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![g[0].as_ref().map(|g| back(self.pool, &k.input(0), g))]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| pick(self.pool, &x[0], t))]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        window::batch(self, x, batched, n)
    }

    crate::fields!(pool);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let case = |pool: Pool| {
            let x = distinct(rng, &[2, 2, 5, 6]);
            let v = x.to_f64();
            let want = winners(&pool, &x).into_iter().map(|i| v[i]).collect();
            let want = Tensor::from_vec(want, &result_shape(&pool, &x)).expect("as many");
            Case::new(MaxPool2dOp { pool }, vec![x]).want(vec![want])
        };
        pools().into_iter().map(case).collect()
    }
}

impl Op for MaxPool2dBack {
    const NAME: &'static str = "max_pool2d_back";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let [oh, ow] = output("max_pool2d_back", &self.pool, x[0])?;
        let (x, g) = (x[0], x[1]);
        if g.dtype != x.dtype || g.shape[..] != [x.shape[0], x.shape[1], oh, ow] {
            return Err(Error::shape(format!(
                "max_pool2d_back: a gradient of {} {:?} is not one of {oh} by {ow} windows of {} {:?}",
                g.dtype, g.shape, x.dtype, x.shape
            )));
        }
        Ok(smallvec![x.clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::max_pool2d_backward(
            &x[0], &x[1], &self.pool
        )])
    }

    fn vjp(&self, k: &Saved<'_>, h: &[Option<Var>]) -> Ins<Option<Var>> {
        let h = h[0].as_ref().filter(|_| k.needs(1));
        smallvec![None, h.map(|h| pick(self.pool, &k.input(0), h))]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[1].as_ref().map(|t| back(self.pool, &x[0], t))]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        window::batch(self, x, batched, n)
    }

    crate::fields!(pool);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let case = |pool: Pool| {
            let x = distinct(rng, &[2, 1, 5, 6]);
            let g = floats(rng, &result_shape(&pool, &x), -1.0, 1.0);
            let mut want = vec![0.0; x.numel()];
            let places = winners(&pool, &x);
            places
                .into_iter()
                .zip(g.to_f64())
                .for_each(|(i, g)| want[i] += g);
            let want = Tensor::from_vec(want, x.shape()).expect("as many");
            Case::new(MaxPool2dBack { pool }, vec![x, g]).want(vec![want])
        };
        pools().into_iter().map(case).collect()
    }
}

impl Op for MaxPool2dPick {
    const NAME: &'static str = "max_pool2d_pick";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let size = output("max_pool2d_pick", &self.pool, x[0])?;
        if x[0] != x[1] {
            return Err(Error::shape(format!(
                "max_pool2d_pick: {} {:?} has other places than {} {:?}",
                x[1].dtype, x[1].shape, x[0].dtype, x[0].shape
            )));
        }
        resized(x[0], size)
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::max_pool2d_double_backward(
            &x[0], &x[1], &self.pool
        )])
    }

    fn vjp(&self, k: &Saved<'_>, h: &[Option<Var>]) -> Ins<Option<Var>> {
        let h = h[0].as_ref().filter(|_| k.needs(1));
        smallvec![None, h.map(|h| back(self.pool, &k.input(0), h))]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[1].as_ref().map(|t| pick(self.pool, &x[0], t))]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        window::batch(self, x, batched, n)
    }

    crate::fields!(pool);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let case = |pool: Pool| {
            let x = distinct(rng, &[2, 1, 5, 6]);
            let t = floats(rng, x.shape(), -1.0, 1.0);
            let v = t.to_f64();
            let want = winners(&pool, &x).into_iter().map(|i| v[i]).collect();
            let want = Tensor::from_vec(want, &result_shape(&pool, &x)).expect("as many");
            Case::new(MaxPool2dPick { pool }, vec![x, t]).want(vec![want])
        };
        pools().into_iter().map(case).collect()
    }
}
