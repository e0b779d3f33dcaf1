//! Solving linear systems, determinants and the Cholesky factor.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: Cholesky, Slogdet, Solve
}

/// `x` with `a x = b` for `a [.., n, n]` and `b [.., n, m]` of equal batch axes.
#[derive(Clone, Debug)]
pub struct Solve;

/// Sign and logarithm of the absolute value of the determinant of `[.., n, n]`.
#[derive(Clone, Debug)]
pub struct Slogdet;

/// The lower triangular `l` with `a = l l^T`; the gradient is for symmetric perturbations.
#[derive(Clone, Debug)]
pub struct Cholesky;

pub(crate) fn want_square(what: &str, x: &Meta) -> Result<usize> {
    x.dtype.want_float(what)?;
    match x.shape[..] {
        [.., m, n] if m == n => Ok(n),
        _ => Err(Error::shape(format!(
            "{what}: wants square matrices, got shape {:?}",
            x.shape
        ))),
    }
}

/// Well conditioned matrices: noise around a multiple of the identity.
pub(crate) fn regular(rng: &mut Rng, batch: &[usize], n: usize) -> Tensor {
    let mut x = floats(rng, &[batch, &[n, n]].concat(), -0.5, 0.5);
    x.make_mut::<f64>()
        .chunks_exact_mut(n * n)
        .for_each(|x| (0..n).for_each(|i| x[i * n + i] += 2.0));
    x
}

impl Op for Solve {
    const NAME: &'static str = "solve";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT.and(Keeps::OUTPUT)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let n = want_square("solve", x[0])?;
        let r = x[0].rank();
        let fits = x[1].rank() == r && x[1].shape[r - 2] == n && x[0].dtype == x[1].dtype;
        if !fits || x[0].shape[..r - 2] != x[1].shape[..r - 2] {
            return Err(Error::shape(format!(
                "solve: {} {:?} and {} {:?} are no system [.., n, n] and [.., n, m]",
                x[0].dtype, x[0].shape, x[1].dtype, x[1].shape
            )));
        }
        Ok(smallvec![x[1].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::solve(&x[0], &x[1])?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None];
        };
        let gb = crate::engine::apply::one(Solve, smallvec![k.input(0).t(), g.clone()]);
        let ga = k.needs(0).then(|| -gb.matmul(&k.output(0).t()));
        smallvec![ga, Some(gb)]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(Solve, all_batched(x, batched, n))
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Solve)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |batch: &[usize], n: usize, m: usize| {
            let a = regular(rng, batch, n);
            let x = floats(rng, &[batch, &[n, m]].concat(), -1.0, 1.0);
            let b = Var::from(a.clone()).matmul(&x.clone().into()).into_tensor();
            Case::new(Solve, vec![a, b]).want(vec![x]).no_repeats()
        };
        vec![case(&[], 3, 2), case(&[2], 2, 1), case(&[], 1, 1)]
    }
}

impl Op for Slogdet {
    const NAME: &'static str = "slogdet";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT.and(Keeps::OUTPUT)
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        want_square("slogdet", x[0])?;
        let y = x[0].with_shape(&x[0].shape[..x[0].rank() - 2]);
        Ok(smallvec![y.clone(), y])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(ops::slogdet(&x[0])?.into_iter().collect())
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        // Where the determinant is 0 its logarithm has no slope.
        let back = |g: &Var| {
            let (x, sign) = (k.input(0), k.output(0).detach());
            let singular = sign.eq(&sign.zeros_like()).unsqueeze(-1).unsqueeze(-1);
            let eye = Var::eye(x.shape()[x.rank() - 1], x.dtype(), x.device());
            let inverse = Var::where_(&singular, &eye, &x).inverse();
            let slope = g.unsqueeze(-1).unsqueeze(-1) * inverse.t();
            slope.masked_fill(&singular, f64::NAN)
        };
        smallvec![g[1].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(Slogdet, smallvec![x[0].clone()])
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Slogdet)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = regular(rng, &[2], 2);
        let det: Vec<f64> = x
            .to_f64()
            .chunks_exact(4)
            .map(|m| m[0] * m[3] - m[1] * m[2])
            .collect();
        let of =
            |f: fn(&f64) -> f64| Tensor::from_vec(det.iter().map(f).collect(), &[2]).expect("two");
        let want = vec![of(|d| d.signum()), of(|d| d.abs().ln())];
        vec![
            Case::new(Slogdet, vec![x]).want(want).no_repeats(),
            Case::new(Slogdet, vec![regular(rng, &[], 3)]).no_repeats(),
        ]
    }
}

