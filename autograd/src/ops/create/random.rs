//! Randomness as a function of its inputs: the counter is data, so a replay draws the same.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Tensor};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::case::{Case, Gradient, floats};
use crate::engine::elementwise::Body;
use crate::engine::lift::batch_by_loop;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::elementwise::arithmetic::MulScalar;
use crate::ops::elementwise::binary::Mul;

crate::catalogue! {
    pub(crate)
    ops: DropoutOp
}

/// Zeroes each element with probability `p` and divides the rest by `1 - p` (Srivastava et al.
/// 2014). The second input is the counter `[seed, stream]` (i64); the second output is the factor
/// of each element.
#[derive(Clone, Debug)]
pub struct DropoutOp {
    /// The probability of a zero, in `[0, 1)`.
    pub p: f64,
}

impl Op for DropoutOp {
    const NAME: &'static str = "dropout";

    fn keeps(&self) -> Keeps {
        Keeps {
            outputs: 2,
            ..Keeps::NONE
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float("dropout")?;
        if !(0.0..1.0).contains(&self.p) {
            return Err(Error::value(format!(
                "dropout: p must be in [0, 1), got {}",
                self.p
            )));
        }
        if x[1].dtype != DType::I64 || x[1].shape[..] != [2] {
            return Err(Error::shape(format!(
                "dropout: the counter is {} {:?}, must be i64 [2]",
                x[1].dtype, x[1].shape
            )));
        }
        Ok(smallvec![x[0].clone(), x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let counter = x[1].to_vec::<i64>()?;
        let draw = ops::uniform(
            counter[0] as u64,
            counter[1] as u64,
            x[0].shape(),
            x[0].dtype(),
        );
        let limit = ops::full(draw.shape(), self.p, draw.dtype(), draw.device())?;
        let keep = ops::compare(
            &limit,
            &draw,
            &crate::ops::elementwise::compare::Relation::Le,
        );
        let scale = Body(MulScalar(1.0 / (1.0 - self.p)));
        let factor = ops::map(&mut ops::cast(&keep, x[0].dtype()), &scale);
        let y = ops::zip(&mut x[0], &mut factor.clone(), &Body(Mul));
        Ok(smallvec![y, factor])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![g[0].as_ref().map(|g| g * k.output(1).detach()), None]
    }

    fn jvp(&self, _: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| t * y[1].detach()), None]
    }

    /// Examples draw apart: by their own counters where they have some, else as one draw.
    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        if batched[1] && n > 0 {
            return batch_by_loop(self, x, batched, n);
        }
        let counter = match batched[1] {
            true => Var::zeros(&[2], DType::I64, x[1].device()),
            false => x[1].clone(),
        };
        let value = if batched[0] {
            x[0].clone()
        } else {
            x[0].repeat_outer(n)
        };
        crate::apply(self.clone(), smallvec![value, counter])
    }

    crate::fields!(p);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let counter = Tensor::from_vec(vec![rng.below(1 << 40) as i64, 3], &[2]).expect("two");
        let x = floats(rng, &[4, 8], -1.0, 1.0);
        vec![
            Case::new(DropoutOp { p: 0.4 }, vec![x, counter])
                .gradient(1, Gradient::None)
                .random(),
        ]
    }
}

impl Var {
    /// Zeroes each element with probability `p` and divides the rest by `1 - p`; `seed` and `stream`
    /// decide which.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::ones(&[1000], DType::F32, Device::Cpu);
    /// let y = x.dropout(0.5, 7, 0);
    /// // What is kept is doubled; the same seed and stream draw the same.
    /// assert!(y.to_vec::<f32>()?.iter().all(|&v| v == 0.0 || v == 2.0));
    /// assert_eq!(y.to_vec::<f32>()?, x.dropout(0.5, 7, 0).to_vec::<f32>()?);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When `p` is outside `[0, 1)` or the dtype is not a float.
    #[track_caller]
    pub fn dropout(&self, p: f64, seed: u64, stream: u64) -> Var {
        let counter = Var::new(&[seed as i64, stream as i64], &[2]);
        self.dropout_at(p, &counter)
    }

    /// As [`Var::dropout`], with the counter `[seed, stream]` (i64) as a variable.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::ones(&[100], DType::F32, Device::Cpu);
    /// let counter = Var::new(&[7i64, 0], &[2]);
    /// let (y, same) = (x.dropout_at(0.5, &counter), x.dropout(0.5, 7, 0));
    /// assert_eq!(y.to_vec::<f32>()?, same.to_vec::<f32>()?);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When `p` is outside `[0, 1)`, or the counter is not i64 `[2]`.
    #[track_caller]
    pub fn dropout_at(&self, p: f64, counter: &Var) -> Var {
        crate::engine::apply::one(DropoutOp { p }, smallvec![self.clone(), counter.clone()])
    }

    /// Uniform values in `[0, 1)` as a function of seed, stream and position.
    ///
    /// ```
    /// use lepton_autograd::{DType, Var};
    /// let x = Var::rand(&[100], DType::F32, 7, 0);
    /// assert!(x.to_vec::<f32>()?.iter().all(|&v| (0.0..1.0).contains(&v)));
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the dtype is not a float.
    #[track_caller]
    pub fn rand(shape: &[usize], dtype: DType, seed: u64, stream: u64) -> Var {
        dtype.want_float("rand").or_panic();
        ops::uniform(seed, stream, shape, dtype).into()
    }

    /// Standard normal values as a function of seed, stream and position.
    ///
    /// ```
    /// use lepton_autograd::{DType, Var};
    /// let x = Var::randn(&[10_000], DType::F64, 7, 0);
    /// assert!(x.mean(&[]).item()?.abs() < 0.05);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the dtype is not a float.
    #[track_caller]
    pub fn randn(shape: &[usize], dtype: DType, seed: u64, stream: u64) -> Var {
        dtype.want_float("randn").or_panic();
        ops::normal(seed, stream, shape, dtype).into()
    }
}
