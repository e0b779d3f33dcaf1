//! Determinants, whose derivatives singular matrices have too: they are polynomials.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::linalg::solve::{regular, want_square};

crate::catalogue! {
    pub(crate)
    ops: Cofactor, Det
}

/// The determinant of `[.., n, n]`.
#[derive(Clone, Debug)]
pub struct Det;

/// The gradient by the first input of its determinant's derivative along each of the others, all
/// `[.., n, n]`: of one input the cofactors. Its own derivatives are of the same form.
#[derive(Clone, Debug)]
pub struct Cofactor;

fn cofactor(x: Ins<Var>) -> Var {
    crate::engine::apply::one(Cofactor, x)
}

impl Op for Det {
    const NAME: &'static str = "det";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        want_square("det", x[0])?;
        Ok(smallvec![x[0].with_shape(&x[0].shape[..x[0].rank() - 2])])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::det(&x[0])?])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| g.unsqueeze(-1).unsqueeze(-1) * cofactor(smallvec![k.input(0)]);
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(Det, smallvec![x[0].clone()])
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Det)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = floats(rng, &[3, 2, 2], -1.0, 1.0);
        let minus = |m: &[f64]| m[0] * m[3] - m[1] * m[2];
        let want = x.to_f64().chunks_exact(4).map(minus).collect();
        let want = Tensor::from_vec(want, &[3]).expect("three");
        let case = |x: Tensor| Case::new(Det, vec![x]);
        vec![
            case(x).want(vec![want]),
            case(regular(rng, &[], 3)),
            case(singular()),
        ]
    }
}

impl Op for Cofactor {
    const NAME: &'static str = "cofactor";

    fn keeps(&self) -> Keeps {
        Keeps {
            inputs: u64::MAX,
            ..Keeps::NONE
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let first = *x
            .first()
            .ok_or_else(|| Error::shape("cofactor: there is no matrix"))?;
        want_square("cofactor", first)?;
        if let Some(other) = x.iter().find(|m| **m != first) {
            return Err(Error::shape(format!(
                "cofactor: {} {:?} is no direction for {} {:?}; they must agree",
                other.dtype, other.shape, first.dtype, first.shape
            )));
        }
        Ok(smallvec![first.clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::cofactors(&x[0], &x[1..])?])
    }

    /// By the matrix, the next derivative, along the cotangent; by a direction, in which the result is
    /// linear, the same derivative with the cotangent in its place.
    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let all: Ins<Var> = (0..k.inputs()).map(|i| k.input(i)).collect();
        let by = |i: usize, g: &Var| {
            let mut x = all.clone();
            match i {
                0 => x.push(g.clone()),
                _ => x[i] = g.clone(),
            }
            cofactor(x)
        };
        let of = |i| g[0].as_ref().filter(|_| k.needs(i)).map(|g| by(i, g));
        (0..k.inputs()).map(of).collect()
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(Cofactor, all_batched(x, batched, n))
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Cofactor)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = floats(rng, &[2, 2, 2], -1.0, 1.0);
        let turned = |m: &[f64]| [m[3], -m[2], -m[1], m[0]];
        let want = x.to_f64().chunks_exact(4).flat_map(turned).collect();
        let want = Tensor::from_vec(want, &[2, 2, 2]).expect("eight");
        let along = floats(rng, &[3, 3], -1.0, 1.0);
        vec![
            Case::new(Cofactor, vec![x]).want(vec![want]),
            Case::new(Cofactor, vec![regular(rng, &[], 3), along.clone()]),
            Case::new(Cofactor, vec![singular(), along]),
        ]
    }
}

/// A matrix of rank 1.
fn singular() -> Tensor {
    let x = vec![0.5f64, 1.0, -1.0, 1.0, 2.0, -2.0, -0.5, -1.0, 1.0];
    Tensor::from_vec(x, &[3, 3]).expect("nine")
}

impl Var {
    /// The determinant of square matrices. Its gradient, the cofactors, exists for singular ones too.
    ///
    /// ```
    /// use lepton_autograd::{Var, grad};
    /// let x = Var::new(&[0.0f64, 0.0, 0.0, 1.0], &[2, 2]);
    /// let g = grad(|x| x.det().unwrap(), &x).unwrap();
    /// assert_eq!(g.to_vec::<f64>().unwrap(), [1.0, 0.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Errors
    /// When the matrices are not square or an element is not finite.
    pub fn det(&self) -> Result<Var> {
        Ok(self.try_apply(Det)?.swap_remove(0))
    }
}
