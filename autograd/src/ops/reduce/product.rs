//! Products, norms and logarithms of sums: folds made of ops, with no division by an input.

use std::ops::Range;

use lepton_tensor::DType;
use lepton_tensor::simd::Lane;
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::reduce::norm2::Norm2;
use crate::ops::reduce::sum::stretch;
use crate::ops::shape::reshape::broadcast_shape;

crate::catalogue! {
    pub(crate)
    unary: SqrtFlat;
}

/// The square root with slope 0 at 0: what a distance wants, whose square has slope 0 there too.
#[derive(Clone, Copy, Debug, Default)]
pub struct SqrtFlat;

impl Unary for SqrtFlat {
    const NAME: &'static str = "sqrt_flat";
    const KEEPS: Keeps = Keeps::OUTPUT;
    const DOMAIN: Range<f64> = 0.2..4.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        x.sqrt()
    }
    fn reference(&self, x: f64) -> f64 {
        x.powf(0.5)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var {
        let y = k.output(0);
        let origin = y.eq(&y.zeros_like());
        let slope = g / (Var::where_(&origin, &y.ones_like(), &y) * 2.0);
        Var::where_(&origin, &g.zeros_like(), &slope)
    }
}

impl Var {
    /// The result of a fold over `axes`, with these axes kept as size 1.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    /// let sums = x.sum(&[1]).keep_axes(&x, &[1]);
    /// assert_eq!(sums.shape(), [2, 1]);
    /// ```
    ///
    /// # Panics
    /// When this is not such a result.
    #[track_caller]
    pub fn keep_axes(&self, before: &Var, axes: &[isize]) -> Var {
        let axes = before.axes("keep_axes", axes);
        let left: usize = (0..before.rank())
            .filter(|a| !axes.contains(a))
            .map(|a| before.shape()[a])
            .product();
        assert!(
            left == self.numel(),
            "keep_axes: {:?} is no fold of {:?} over axes {axes:?}",
            self.shape(),
            before.shape()
        );
        let shape: Vec<usize> = (0..before.rank())
            .map(|a| {
                if axes.contains(&a) {
                    1
                } else {
                    before.shape()[a]
                }
            })
            .collect();
        self.reshape(&shape)
    }

    /// `axes` moved to the end and merged into one.
    #[track_caller]
    fn merged(&self, what: &str, axes: &[isize]) -> Var {
        let axes = self.axes(what, axes);
        let order: Vec<usize> = (0..self.rank())
            .filter(|a| !axes.contains(a))
            .chain(axes.iter().copied())
            .collect();
        let kept = self.rank() - axes.len();
        let x = self.permute(&order);
        let n = x.shape()[kept..].iter().product();
        x.reshape(&[&x.shape()[..kept], &[n]].concat())
    }

