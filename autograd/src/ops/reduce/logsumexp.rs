//! `ln sum e^x`, shifted so that nothing overflows.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{Meta, Result, Shape, Tensor};
use smallvec::smallvec;

use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::reduce::sum::{plain_fold, shifted, stretch, without};

crate::catalogue! {
    pub(crate)
    ops: LogSumExp
}

/// `ln sum e^x` over `axes`, which vanish; `-inf` over nothing.
#[derive(Clone, Debug)]
pub struct LogSumExp {
    /// The axes.
    pub axes: Shape,
}

impl Op for LogSumExp {
    const NAME: &'static str = "logsumexp";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT.and(Keeps::OUTPUT)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float("logsumexp")?;
        Ok(smallvec![x[0].with_shape(&without(
            "logsumexp",
            x[0],
            &self.axes
        )?)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::logsumexp(&x[0], &self.axes)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let x = k.input(0);
            let wide = |v: &Var| stretch(v, x.shape(), &self.axes);
            wide(g) * (&x - wide(&k.output(0))).exp()
        };
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        let axes = shifted(&self.axes);
        crate::apply(LogSumExp { axes }, smallvec![x[0].clone()])
    }

    crate::fields!(axes);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], axes: &[usize]| {
            let x = floats(rng, shape, -2.0, 2.0);
            let e = x.to_f64().iter().map(|v| v.exp()).collect();
            let e = Tensor::from_vec(e, shape).expect("as many");
            let sum = plain_fold(&e, axes, 0.0, |a, b| a + b);
            let log = sum.to_f64().iter().map(|v| v.ln()).collect();
            let want = Tensor::from_vec(log, sum.shape()).expect("as many");
            Case::new(LogSumExp { axes: axes.into() }, vec![x]).want(vec![want])
        };
        vec![
            case(&[3, 4], &[1]),
            case(&[2, 3, 2], &[0, 2]),
            case(&[4], &[0]),
        ]
    }
}

impl Var {
    /// `ln sum e^x` over `axes` (all when empty), which vanish; `-inf` over nothing.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let y = Var::new(&[1000.0f64, 1000.0], &[2]).logsumexp(&[]).item().unwrap();
    /// assert!((y - 1000.0 - std::f64::consts::LN_2).abs() < 1e-12);
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn logsumexp(&self, axes: &[isize]) -> Var {
        let axes = self.axes("logsumexp", axes);
        crate::engine::apply::one(LogSumExp { axes }, smallvec![self.clone().float()])
    }
}
