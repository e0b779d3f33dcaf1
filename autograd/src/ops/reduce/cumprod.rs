//! Running products, and the linear recurrence that their gradient is.

use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Tensor, ops};
use smallvec::smallvec;

use crate::engine::case::{Case, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::reduce::sum::without;

crate::catalogue! {
    pub(crate)
    ops: CumProd, Recurrence
}

/// Running products along `axis`; integers and bool give i64.
#[derive(Clone, Debug)]
pub struct CumProd {
    /// The axis.
    pub axis: usize,
}

/// `y[i] = b[i] + a[i] y[i - 1]` along `axis` from `y[-1] = 0` on, for `a` and `b` of one shape.
///
/// Its transpose is a recurrence in the other direction, so its derivatives are made of itself.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// The axis.
    pub axis: usize,
}

fn recurrence(a: Var, b: Var, axis: usize) -> Var {
    crate::engine::apply::one(Recurrence { axis }, smallvec![a, b])
}

/// `x` moved along by one place, with `first` in front.
pub(crate) fn later(x: &Var, first: f64, axis: usize) -> Var {
    let n = x.shape()[axis];
    if n == 0 {
        return x.clone();
    }
    let front = x.slice(axis, 0, 1, 1).zeros_like() + first;
    Var::cat(&[front, x.slice(axis, 0, n - 1, 1)], axis as isize)
}

/// The recurrence from the end: `y[i] = b[i] + a[i + 1] y[i + 1]`.
pub(crate) fn backwards(a: &Var, b: &Var, axis: usize) -> Var {
    let slope = later(&a.flip(axis), 0.0, axis);
    recurrence(slope, b.flip(axis), axis).flip(axis)
}

impl Op for CumProd {
    const NAME: &'static str = "cumprod";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        without("cumprod", x[0], &[self.axis])?;
        let float = x[0].dtype.is_float();
        let dtype = if float { x[0].dtype } else { DType::I64 };
        Ok(smallvec![x[0].with_dtype(dtype)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::cumprod(&x[0], self.axis)])
    }

    /// The product before an element times the sum of what follows it, `g[i] + x[i + 1] (g[i + 1] + ..)`; in
    /// f64, where one may be huge and the other tiny.
    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let x = k.input(0).to_dtype(DType::F64);
            let before = later(&x.cumprod(self.axis as isize), 1.0, self.axis);
            let after = backwards(&x, &g.to_dtype(DType::F64), self.axis);
            (before * after).to_dtype(g.dtype())
        };
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        let axis = self.axis + 1;
        crate::apply(CumProd { axis }, smallvec![x[0].clone()])
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = floats(rng, &[3, 4], -1.5, 1.5);
        let v = x.to_f64();
        let want = (0..12).map(|i| (0..=i / 4).map(|r| v[r * 4 + i % 4]).product());
        let want = Tensor::from_vec(want.collect::<Vec<f64>>(), &[3, 4]).expect("as many");
        vec![
            Case::new(CumProd { axis: 0 }, vec![x]).want(vec![want]),
            Case::new(CumProd { axis: 1 }, vec![floats(rng, &[2, 5], -1.5, 1.5)]),
            Case::new(CumProd { axis: 1 }, vec![floats(rng, &[2, 0], 0.0, 1.0)]),
        ]
    }
}

impl Op for Recurrence {
    const NAME: &'static str = "recurrence";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT.and(Keeps::OUTPUT)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float("recurrence")?;
        without("recurrence", x[0], &[self.axis])?;
        if x[0] != x[1] {
            return Err(Error::shape(format!(
                "recurrence: slopes of {} {:?} and terms of {} {:?} differ",
                x[0].dtype, x[0].shape, x[1].dtype, x[1].shape
            )));
        }
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::recurrence(&x[0], &x[1], self.axis)])
    }

    fn vjp(&self, k: &Saved<'_>, h: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(h) = &h[0] else {
            return smallvec![None, None];
        };
        let to_b = backwards(&k.input(0), h, self.axis);
        let to_a = k
            .needs(0)
            .then(|| &to_b * later(&k.output(0), 0.0, self.axis));
        smallvec![to_a, Some(to_b)]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        let axis = self.axis + 1;
        crate::apply(Recurrence { axis }, all_batched(x, batched, n))
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize; 2], axis: usize| {
            let (a, b) = (floats(rng, shape, -1.0, 1.0), floats(rng, shape, -1.0, 1.0));
            let (slope, mut y) = (a.to_f64(), b.to_f64());
            let step = if axis == 0 { shape[1] } else { 1 };
            for i in 0..y.len() {
                if i / step % shape[axis] > 0 {
                    y[i] += slope[i] * y[i - step];
                }
            }
            let want = Tensor::from_vec(y, shape).expect("as many");
            Case::new(Recurrence { axis }, vec![a, b]).want(vec![want])
        };
        vec![case(&[3, 4], 0), case(&[3, 4], 1), case(&[2, 0], 1)]
    }
}

impl Var {
    /// Running products along `axis`; integers and bool give i64.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let y = Var::new(&[1e-30f32, 1e-30, 1e30, 1e30], &[4]).cumprod(0);
    /// assert!((y.to_vec::<f32>().unwrap()[3] - 1.0).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn cumprod(&self, axis: isize) -> Var {
        if self.rank() == 0 {
            return self.reshape(&[1]).cumprod(axis).reshape(&[]);
        }
        let axis = self.axis("cumprod", axis);
        crate::engine::apply::one(CumProd { axis }, smallvec![self.clone()])
    }
}
