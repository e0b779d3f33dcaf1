//! Running sums along an axis.

use crate::engine::apply::OrPanic;
use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Op, Outs};
use crate::engine::var::Var;
use crate::ops::reduce::sum::without;
use lepton_tensor::ops::{self};
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Meta, Result, Tensor, layout};
use smallvec::smallvec;

crate::catalogue! {
    pub(crate)
    ops: CumSum
}

/// Running sums along `axis`.
#[derive(Clone, Debug)]
pub struct CumSum {
    /// The axis.
    pub axis: usize,
}

impl Op for CumSum {
    const NAME: &'static str = "cumsum";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        without("cumsum", x[0], &[self.axis])?;
        let dtype = if x[0].dtype.is_float() {
            x[0].dtype
        } else {
            DType::I64
        };
        Ok(smallvec![x[0].with_dtype(dtype)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::cumsum(&x[0], self.axis)])
    }

    fn vjp(&self, _: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![
            g[0].as_ref()
                .map(|g| g.flip(self.axis).cumsum(self.axis as isize).flip(self.axis))
        ]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| t.cumsum(self.axis as isize))]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(
            CumSum {
                axis: self.axis + 1,
            },
            smallvec![x[0].clone()],
        )
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = floats(rng, &[3, 4], -1.0, 1.0);
        let v = x.to_f64();
        let want = (0..12)
            .map(|i| (0..=i / 4).map(|r| v[r * 4 + i % 4]).sum::<f64>())
            .collect();
        let want = Tensor::from_vec(want, &[3, 4]).expect("as many");
        vec![
            Case::new(CumSum { axis: 0 }, vec![x]).want(vec![want]),
            Case::new(CumSum { axis: 1 }, vec![floats(rng, &[2, 0], 0.0, 1.0)]),
        ]
    }
}

impl Var {
    /// Running sums along `axis`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).cumsum(0).to_vec::<f32>()?, [1.0, 3.0, 6.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Var {
        let axis = layout::axis("cumsum", axis, self.rank()).or_panic();
        crate::engine::apply::one(CumSum { axis }, smallvec![self.clone()])
    }
}
