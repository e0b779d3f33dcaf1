//! The singular value decomposition.

use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use lepton_tensor::ops::{self};
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

crate::catalogue! {
    pub(crate)
    ops: Svd
}

/// The reduced singular value decomposition `x = u diag(s) vh` of `[.., m, n]`.
///
/// The gradient (Townsend 2016) needs distinct singular values, and is of a function of the factors
/// that does not depend on their signs.
#[derive(Clone, Debug)]
pub struct Svd;

impl Op for Svd {
    const NAME: &'static str = "svd";
    const LOOPS: bool = false;

    fn keeps(&self) -> Keeps {
        Keeps {
            outputs: 7,
            ..Keeps::SHAPE
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float("svd")?;
        let r = x[0].rank();
        if r < 2 {
            return Err(Error::shape(format!(
                "svd: wants matrices, got shape {:?}",
                x[0].shape
            )));
        }
        let (batch, m, n) = (&x[0].shape[..r - 2], x[0].shape[r - 2], x[0].shape[r - 1]);
        let k = m.min(n);
        let with = |tail: &[usize]| x[0].with_shape(&[batch, tail].concat());
        Ok(smallvec![with(&[m, k]), with(&[k]), with(&[k, n])])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(ops::svd(&x[0])?.into_iter().collect())
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        if g.iter().all(Option::is_none) {
            return smallvec![None];
        }
        let (u, s, vh) = (k.output(0), k.output(1), k.output(2));
        let (row, col) = (s.unsqueeze(-2), s.unsqueeze(-1));
        let size = s.shape()[s.rank() - 1];
        let eye = Var::eye(size, s.dtype(), s.device());
        // E[i, j] = s_j^2 - s_i^2, with ones on the diagonal, where the numerator is 0.
        let e = row.square() - col.square() + &eye;
        let skew = |a: Var| &a - a.t();
        let mut core = Var::zeros(
            &[&s.shape()[..s.rank() - 1], &[size, size]].concat(),
            s.dtype(),
            s.device(),
        );
        if let Some(gs) = &g[1] {
            core = core + gs.unsqueeze(-1) * &eye;
        }
        if let Some(gu) = &g[0] {
            core = core + skew(u.t().matmul(gu)) / &e * &row;
        }
        if let Some(gv) = g[2].as_ref().map(Var::t) {
            core = core + &col * (skew(vh.matmul(&gv)) / &e);
        }
        let mut out = u.matmul(&core).matmul(&vh);
        let (m, n) = (
            k.shape(0)[k.meta(0).rank() - 2],
            k.shape(0)[k.meta(0).rank() - 1],
        );
        if let Some(gu) = g[0].as_ref().filter(|_| m > size) {
            let scaled = gu / &row;
            out = out + (&scaled - u.matmul(&u.t().matmul(&scaled))).matmul(&vh);
        }
        if let Some(gvh) = g[2].as_ref().filter(|_| n > size) {
            let scaled = gvh / &col;
            out = out + u.matmul(&(&scaled - scaled.matmul(&vh.t()).matmul(&vh)));
        }
        smallvec![Some(out)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(Svd, smallvec![x[0].clone()])
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Svd)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        // Well separated singular values: orthogonal-ish noise around a stretched diagonal.
        let mut case = |m: usize, n: usize| {
            let mut x = floats(rng, &[m, n], -0.2, 0.2).to_f64();
            (0..m.min(n)).for_each(|i| x[i * n + i] += 1.0 + i as f64);
            Case::new(Svd, vec![Tensor::from_vec(x, &[m, n]).expect("as many")])
        };
        vec![case(3, 3), case(4, 2), case(2, 3)]
    }
}

impl Var {
    /// The reduced singular value decomposition `(u, s, vh)`, singular values falling.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[3.0f32, 0.0, 0.0, -2.0], &[2, 2]);
    /// let (u, s, vh) = x.svd()?;
    /// assert_eq!(s.to_vec::<f32>()?, [3.0, 2.0]);
    /// let back = (u * s).matmul(&vh);
    /// assert!((back - x).abs().amax(&[]).item()? < 1e-6);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an element is not finite, or there are fewer than two axes.
    pub fn svd(&self) -> Result<(Var, Var, Var)> {
        let mut out = self.try_apply(Svd)?.into_iter();
        let mut next = || out.next().expect("three outputs");
        Ok((next(), next(), next()))
    }
}
