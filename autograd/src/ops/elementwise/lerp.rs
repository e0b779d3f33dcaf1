//! The point between two.

use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor, ops};
use smallvec::smallvec;

use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::create::promotion::match_dtypes;
use crate::ops::shape::reshape::broadcast;

crate::catalogue! {
    pub(crate)
    ops: Lerp
}

/// `x + w (end - x)` of three equal shapes, in which an end is met exactly, though it be infinite.
#[derive(Clone, Debug)]
pub struct Lerp;

impl Op for Lerp {
    const NAME: &'static str = "lerp";

    fn keeps(&self) -> Keeps {
        Keeps {
            inputs: 7,
            ..Keeps::NONE
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float("lerp")?;
        if x[0] != x[1] || x[0] != x[2] {
            return Err(Error::shape(format!(
                "lerp: wants two ends and a weight of one shape and dtype, got {} {:?}, {} {:?} and {} {:?}",
                x[0].dtype, x[0].shape, x[1].dtype, x[1].shape, x[2].dtype, x[2].shape
            )));
        }
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::lerp(&x[0], &x[1], &x[2])])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None, None];
        };
        smallvec![
            k.needs(0).then(|| g * (1.0 - k.input(2))),
            k.needs(1).then(|| g * k.input(2)),
            k.needs(2).then(|| g * (k.input(1) - k.input(0))),
        ]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(Lerp, all_batched(x, batched, n))
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Lerp)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize]| {
            let (x, end) = (floats(rng, shape, -1.0, 1.0), floats(rng, shape, -1.0, 1.0));
            let w = floats(rng, shape, -0.5, 1.5);
            let (a, b, t) = (x.to_f64(), end.to_f64(), w.to_f64());
            let at = |i: usize| a[i] * (1.0 - t[i]) + b[i] * t[i];
            let want = Tensor::from_vec((0..a.len()).map(at).collect(), shape);
            Case::new(Lerp, vec![x, end, w]).want(vec![want.expect("as many")])
        };
        vec![case(&[3, 5]), case(&[]), case(&[2, 0])]
    }
}

impl Var {
    /// `self + weight (end - self)`, broadcasting: this variable where the weight is 0 or the two are equal,
    /// `end` where it is 1, though they be infinite.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (x, end) = (Var::scalar(1.0f64), Var::scalar(f64::INFINITY));
    /// assert_eq!(x.lerp(&end, &Var::scalar(0.0f64)).item().unwrap(), 1.0);
    /// ```
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn lerp(&self, end: &Var, weight: &Var) -> Var {
        let (x, end) = match_dtypes(self.clone().float(), end.clone());
        let (x, weight) = match_dtypes(x, weight.clone());
        let end = end.to_dtype(x.dtype());
        let (x, end) = broadcast("lerp", x, end);
        let (x, weight) = broadcast("lerp", x, weight);
        let (x, end) = broadcast("lerp", x, end);
        crate::engine::apply::one(Lerp, smallvec![x, end, weight])
    }
}
