//! The mean of each window, and its transpose; both are linear.

use lepton_tensor::ops::{self, Divisor, Pool};
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use super::plain::{pools, windows};
use super::window::{self, output, resized};
use crate::engine::attrs::{Attrs, Field};
use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: AvgPool2dBack, AvgPool2dOp
}

/// The mean of each window of images.
#[derive(Clone, Debug)]
pub struct AvgPool2dOp {
    /// The windows.
    pub pool: Pool,
    /// What sums are divided by.
    pub divisor: Divisor,
}

/// The transpose of [`AvgPool2dOp`]: images of `size` from the gradient of their windows' means.
#[derive(Clone, Debug)]
pub struct AvgPool2dBack {
    /// The windows.
    pub pool: Pool,
    /// What sums are divided by.
    pub divisor: Divisor,
    /// Height and width of the images.
    pub size: [usize; 2],
}

impl Field for Divisor {
    /// By PyTorch's names.
    fn put(&self, _: &str, attrs: Attrs) -> Attrs {
        let attrs = attrs.flag("count_include_pad", *self == Divisor::Padded);
        match *self {
            Divisor::Fixed(n) => attrs.int("divisor_override", n),
            _ => attrs,
        }
    }

    fn take(_: &str, attrs: &Attrs) -> Result<Divisor> {
        if attrs.iter().any(|(name, _)| name == "divisor_override") {
            return Ok(Divisor::Fixed(attrs.get_int("divisor_override")?));
        }
        Ok(if attrs.get_flag("count_include_pad")? {
            Divisor::Padded
        } else {
            Divisor::Inside
        })
    }
}

impl AvgPool2dOp {
    fn of(&self, x: &Var) -> Var {
        crate::engine::apply::one(self.clone(), smallvec![x.clone()])
    }
}

impl AvgPool2dBack {
    fn of(&self, g: &Var) -> Var {
        crate::engine::apply::one(self.clone(), smallvec![g.clone()])
    }
}

impl Op for AvgPool2dOp {
    const NAME: &'static str = "avg_pool2d";

    fn keeps(&self) -> Keeps {
        Keeps::SHAPE
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        if self.divisor == Divisor::Fixed(0) {
            return Err(Error::value("avg_pool2d: the divisor is 0"));
        }
        resized(x[0], output("avg_pool2d", &self.pool, x[0])?)
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::avg_pool2d(&x[0], &self.pool, self.divisor)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let op = AvgPool2dBack {
                pool: self.pool,
                divisor: self.divisor,
                size: [k.shape(0)[2], k.shape(0)[3]],
            };
            op.of(g)
        };
        smallvec![g[0].as_ref().map(back)]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| self.of(t))]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        window::batch(self, x, batched, n)
    }

    crate::fields!(pool, divisor);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        // Every element of every window is inside, or not counted, so its number divides.
        let case = |(pool, divisor): (Pool, Divisor)| {
            let x = floats(rng, &[2, 2, 5, 6], -1.0, 1.0);
            let v = x.to_f64();
            let mean = |w: Vec<usize>| {
                let n = match divisor {
                    Divisor::Fixed(n) => n as f64,
                    _ => w.len() as f64,
                };
                w.into_iter().map(|i| v[i]).sum::<f64>() / n
            };
            let want: Vec<f64> = windows(&pool, &x).into_iter().map(mean).collect();
            let [oh, ow] = pool.output([5, 6]).expect("it fits");
            let want = Tensor::from_vec(want, &[2, 2, oh, ow]).expect("as many");
            Case::new(AvgPool2dOp { pool, divisor }, vec![x]).want(vec![want])
        };
        let divisors = [Divisor::Padded, Divisor::Inside, Divisor::Fixed(-5)];
        pools().into_iter().zip(divisors).map(case).collect()
    }
}

impl Op for AvgPool2dBack {
    const NAME: &'static str = "avg_pool2d_back";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let g = x[0];
        g.dtype.want_float("avg_pool2d_back")?;
        let out = self.pool.output(self.size);
        if g.rank() != 4 || out.as_ref().map(|o| &o[..]) != Some(&g.shape[2..]) {
            return Err(Error::shape(format!(
                "avg_pool2d_back: a gradient of {:?} is not one of windows of images of {:?}",
                g.shape, self.size
            )));
        }
        resized(g, self.size)
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let (pool, divisor) = (&self.pool, self.divisor);
        Ok(smallvec![ops::avg_pool2d_backward(
            &x[0], pool, divisor, self.size
        )])
    }

    fn vjp(&self, _: &Saved<'_>, h: &[Option<Var>]) -> Ins<Option<Var>> {
        let op = AvgPool2dOp {
            pool: self.pool,
            divisor: self.divisor,
        };
        smallvec![h[0].as_ref().map(|h| op.of(h))]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| self.of(t))]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        window::batch(self, x, batched, n)
    }

    crate::fields!(pool, divisor, size);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let divisors = [Divisor::Padded, Divisor::Inside, Divisor::Fixed(5)];
        let case = |(pool, divisor): (Pool, Divisor)| {
            let [oh, ow] = pool.output([5, 6]).expect("it fits");
            let op = AvgPool2dBack {
                pool,
                divisor,
                size: [5, 6],
            };
            Case::new(op, vec![floats(rng, &[2, 1, oh, ow], -1.0, 1.0)])
        };
        pools().into_iter().zip(divisors).map(case).collect()
    }
}