impl Op for Cholesky {
    const NAME: &'static str = "cholesky";

    fn keeps(&self) -> Keeps {
        Keeps::OUTPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        want_square("cholesky", x[0])?;
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::cholesky(&x[0])?])
    }

    /// `l^-T phi(l^T g) l^-1`, symmetrised, where `phi` is the lower triangle with half its
    /// diagonal (Murray 2016).
    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| {
            let l = k.output(0);
            let n = l.shape()[l.rank() - 1];
            let inner = l.t().matmul(&g.tril(0));
            let half = Var::eye(n, g.dtype(), g.device()) * 0.5;
            let phi = inner.tril(0) - &inner * half;
            let inverse = l.inverse();
            let s = inverse.t().matmul(&phi).matmul(&inverse);
            (&s + s.t()) * 0.5
        };
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(Cholesky, smallvec![x[0].clone()])
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Cholesky)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        // A numeric difference perturbs one triangle; the gradient answers for both, so it is
        // declared, and held against the definition by the reference cases.
        let l = Var::from(regular(rng, &[2], 3)).tril(0);
        let a = l.matmul(&l.t()).into_tensor();
        let case = Case::new(Cholesky, vec![a])
            .want(vec![l.into_tensor()])
            .no_repeats();
        vec![case.gradient(0, crate::Gradient::None)]
    }
}

impl Var {
    /// `x` with `self x = b`, batch axes broadcasting; a vector `b` gives a vector.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let a = Var::new(&[2.0f32, 0.0, 0.0, 4.0], &[2, 2]);
    /// assert_eq!(a.solve(&Var::new(&[2.0f32, 2.0], &[2]))?.to_vec::<f32>()?, [1.0, 0.5]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, or a matrix is singular.
    pub fn solve(&self, b: &Var) -> Result<Var> {
        if b.rank() == 1
            || (b.rank() + 1 == self.rank() && b.shape()[..] == self.shape()[..self.rank() - 1])
        {
            return Ok(self.solve(&b.unsqueeze(-1))?.squeeze(-1));
        }
        want_square("solve", self.meta())?;
        if b.rank() < 2 {
            return Err(Error::shape(format!(
                "solve: the right side has shape {:?}, must be [.., n] or [.., n, m]",
                b.shape()
            )));
        }
        let heads = (&self.shape()[..self.rank() - 2], &b.shape()[..b.rank() - 2]);
        let batch = crate::broadcast_shape("solve", heads.0, heads.1)?;
        let wide = |x: &Var| x.expand(&[&batch[..], &x.shape()[x.rank() - 2..]].concat());
        let x: Ins<Var> = smallvec![wide(self), wide(b)];
        crate::apply(Solve, x).map(|mut y| y.swap_remove(0))
    }

    /// The inverse of square matrices.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let a = Var::new(&[2.0f32, 0.0, 0.0, 4.0], &[2, 2]);
    /// assert_eq!(a.inverse().to_vec::<f32>()?, [0.5, 0.0, 0.0, 0.25]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the matrices are not square or one is singular.
    #[track_caller]
    pub fn inverse(&self) -> Var {
        let n = want_square("inverse", self.meta()).or_panic();
        let eye = Var::eye(n, self.dtype(), self.device());
        let eye = eye.expand(self.shape());
        self.solve(&eye)
            .map_err(|e| e.told_by("inverse"))
            .or_panic()
    }

    /// The sign of the determinant and the logarithm of its absolute value.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let a = Var::new(&[-2.0f64, 0.0, 0.0, 4.0], &[2, 2]);
    /// let (sign, log) = a.slogdet()?;
    /// assert_eq!(sign.item()?, -1.0);
    /// assert!((log.item()? - 8.0f64.ln()).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the matrices are not square or an element is not finite.
    pub fn slogdet(&self) -> Result<(Var, Var)> {
        let mut y = self.try_apply(Slogdet)?.into_iter();
        let mut next = || y.next().expect("two outputs");
        Ok((next(), next()))
    }

    /// The lower triangular `l` with `self = l l^T`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let a = Var::new(&[4.0f32, 2.0, 2.0, 5.0], &[2, 2]);
    /// assert_eq!(a.cholesky()?.to_vec::<f32>()?, [2.0, 0.0, 1.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a matrix is not positive definite.
    pub fn cholesky(&self) -> Result<Var> {
        Ok(self.try_apply(Cholesky)?.swap_remove(0))
    }
}
