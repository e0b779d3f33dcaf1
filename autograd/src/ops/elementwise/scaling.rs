//! Powers of 2: what an element is scaled by so that products and powers of it stay in range.

use std::ops::Range;

use lepton_tensor::DType;
use lepton_tensor::simd::Lane;

use crate::engine::elementwise::{Binary, Unary};
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::elementwise::binary::zip;

crate::catalogue! {
    pub(crate)
    unary: Exponent;
    binary: Ldexp;
}

/// The exponent of 2 in an element, `floor(log2 |x|)`, also of subnormals; 0 for zeros, infinities and NaN. Its
/// slope is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exponent;

impl Unary for Exponent {
    const NAME: &'static str = "exponent";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: Range<f64> = 2.1..3.9;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let c = T::splat;
        let size = x.abs();
        let has = c(0.0).lt(size) & size.lt(c(f64::INFINITY));
        // Away from both ends of the exponents, so that subnormals become normal.
        let small = size.lt(c(1.0));
        let up = T::select(small, c(2f64.powi(64)), c(2f64.powi(-64)));
        let by = T::select(small, c(65.0), c(-63.0));
        let (_, e) = T::select(has, size * up, c(1.0)).frexp();
        T::select(has, e - by, c(0.0))
    }
    fn reference(&self, x: f64) -> f64 {
        x.abs().log2().floor()
    }
    fn vjp(&self, _: &Saved<'_>, g: &Var) -> Var {
        g.zeros_like()
    }
}

/// `x 2^n`, rounded once, for the whole number nearest to `n`; its slope in `n` counts as 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ldexp;

impl Binary for Ldexp {
    const NAME: &'static str = "ldexp";
    const KEEPS: Keeps = Keeps {
        inputs: 2,
        ..Keeps::NONE
    };
    const DOMAIN: [Range<f64>; 2] = [-2.0..2.0, 1.6..2.4];

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, n: T) -> T {
        x.scale(n.round_even())
    }
    fn reference(&self, x: f64, n: f64) -> f64 {
        x * 2f64.powf(n.round())
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        [
            k.needs(0).then(|| g.ldexp(&k.input(1))),
            k.needs(1).then(|| g.zeros_like()),
        ]
    }
}

impl Var {
    /// The exponents of 2 as constants.
    pub(crate) fn exponent(&self) -> Var {
        self.detach().map(Exponent)
    }

    /// `self 2^n` for whole `n`; from where the result has become 0 or infinite, `n` counts no further.
    pub(crate) fn ldexp(&self, n: &Var) -> Var {
        zip(Ldexp, self.clone(), n.clone())
    }

    /// Whole exponents held to what [`Var::ldexp`] can scale by at once.
    pub(crate) fn held_exponent(&self) -> Var {
        let most = if self.dtype() == DType::F32 {
            250.0
        } else {
            2000.0
        };
        self.clamp(-most, most)
    }
}
