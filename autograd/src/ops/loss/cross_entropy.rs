//! The cross entropy of logits and classes.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats, indices};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Cost, Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::index::gather::want_index;
use crate::ops::norm::layer_norm::row_cost;

crate::catalogue! {
    pub(crate)
    ops: CrossEntropy, CrossEntropyGrad
}

/// `ln sum e^x - x[class]` for logits `x [.., count]` and classes `[..]`.
#[derive(Clone, Debug)]
pub struct CrossEntropy;

/// The gradient of [`CrossEntropy`] with respect to the logits, `g (softmax(x) - 1 at the class)`, from
/// the cotangent `g [..]`, the logits and the classes.
#[derive(Clone, Debug)]
pub struct CrossEntropyGrad;

fn shape_rule(what: &str, x: &Meta, classes: &Meta) -> Result<()> {
    x.dtype.want_float(what)?;
    want_index(what, classes)?;
    if x.rank() == 0 || x.shape[..x.rank() - 1] != classes.shape[..] {
        return Err(Error::shape(format!(
            "{what}: wants logits [.., count] and a class for each row [..], got {:?} and {:?}",
            x.shape, classes.shape
        )));
    }
    Ok(())
}

impl Op for CrossEntropy {
    const NAME: &'static str = "cross_entropy";

    fn keeps(&self) -> Keeps {
        Keeps::INPUTS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        shape_rule(Self::NAME, x[0], x[1])?;
        Ok(smallvec![x[0].with_shape(&x[1].shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::cross_entropy(&x[0], &x[1])?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let x = smallvec![g.clone(), k.input(0), k.input(1)];
            crate::engine::apply::one(CrossEntropyGrad, x)
        };
        smallvec![g[0].as_ref().map(back), None]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(CrossEntropy, all_batched(x, batched, n))
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(CrossEntropy)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |rows: &[usize], count: usize| {
            let x = floats(rng, &[rows, &[count]].concat(), -3.0, 3.0);
            let classes = indices(rng, rows, count);
            let (v, at) = (x.to_f64(), classes.to_f64());
            let row = |(r, x): (usize, &[f64])| {
                x.iter().map(|v| v.exp()).sum::<f64>().ln() - x[at[r] as usize]
            };
            let want = v.chunks(count).enumerate().map(row).collect();
            let want = Tensor::from_vec(want, rows).expect("as many");
            Case::new(CrossEntropy, vec![x, classes]).want(vec![want])
        };
        vec![case(&[3], 4), case(&[2, 3], 9), case(&[], 2), case(&[0], 3)]
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        let count = *x[0].shape.last().unwrap_or(&1) as u64;
        row_cost(x, y, 4 * count)
    }
}

impl Op for CrossEntropyGrad {
    const NAME: &'static str = "cross_entropy_grad";

    fn keeps(&self) -> Keeps {
        Keeps {
            inputs: 7,
            ..Keeps::NONE
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        shape_rule(Self::NAME, x[1], x[2])?;
        if x[0].shape != x[2].shape || x[0].dtype != x[1].dtype {
            return Err(Error::shape(format!(
                "cross_entropy_grad: a cotangent of {} {:?} does not fit {} {:?}",
                x[0].dtype, x[0].shape, x[1].dtype, x[1].shape
            )));
        }
        Ok(smallvec![x[1].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::cross_entropy_backward(&x[0], &x[1], &x[2])?])
    }

    /// Along `u`, with `s` the softmax: `u (s - 1 at the class)` for `g`, and `s`'s own slope for `x`.
    fn vjp(&self, k: &Saved<'_>, u: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(u) = &u[0] else {
            return smallvec![None, None, None];
        };
        let (g, classes) = (k.input(0), k.input(2));
        let s = k.input(1).softmax(-1);
        let of_g = || {
            let picked = u.gather(-1, &classes.unsqueeze(-1)).squeeze(-1);
            (u * &s).sum(&[-1]) - picked
        };
        let of_x = || {
            crate::ops::activation::softmax::grad(&(u * g.unsqueeze(-1)), &s, s.rank() - 1, false)
        };
        smallvec![k.needs(0).then(of_g), k.needs(1).then(of_x), None]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(CrossEntropyGrad, all_batched(x, batched, n))
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(CrossEntropyGrad)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |rows: &[usize], count: usize| {
            let g = floats(rng, rows, -1.0, 1.0);
            let x = floats(rng, &[rows, &[count]].concat(), -3.0, 3.0);
            let classes = indices(rng, rows, count);
            let (gs, v, at) = (g.to_f64(), x.to_f64(), classes.to_f64());
            let mut want = Vec::new();
            for (r, x) in v.chunks(count).enumerate() {
                let total: f64 = x.iter().map(|v| v.exp()).sum();
                let one = |i: usize| f64::from(u8::from(i as f64 == at[r]));
                want.extend((0..count).map(|i| gs[r] * (x[i].exp() / total - one(i))));
            }
            let want = Tensor::from_vec(want, x.shape()).expect("as many");
            Case::new(CrossEntropyGrad, vec![g, x, classes]).want(vec![want])
        };
        vec![case(&[3], 4), case(&[2, 1], 9), case(&[], 2)]
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        row_cost(x, y, 6)
    }
}

impl Var {
    /// `-log softmax(self)[class]` over the last axis, one for each row of logits `[.., count]` and its
    /// class in `classes [..]`: PyTorch's `F.cross_entropy` without reduction.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let loss = Var::new(&[0.0f64, 0.0], &[1, 2]).cross_entropy(&Var::new(&[1i64], &[1]));
    /// assert!((loss.item().unwrap() - 2f64.ln()).abs() < 1e-15);
    /// ```
    ///
    /// # Panics
    /// When the shapes do not fit, or a class is not below `count`.
    #[track_caller]
    pub fn cross_entropy(&self, classes: &Var) -> Var {
        let x = smallvec![self.clone().float(), classes.clone()];
        crate::apply(CrossEntropy, x).or_panic().swap_remove(0)
    }
}
