//! Softmax and its logarithm along an axis.

use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor, layout, ops};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: LogSoftmax, Softmax, SoftmaxGrad
}

/// `x - ln sum e^x` along `axis`.
#[derive(Clone, Debug)]
pub struct LogSoftmax {
    /// The axis.
    pub axis: usize,
}

/// `e^x / sum e^x` along `axis`.
#[derive(Clone, Debug)]
pub struct Softmax {
    /// The axis.
    pub axis: usize,
}

impl Op for LogSoftmax {
    const NAME: &'static str = "log_softmax";

    fn keeps(&self) -> Keeps {
        Keeps::OUTPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        shape_rule(Self::NAME, self.axis, x[0])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::softmax(&x[0], self.axis, true)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| grad(g, &k.output(0), self.axis, true);
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(
            LogSoftmax {
                axis: self.axis + 1,
            },
            smallvec![x[0].clone()],
        )
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        plain(rng)
            .into_iter()
            .map(|(axis, x, y)| {
                let log = Tensor::from_vec(y.to_f64().iter().map(|v| v.ln()).collect(), y.shape())
                    .expect("as many");
                Case::new(LogSoftmax { axis }, vec![x]).want(vec![log])
            })
            .collect()
    }
}

impl Op for Softmax {
    const NAME: &'static str = "softmax";

    fn keeps(&self) -> Keeps {
        Keeps::OUTPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        shape_rule(Self::NAME, self.axis, x[0])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::softmax(&x[0], self.axis, false)])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let back = |g: &Var| grad(g, &k.output(0), self.axis, false);
        smallvec![g[0].as_ref().map(back)]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::apply(
            Softmax {
                axis: self.axis + 1,
            },
            smallvec![x[0].clone()],
        )
    }

    crate::fields!(axis);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        plain(rng)
            .into_iter()
            .map(|(axis, x, y)| Case::new(Softmax { axis }, vec![x]).want(vec![y]))
            .collect()
    }
}

/// The gradient of [`Softmax`] (or, where `log`, of [`LogSoftmax`]) for the cotangent `g` of its result
/// `y`, from `g` and `y`: `(g - sum g y) y`, or `g - e^y sum g`.
#[derive(Clone, Debug)]
pub struct SoftmaxGrad {
    /// The axis.
    pub axis: usize,
    /// Whether `y` is the logarithm.
    pub log: bool,
}

pub(crate) fn grad(g: &Var, y: &Var, axis: usize, log: bool) -> Var {
    crate::engine::apply::one(SoftmaxGrad { axis, log }, smallvec![g.clone(), y.clone()])
}

impl Op for SoftmaxGrad {
    const NAME: &'static str = "softmax_grad";

    fn keeps(&self) -> Keeps {
        Keeps::INPUTS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        if x[0] != x[1] {
            return Err(Error::shape(format!(
                "softmax_grad: a cotangent of {} {:?} is not like the result, {} {:?}",
                x[0].dtype, x[0].shape, x[1].dtype, x[1].shape
            )));
        }
        shape_rule(Self::NAME, self.axis, x[1])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::softmax_backward(
            &x[0], &x[1], self.axis, self.log
        )])
    }

    fn vjp(&self, k: &Saved<'_>, u: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(u) = &u[0] else {
            return smallvec![None, None];
        };
        let (g, y, axis) = (k.input(0), k.input(1), self.axis as isize);
        let sum = |v: Var| v.sum(&[axis]).unsqueeze(axis);
        if self.log {
            let e = y.exp();
            return smallvec![
                k.needs(0).then(|| u - sum(u * &e)),
                k.needs(1).then(|| -(u * &e * sum(g))),
            ];
        }
        smallvec![
            // The matrix diag(y) - y y^T is symmetric.
            k.needs(0).then(|| grad(u, &y, self.axis, false)),
            k.needs(1)
                .then(|| u * &g - u * sum(&g * &y) - &g * sum(u * &y)),
        ]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        let axis = self.axis + 1;
        crate::apply(
            SoftmaxGrad { axis, ..*self },
            crate::engine::lift::all_batched(x, batched, n),
        )
    }

    crate::fields!(axis, log);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: [usize; 3], axis: usize, log: bool| {
            let (g, y) = (
                floats(rng, &shape, -1.0, 1.0),
                floats(rng, &shape, -1.0, 1.0),
            );
            let (gs, ys) = (g.to_f64(), y.to_f64());
            let inner: usize = shape[axis + 1..].iter().product();
            let line = |i: usize| i - i / inner % shape[axis] * inner;
            let term = |i: usize| if log { gs[i] } else { gs[i] * ys[i] };
            let total = |i| {
                (0..shape[axis])
                    .map(|r| term(line(i) + r * inner))
                    .sum::<f64>()
            };
            let at = |i: usize| match log {
                true => gs[i] - ys[i].exp() * total(i),
                false => (gs[i] - total(i)) * ys[i],
            };
            let want = Tensor::from_vec((0..gs.len()).map(at).collect(), &shape).expect("as many");
            Case::new(SoftmaxGrad { axis, log }, vec![g, y]).want(vec![want])
        };
        vec![
            case([2, 3, 4], 2, false),
            case([2, 3, 4], 1, true),
            case([1, 1, 9], 2, true),
            case([2, 3, 2], 0, false),
        ]
    }
}

fn shape_rule(what: &str, axis: usize, x: &Meta) -> Result<Outs<Meta>> {
    x.dtype.want_float(what)?;
    layout::axis(what, axis as isize, x.rank())?;
    Ok(smallvec![x.clone()])
}

/// Inputs and their softmax by the definition.
fn plain(rng: &mut Rng) -> Vec<(usize, Tensor, Tensor)> {
    let mut one = |shape: [usize; 3], axis: usize| {
        let x = floats(rng, &shape, -3.0, 3.0);
        let e: Vec<f64> = x.to_f64().iter().map(|v| v.exp()).collect();
        let inner: usize = shape[axis + 1..].iter().product();
        let line = |i: usize| i - i / inner % shape[axis] * inner;
        let total = |i: usize| {
            (0..shape[axis])
                .map(|r| e[line(i) + r * inner])
                .sum::<f64>()
        };
        let y = (0..e.len()).map(|i| e[i] / total(i)).collect();
        (axis, x, Tensor::from_vec(y, &shape).expect("as many"))
    };
    vec![one([2, 3, 4], 2), one([2, 3, 4], 1), one([1, 1, 9], 2)]
}

impl Var {
    /// `e^x / sum e^x` along `axis`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 1.0, 1.0, 1.0], &[4]).softmax(0).to_vec::<f32>()?, [0.25, 0.25, 0.25, 0.25]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or the dtype is not a float.
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Var {
        let axis = layout::axis("softmax", axis, self.rank()).or_panic();
        crate::engine::apply::one(Softmax { axis }, smallvec![self.clone()])
    }

    /// `x - ln sum e^x` along `axis`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let y = Var::new(&[0.0f64, 0.0], &[2]).log_softmax(-1);
    /// assert!((y.to_vec::<f64>().unwrap()[0] + std::f64::consts::LN_2).abs() < 1e-15);
    /// ```
    ///
    /// # Panics
    /// When the axis is out of range or the dtype is not a float.
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Var {
        let axis = layout::axis("log_softmax", axis, self.rank()).or_panic();
        crate::engine::apply::one(LogSoftmax { axis }, smallvec![self.clone()])
    }
}
