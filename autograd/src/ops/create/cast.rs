//! Constants, casts, and the op that stops gradients. They are ops, so that a trace sees them.

use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Device, Meta, Result, Shape, Tensor, numel, ops};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Op, Outs};
use crate::engine::var::Var;
use crate::ops::create::promotion::want_held;

crate::catalogue! {
    pub(crate)
    ops: Cast, Detach, Full
}

/// A constant at every index.
#[derive(Clone, Debug)]
pub struct Full {
    /// The shape.
    pub shape: Shape,
    /// The value.
    pub value: f64,
    /// The dtype.
    pub dtype: DType,
    /// Whether it lives on the device `Meta` (not part of a program: data decides when it runs).
    pub meta: bool,
}

impl Op for Full {
    const NAME: &'static str = "full";

    fn infer(&self, _: &[&Meta]) -> Result<Outs<Meta>> {
        numel(&self.shape)?;
        // As a cast: to bool by whether it is 0.
        if self.dtype != DType::Bool {
            want_held("full", self.dtype, self.value)?;
        }
        Ok(smallvec![Meta {
            shape: self.shape.clone(),
            dtype: self.dtype
        }])
    }

    fn forward(&self, _: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let device = if self.meta { Device::Meta } else { Device::Cpu };
        Ok(smallvec![ops::full(
            &self.shape,
            self.value,
            self.dtype,
            device
        )?])
    }

    fn vjp(&self, _: &Saved<'_>, _: &[Option<Var>]) -> Ins<Option<Var>> {
        Ins::new()
    }

    fn batch(&self, _: &[Var], _: &[bool], n: usize) -> Result<Outs<Var>> {
        let y = crate::apply(self.clone(), Ins::new())?;
        Ok(smallvec![y[0].repeat_outer(n)])
    }

    fn attrs(&self) -> Attrs {
        Attrs::new()
            .shape("shape", &self.shape)
            .float("value", self.value)
            .dtype("dtype", self.dtype)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        Ok(Full {
            shape: a.get_sizes("shape")?.into(),
            value: a.get_float("value")?,
            dtype: a.get_dtype("dtype")?,
            meta: false,
        })
    }

    #[inline]
    fn cases(_: &mut Rng) -> Vec<Case<Self>> {
        let op = Full {
            shape: smallvec![2, 3],
            value: 1.5,
            dtype: DType::F64,
            meta: false,
        };
        let want = Tensor::from_vec(vec![1.5f64; 6], &[2, 3]).expect("as many");
        vec![Case::new(op, vec![]).want(vec![want])]
    }
}

/// Another dtype; gradients are cast back.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The dtype of the result.
    pub to: DType,
    /// The dtype of the input, for the way back.
    from: DType,
}

impl Op for Cast {
    const NAME: &'static str = "cast";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        Ok(smallvec![x[0].with_dtype(self.to)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::cast(&x[0], self.to)])
    }

    fn vjp(&self, _: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![g[0].as_ref().map(|g| g.to_dtype(self.from))]
    }

    fn jvp(&self, _: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![t[0].as_ref().map(|t| t.to_dtype(self.to))]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        Ok(smallvec![x[0].to_dtype(self.to)])
    }

    crate::fields!(to, from);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = floats(rng, &[3, 4], -5.0, 5.0);
        let whole: Vec<i64> = x.to_f64().iter().map(|v| v.trunc() as i64).collect();
        let want = Tensor::from_vec(whole, &[3, 4]).expect("as many");
        let same = Case::new(
            Cast {
                to: DType::F64,
                from: DType::F64,
            },
            vec![x.clone()],
        )
        .want(vec![x.clone()]);
        vec![
            Case::new(
                Cast {
                    to: DType::I64,
                    from: DType::F64,
                },
                vec![x],
            )
            .want(vec![want]),
            same,
        ]
    }
}

/// The value without its gradient.
#[derive(Clone, Debug)]
pub struct Detach;

impl Op for Detach {
    const NAME: &'static str = "detach";
    const STOPS: bool = true;

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![x[0].expand(x[0].shape())?])
    }

    fn vjp(&self, _: &Saved<'_>, _: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![None]
    }

    fn jvp(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Outs<Option<Var>> {
        smallvec![None]
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        Ok(smallvec![x[0].detach()])
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Detach)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let x = floats(rng, &[4], -1.0, 1.0);
        vec![
            Case::new(Detach, vec![x.clone()])
                .gradient(0, crate::engine::case::Gradient::Surrogate)
                .want(vec![x]),
        ]
    }
}

impl Var {
    /// `value` at every index of `shape`.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::full(&[2], 7.0, DType::F32, Device::Cpu);
    /// assert_eq!(x.to_vec::<f32>()?, [7.0, 7.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shape is too large, an integer dtype cannot hold the value, or the device cannot hold
    /// tensors in this build.
    #[track_caller]
    pub fn full(shape: &[usize], value: f64, dtype: DType, device: Device) -> Var {
        device.check().or_panic();
        let op = Full {
            shape: shape.into(),
            value,
            dtype,
            meta: device == Device::Meta,
        };
        crate::engine::apply::one(op, Ins::new())
    }

    /// Zeros.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::zeros(&[2], DType::I64, Device::Cpu);
    /// assert_eq!(x.to_vec::<i64>()?, [0, 0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn zeros(shape: &[usize], dtype: DType, device: Device) -> Var {
        Var::full(shape, 0.0, dtype, device)
    }

    /// Ones.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let x = Var::ones(&[2], DType::F64, Device::Cpu);
    /// assert_eq!(x.to_vec::<f64>()?, [1.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn ones(shape: &[usize], dtype: DType, device: Device) -> Var {
        Var::full(shape, 1.0, dtype, device)
    }

    /// Zeros of this variable's shape, dtype and device.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).zeros_like().to_vec::<f32>()?, [0.0, 0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn zeros_like(&self) -> Var {
        Var::zeros(self.shape(), self.dtype(), self.device())
    }

    /// Ones of this variable's shape, dtype and device.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[3.0f32, 4.0], &[2]).ones_like().to_vec::<f32>()?, [1.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn ones_like(&self) -> Var {
        Var::ones(self.shape(), self.dtype(), self.device())
    }

    /// The elements as another dtype: floats to integers truncate, to bool compare with 0.
    ///
    /// ```
    /// use lepton_autograd::{DType, Var};
    /// let x = Var::new(&[1.75f32, -1.75, 0.0], &[3]);
    /// assert_eq!(x.to_dtype(DType::I64).to_vec::<i64>()?, [1, -1, 0]);
    /// assert_eq!(x.to_dtype(DType::Bool).to_vec::<bool>()?, [true, true, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn to_dtype(&self, dtype: DType) -> Var {
        self.clone().into_dtype(dtype)
    }

    pub(crate) fn into_dtype(self, to: DType) -> Var {
        if self.dtype() == to {
            return self;
        }
        let from = self.dtype();
        crate::engine::apply::one(Cast { to, from }, smallvec![self])
    }

    /// The same value, as a constant.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(2.0f32));
    /// assert!((&x * &x).detach().is_constant());
    /// ```
    pub fn detach(&self) -> Var {
        crate::engine::apply::one(Detach, smallvec![self.clone()])
    }
}
