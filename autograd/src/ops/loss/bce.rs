//! The binary cross entropy of logits.

use std::ops::Range;

use lepton_tensor::simd::{Lane, Libm};

use crate::engine::elementwise::Binary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::elementwise::binary::zip;

crate::catalogue! {
    pub(crate)
    binary: BceWithLogits;
}

/// `-y ln sigmoid(x) - (1 - y) ln sigmoid(-x)` for logits `x` and targets `y`, which keeps its digits where it is
/// small.
#[derive(Clone, Copy, Debug, Default)]
pub struct BceWithLogits;

impl Binary for BceWithLogits {
    const NAME: &'static str = "bce_with_logits";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-4.0..4.0, 0.0..1.0];

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        let small = (-x.abs()).exp().libm(Libm {
            name: "log1p",
            f: f64::ln_1p,
        });
        // The large terms cancel before the small one is added.
        x.max(T::splat(0.0)) - x * y + small
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x.exp().ln_1p() - x * y
    }
    /// In `x`, `sigmoid(x) - y` without its cancellation.
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let x = k.input(0);
        let to_x = || {
            let y = k.input(1);
            g * ((1.0 - &y) * x.sigmoid() - y * (-&x).sigmoid())
        };
        [k.needs(0).then(to_x), k.needs(1).then(|| -(g * &x))]
    }
}

impl Var {
    /// The binary cross entropy of each logit and its target from 0 to 1, broadcasting: PyTorch's
    /// `F.binary_cross_entropy_with_logits` without reduction.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let loss = Var::scalar(15.0f32).bce_with_logits(&Var::scalar(1.0f32)).item().unwrap();
    /// assert!((loss / (-15f64).exp() - 1.0).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn bce_with_logits(&self, targets: &Var) -> Var {
        zip(BceWithLogits, self.clone().float(), targets.clone().float())
    }
}
