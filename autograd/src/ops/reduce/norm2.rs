//! The Euclidean norm.

use lepton_tensor::random::Rng;
use lepton_tensor::{Meta, Result, Shape, Tensor, ops};
use smallvec::smallvec;

use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::reduce::sum::{plain_fold, shifted, stretch, without};

crate::catalogue! {
    pub(crate)
    ops: Norm2
}

/// The square root of the sum of squares over `axes`, which vanish; no square overflows or vanishes on the way,
/// and the gradient at 0 is 0.
#[derive(Clone, Debug)]
pub struct Norm2 {
    /// The axes.
    pub axes: Shape,
}

impl Op for Norm2 {
    const NAME: &'static str = "norm2";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT.and(Keeps::OUTPUT)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float("norm")?;
        Ok(smallvec![
            x[0].with_shape(&without("norm", x[0], &self.axes)?)
        ])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::norm2(&x[0], &self.axes)])
    }

    /// `g x / y`, where the quotient is at most 1 whatever their sizes.
    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let (x, y) = (k.input(0), k.output(0));
            let wide = |v: &Var| stretch(v, x.shape(), &self.axes);
            let origin = y.eq(&y.zeros_like());
            let unit = &x / wide(&Var::where_(&origin, &y.ones_like(), &y));
            unit * wide(&Var::where_(&origin, &g.zeros_like(), g))
        };
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        let axes = shifted(&self.axes);
        crate::apply(Norm2 { axes }, smallvec![x[0].clone()])
    }

    crate::fields!(axes);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], axes: &[usize]| {
            let x = floats(rng, shape, 0.2, 1.0);
            let squares = x.to_f64().iter().map(|v| v * v).collect();
            let squares = Tensor::from_vec(squares, shape).expect("as many");
            let sum = plain_fold(&squares, axes, 0.0, |a, b| a + b);
            let root = sum.to_f64().iter().map(|v| v.sqrt()).collect();
            let want = Tensor::from_vec(root, sum.shape()).expect("as many");
            Case::new(Norm2 { axes: axes.into() }, vec![x]).want(vec![want])
        };
        vec![
            case(&[3, 4], &[1]),
            case(&[3, 4], &[0]),
            case(&[2, 3, 4], &[0, 2]),
            case(&[70], &[0]),
            case(&[2, 2], &[]),
        ]
    }
}