    /// The product over `axes` (all when empty), which vanish; integers and bool give i64.
    ///
    /// Halves are multiplied until one is left, so a zero needs no care in any derivative; powers of 2 are counted
    /// apart, so nothing overflows on the way to a result that does not.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[2.0f32, 3.0, 4.0], &[3]).prod(&[]).item().unwrap(), 24.0);
    /// let x = Var::new(&[1e30f32, 1e30, 1e-30, 1e-30], &[4]);
    /// assert!((x.prod(&[]).item().unwrap() - 1.0).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn prod(&self, axes: &[isize]) -> Var {
        if !self.dtype().is_float() {
            let x = self.to_dtype(lepton_tensor::DType::I64);
            return x.merged("prod", axes).halved(|product| product);
        }
        let x = self.merged("prod", axes);
        let (x, e) = x.mantissa();
        let mut exponent = e.sum(&[-1]);
        let product = x.halved(|product| {
            let (product, e) = product.mantissa();
            exponent = &exponent + e.sum(&[-1]);
            product
        });
        product.ldexp(&exponent.held_exponent())
    }

    /// Elements as mantissas from 1 to 2 and exponents of 2, which are constants.
    fn mantissa(&self) -> (Var, Var) {
        let e = self.exponent();
        (self.ldexp(&-&e), e)
    }

    /// The product over the last axis by halves, of which `step` sees each.
    fn halved(mut self, mut step: impl FnMut(Var) -> Var) -> Var {
        let last = self.rank() - 1;
        while self.shape()[last] > 1 {
            let n = self.shape()[last];
            let half = n / 2;
            let product = self.slice(last, 0, half, 1) * self.slice(last, half, half, 1);
            let product = step(product);
            self = if n % 2 == 1 {
                Var::cat(&[product, self.slice(last, n - 1, 1, 1)], -1)
            } else {
                product
            };
        }
        if self.shape()[last] == 0 {
            return Var::ones(&self.shape()[..last], self.dtype(), self.device());
        }
        self.squeeze(-1)
    }

    /// The `p`-norm over `axes` (all when empty), which vanish; its gradient at 0 is 0.
    ///
    /// `p` may be infinite (the extreme magnitude; ties share the gradient), 0 (how many are not 0)
    /// or negative.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[3.0f32, 4.0], &[2]).norm(2.0, &[]).item()?, 5.0);
    /// assert_eq!(Var::new(&[3.0f32, -4.0], &[2]).norm(1.0, &[]).item()?, 7.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn norm(&self, p: f64, axes: &[isize]) -> Var {
        if p == 2.0 {
            let axes = self.axes("norm", axes);
            return crate::engine::apply::one(Norm2 { axes }, smallvec![self.clone().float()]);
        }
        let size = self.abs();
        if p == f64::INFINITY {
            return size.amax(axes);
        } else if p == f64::NEG_INFINITY {
            return size.amin(axes);
        } else if p == 1.0 {
            return size.sum(axes);
        } else if p == 0.0 {
            let zero = size.zeros_like();
            return self.ne(&zero).to_dtype(self.dtype()).sum(axes);
        }
        size.float().power_norm(p, axes)
    }

    /// `(sum x^p)^(1/p)` of sizes `x`, scaled by a power of 2 next to the one that decides: the largest, and for a
    /// negative `p` the least.
    fn power_norm(&self, p: f64, axes: &[isize]) -> Var {
        let over = self.axes("norm", axes);
        if over.iter().any(|&a| self.shape()[a] == 0) {
            return self.sum(axes).pow_scalar(1.0 / p);
        }
        let constant = self.detach();
        let end = if p > 0.0 {
            constant.amax(axes)
        } else {
            constant.amin(axes)
        };
        // A little less than all exponents, so that gradients have room, too.
        let most = if self.dtype() == DType::F32 {
            100.0
        } else {
            1000.0
        };
        let e = end.exponent().clamp(-most, most);
        let wide = |v: &Var| stretch(v, self.shape(), &over);
        let near = self.ldexp(&-wide(&e));
        if p > 0.0 {
            let sum = power_from_zero(&near, p).sum(axes);
            return power_from_zero(&sum, 1.0 / p).ldexp(&e);
        }
        // One zero makes the norm 0, with gradient 0.
        let origin = end.eq(&end.zeros_like());
        let near = Var::where_(&wide(&origin), &near.ones_like(), &near);
        let y = near.pow_scalar(p).sum(axes).pow_scalar(1.0 / p).ldexp(&e);
        Var::where_(&origin, &y.zeros_like(), &y)
    }

    /// The square root, with slope 0 at 0.
    ///
    /// ```
    /// use lepton_autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(0.0f32));
    /// assert_eq!(x.sqrt_flat().grads(&[x])[0].item()?, 0.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn sqrt_flat(&self) -> Var {
        self.clone().map(SqrtFlat)
    }

    /// The `p`-norm of the difference to `other`, broadcasting.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0], &[2]).dist(&Var::new(&[4.0f32, 6.0], &[2]), 2.0).item()?, 5.0);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn dist(&self, other: &Var, p: f64) -> Var {
        broadcast_shape("dist", self.shape(), other.shape()).or_panic();
        (self - other).norm(p, &[])
    }

    /// The `p`-norms between rows of `[.., n, d]` and rows of `[.., m, d]`, as `[.., n, m]`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[0.0f32, 0.0], &[1, 2]);
    /// assert_eq!(x.cdist(&Var::new(&[3.0f32, 4.0, 0.0, 1.0], &[2, 2]), 1.0).to_vec::<f32>()?, [7.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[track_caller]
    pub fn cdist(&self, other: &Var, p: f64) -> Var {
        let fit = self.rank() >= 2 && other.rank() >= 2 && {
            let ends = |v: &Var| v.shape()[v.rank() - 1];
            let heads = [self, other].map(|v| &v.shape()[..v.rank() - 2]);
            ends(self) == ends(other) && broadcast_shape("cdist", heads[0], heads[1]).is_ok()
        };
        assert!(
            fit,
            "cdist: wants rows of one length, [.., n, d] and [.., m, d], got {:?} and {:?}",
            self.shape(),
            other.shape()
        );
        let gap = self.unsqueeze(-2) - other.unsqueeze(-3);
        if *gap.shape().last().unwrap_or(&1) == 0 {
            return gap.sum(&[-1]);
        }
        gap.norm(p, &[-1])
    }
}

/// `x^p` for `x >= 0` with slope 0 at 0 whatever `p`.
fn power_from_zero(x: &Var, p: f64) -> Var {
    let origin = x.eq(&x.zeros_like());
    let safe = Var::where_(&origin, &x.ones_like(), x);
    Var::where_(&origin, &x.zeros_like(), &safe.pow_scalar(p))
}
