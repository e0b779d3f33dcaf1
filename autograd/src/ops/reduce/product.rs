//! Products, norms and logarithms of sums: folds made of ops, with no division by an input.

use std::ops::Range;

use lepton_tensor::simd::Lane;

use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;

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
    pub fn keep_axes(&self, before: &Var, axes: &[isize]) -> Var {
        let axes = before.axes("keep_axes", axes);
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
    /// Halves are multiplied until one is left, so a zero needs no care in any derivative.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[2.0f32, 3.0, 4.0], &[3]).prod(&[]).item().unwrap(), 24.0);
    /// ```
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn prod(&self, axes: &[isize]) -> Var {
        let x = if self.dtype().is_float() {
            self.clone()
        } else {
            self.to_dtype(lepton_tensor::DType::I64)
        };
        let mut x = x.merged("prod", axes);
        let last = x.rank() - 1;
        while x.shape()[last] > 1 {
            let n = x.shape()[last];
            let half = n / 2;
            let product = x.slice(last, 0, half, 1) * x.slice(last, half, half, 1);
            x = if n % 2 == 1 {
                Var::cat(&[product, x.slice(last, n - 1, 1, 1)], -1)
            } else {
                product
            };
        }
        if x.shape()[last] == 0 {
            return Var::ones(&x.shape()[..last], x.dtype(), x.device());
        }
        x.squeeze(-1)
    }

    /// A running fold along `axis` by doubling strides (Hillis and Steele 1986): `log n` steps.
    fn running(&self, axis: usize, f: impl Fn(&Var, &Var) -> Var) -> Var {
        let n = self.shape()[axis];
        let (mut x, mut step) = (self.clone(), 1);
        while step < n {
            let folded = f(
                &x.slice(axis, 0, n - step, 1),
                &x.slice(axis, step, n - step, 1),
            );
            x = Var::cat(&[x.slice(axis, 0, step, 1), folded], axis as isize);
            step *= 2;
        }
        x
    }

    /// Running products along `axis`; integers and bool give i64.
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn cumprod(&self, axis: isize) -> Var {
        let x = if self.dtype().is_float() {
            self.clone()
        } else {
            self.to_dtype(lepton_tensor::DType::I64)
        };
        if x.rank() == 0 {
            return x;
        }
        x.running(x.axis("cumprod", axis), |a, b| a * b)
    }

    /// Running `ln sum e^x` along `axis`.
    ///
    /// # Panics
    /// When the axis is out of range.
    #[track_caller]
    pub fn logcumsumexp(&self, axis: isize) -> Var {
        if self.rank() == 0 {
            return self.clone();
        }
        self.running(self.axis("logcumsumexp", axis), Var::logaddexp)
    }

    /// The `p`-norm over `axes` (all when empty), which vanish; its gradient at 0 is 0.
    ///
    /// `p` may be infinite (the extreme magnitude; ties share the gradient), 0 (how many are not 0)
    /// or negative.
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn norm(&self, p: f64, axes: &[isize]) -> Var {
        if p == 2.0 {
            return self.square().sum(axes).map(SqrtFlat);
        }
        let size = self.abs();
        let zero = size.zeros_like();
        if p == f64::INFINITY {
            return size.amax(axes);
        } else if p == f64::NEG_INFINITY {
            return size.amin(axes);
        } else if p == 1.0 {
            return size.sum(axes);
        } else if p == 0.0 {
            return self.ne(&zero).to_dtype(self.dtype()).sum(axes);
        } else if p < 0.0 {
            return size.pow_scalar(p).sum(axes).pow_scalar(1.0 / p);
        }
        power_from_zero(&power_from_zero(&size, p).sum(axes), 1.0 / p)
    }

    /// The standard deviation over `axes` (all when empty) with `correction` taken off the count;
    /// its gradient is 0 where it is 0.
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn std(&self, axes: &[isize], correction: f64) -> Var {
        self.var(axes, correction).map(SqrtFlat)
    }

    /// The square root, with slope 0 at 0.
    pub fn sqrt_flat(&self) -> Var {
        self.clone().map(SqrtFlat)
    }

    /// The `p`-norm of the difference to `other`, broadcasting.
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn dist(&self, other: &Var, p: f64) -> Var {
        (self - other).norm(p, &[])
    }

    /// The `p`-norms between rows of `[.., n, d]` and rows of `[.., m, d]`, as `[.., n, m]`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    #[track_caller]
    pub fn cdist(&self, other: &Var, p: f64) -> Var {
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
