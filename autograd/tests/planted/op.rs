//! `c a b^2` by element, with every rule a hook that a flaw may replace.

use std::fmt::Debug;
use std::marker::PhantomData;

use lepton_autograd::{
    Attrs, Case, Gradient, Ins, Keeps, Listed, Meta, Op, Outs, Result, Saved, Tensor, Var, apply,
    floats,
};
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, ops};

/// What may be wrong; the defaults are right.
pub(crate) trait Flaw: Copy + Debug + Default + Send + Sync + 'static {
    const NAME: &'static str;
    const KEEPS: Keeps = Keeps::INPUTS;
    const GRADIENT: Gradient = Gradient::Exact;
    const RANDOM: bool = false;

    fn before(_: &mut [Tensor]) {}
    fn elements(x: &Tensor) -> Vec<f64> {
        x.to_f64()
    }
    fn value(c: f64, a: f64, b: f64) -> f64 {
        c * a * b * b
    }
    fn of_dtype(v: f64, _: DType) -> f64 {
        v
    }
    fn second_output(_: &Tensor) -> Option<Tensor> {
        None
    }
    /// The dtype that the shape rule gives for f64.
    fn says() -> DType {
        DType::F64
    }
    fn vjp(c: f64, k: &Saved<'_>, g: &Var) -> [Var; 2] {
        let (a, b) = (k.input(0), k.input(1));
        [g * (b.square() * c), g * (a * b * (2.0 * c))]
    }
    fn jvp(c: f64, x: &[Var], t: &[Option<Var>]) -> Option<Var> {
        right_jvp(c, x, t)
    }
    fn batch(x: &[Var], batched: &[bool]) -> Ins<Var> {
        let n = x[usize::from(!batched[0])].shape()[0];
        right_batch(x, batched, n)
    }
    fn attrs(c: f64) -> Attrs {
        Attrs::new().float("c", c)
    }
}

pub(crate) fn right_jvp(c: f64, x: &[Var], t: &[Option<Var>]) -> Option<Var> {
    let a = t[0].as_ref().map(|t| t * (x[1].square() * c));
    let b = t[1].as_ref().map(|t| t * (&x[0] * &x[1] * (2.0 * c)));
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

pub(crate) fn right_batch(x: &[Var], batched: &[bool], n: usize) -> Ins<Var> {
    let all = |(x, &b): (&Var, &bool)| {
        if b {
            x.clone()
        } else {
            x.expand(&[&[n], x.shape()].concat())
        }
    };
    x.iter().zip(batched).map(all).collect()
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Weighted<F> {
    c: f64,
    flaw: PhantomData<F>,
}

impl<F: Flaw> Op for Weighted<F>
where
    Weighted<F>: Listed,
{
    const NAME: &'static str = F::NAME;

    fn keeps(&self) -> Keeps {
        F::KEEPS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let y = match x[0].dtype {
            DType::F64 => x[0].with_dtype(F::says()),
            _ => x[0].clone(),
        };
        let two = F::second_output(&Tensor::scalar(0.0)).map(|_| x[0].clone());
        Ok(std::iter::once(y).chain(two).collect())
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        F::before(x);
        let pairs = F::elements(&x[0]).into_iter().zip(F::elements(&x[1]));
        let dtype = x[0].dtype();
        let y = pairs.map(|(a, b)| F::of_dtype(F::value(self.c, a, b), dtype));
        let y = Tensor::from_vec(y.collect(), x[0].shape())?;
        Ok(std::iter::once(ops::cast(&y, dtype))
            .chain(F::second_output(&x[0]))
            .collect())
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let mut out = match &g[0] {
            Some(g) => F::vjp(self.c, k, g).map(Some),
            None => [None, None],
        };
        // The second output is the first input.
        if let Some(Some(more)) = g.get(1) {
            out[0] = Some(out[0].take().map_or(more.clone(), |g| g + more));
        }
        out.into_iter().collect()
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let two = F::second_output(&Tensor::scalar(0.0)).map(|_| t[0].clone());
        std::iter::once(F::jvp(self.c, x, t)).chain(two).collect()
    }

    fn batch(&self, x: &[Var], batched: &[bool], _: usize) -> Result<Outs<Var>> {
        apply(self.clone(), F::batch(x, batched))
    }

    fn attrs(&self) -> Attrs {
        F::attrs(self.c)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        let c = a.get_float("c").unwrap_or(1.0);
        Ok(Weighted {
            c,
            flaw: PhantomData,
        })
    }

    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize]| {
            let op = Weighted {
                c: 1.5,
                flaw: PhantomData,
            };
            let x = vec![floats(rng, shape, 0.5, 2.0), floats(rng, shape, 0.5, 2.0)];
            let case = Case::new(op, x)
                .gradient(0, F::GRADIENT)
                .gradient(1, F::GRADIENT);
            if F::RANDOM { case.random() } else { case }
        };
        vec![case(&[2, 3]), case(&[4])]
    }
}
