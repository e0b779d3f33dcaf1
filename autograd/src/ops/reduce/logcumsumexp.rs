//! Running `ln sum e^x`.

use lepton_tensor::random::Rng;
use lepton_tensor::{Meta, Result, Tensor, ops};
use smallvec::smallvec;

use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::reduce::cumprod::{backwards, later};
use crate::ops::reduce::sum::without;

crate::catalogue! {
    pub(crate)
    ops: LogCumSumExp
}

/// Running `ln sum e^x` along `axis`.
#[derive(Clone, Debug)]
pub struct LogCumSumExp {
    /// The axis.
    pub axis: usize,
}

impl Op for LogCumSumExp {
    const NAME: &'static str = "logcumsumexp";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT.and(Keeps::OUTPUT)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float("logcumsumexp")?;
        without("logcumsumexp", x[0], &[self.axis])?;
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::logcumsumexp(&x[0], self.axis)])
    }

    /// With `t[i] = g[i] + e^(y[i] - y[i + 1]) t[i + 1]`, in which no factor is above 1, `e^(x - y) t`.
    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let (x, y) = (k.input(0), k.output(0));
            let before = later(&y, f64::NEG_INFINITY, self.axis);
            // Equal infinities would give inf - inf.
            let equal = before.eq(&y).logical_and(&y.isfinite().logical_not());
            let safe = |v: &Var| Var::where_(&equal, &y.zeros_like(), v);
            let share = (safe(&before) - safe(&y)).exp();
            (x - y).exp() * backwards(&share, g, self.axis)
        };
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        let axis = self.axis + 1;
        crate::apply(LogCumSumExp { axis }, smallvec![x[0].clone()])
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = floats(rng, &[3, 4], -2.0, 2.0);
        let v = x.to_f64();
        let sum = |i: usize| (0..=i / 4).map(|r| v[r * 4 + i % 4].exp()).sum::<f64>();
        let want = Tensor::from_vec((0..12).map(|i| sum(i).ln()).collect(), &[3, 4]);
        vec![
            Case::new(LogCumSumExp { axis: 0 }, vec![x]).want(vec![want.expect("as many")]),
            Case::new(
                LogCumSumExp { axis: 1 },
                vec![floats(rng, &[2, 5], -2.0, 2.0)],
            ),
            Case::new(
                LogCumSumExp { axis: 1 },
                vec![floats(rng, &[2, 0], 0.0, 1.0)],
            ),
        ]
    }
}

impl Var {
    /// Running `ln sum e^x` along `axis`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let y = Var::new(&[0.0f64, 0.0], &[2]).logcumsumexp(0);
    /// assert!((y.select(0, 1).item()? - 2.0f64.ln()).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn logcumsumexp(&self, axis: isize) -> Var {
        if self.rank() == 0 {
            return self.clone();
        }
        let axis = self.axis("logcumsumexp", axis);
        crate::engine::apply::one(LogCumSumExp { axis }, smallvec![self.clone().float()])
    }
}
