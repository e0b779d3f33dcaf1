//! Rounding: steps, of slope 0.

use std::ops::Range;

use lepton_tensor::Result;
use lepton_tensor::simd::{Lane, Num};

use crate::engine::attrs::{Attr, Attrs};
use crate::engine::elementwise::Unary;
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    unary: Rounding;
}

/// Which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Down.
    #[default]
    Floor,
    /// Up.
    Ceil,
    /// To the nearest, ties to even.
    Round,
    /// Towards 0.
    Trunc,
}

const NAMES: [(Way, &str); 4] = [
    (Way::Floor, "floor"),
    (Way::Ceil, "ceil"),
    (Way::Round, "round"),
    (Way::Trunc, "trunc"),
];

/// The integer next to `x`, one way; its slope is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rounding(pub Way);

impl Unary for Rounding {
    const NAME: &'static str = "rounding";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: Range<f64> = 0.1..0.4;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        match self.0 {
            Way::Floor => x.floor(),
            Way::Ceil => x.ceil(),
            Way::Round => x.round_even(),
            Way::Trunc => x.trunc(),
        }
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x
    }
    fn reference(&self, x: f64) -> f64 {
        let down = x as i64 as f64 - f64::from(u8::from((x as i64 as f64) > x));
        match self.0 {
            Way::Floor => down,
            Way::Ceil => down + f64::from(u8::from(down < x)),
            Way::Round => (x + 0.5).floor(),
            Way::Trunc => x as i64 as f64,
        }
    }
    fn vjp(&self, _: &Saved<'_>, g: &Var) -> Var {
        g.zeros_like()
    }
    fn attrs(&self) -> Attrs {
        let name = NAMES
            .iter()
            .find(|n| n.0 == self.0)
            .map_or("floor", |n| n.1);
        Attrs::new().put("way", Attr::Text(name.to_owned()))
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        let name = a.get_text("way")?;
        let found = NAMES.iter().find(|n| n.1 == name);
        found
            .map(|n| Rounding(n.0))
            .ok_or_else(|| lepton_tensor::Error::format(format!("rounding: unknown way '{name}'")))
    }
}

impl Var {
    /// The largest integer not above; its gradient is 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.5f32, -1.5], &[2]).floor().to_vec::<f32>()?, [1.0, -2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn floor(&self) -> Var {
        self.clone().map(Rounding(Way::Floor))
    }
    /// The smallest integer not below; its gradient is 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.5f32, -1.5], &[2]).ceil().to_vec::<f32>()?, [2.0, -1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn ceil(&self) -> Var {
        self.clone().map(Rounding(Way::Ceil))
    }
    /// The nearest integer, ties to even; its gradient is 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[0.5f32, 1.5, 2.5], &[3]).round().to_vec::<f32>()?, [0.0, 2.0, 2.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn round(&self) -> Var {
        self.clone().map(Rounding(Way::Round))
    }
    /// The nearest multiple of `10^-decimals`; its gradient is 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::scalar(1.2345f64);
    /// assert!((x.round_to(2).item()? - 1.23).abs() < 1e-12);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn round_to(&self, decimals: i32) -> Var {
        let scale = 10f64.powf(f64::from(decimals.unsigned_abs()));
        if decimals < 0 {
            (self / scale).round() * scale
        } else {
            (self * scale).round() / scale
        }
    }
    /// The integer part; its gradient is 0.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.5f32, -1.5], &[2]).trunc().to_vec::<f32>()?, [1.0, -1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn trunc(&self) -> Var {
        self.clone().map(Rounding(Way::Trunc))
    }
    /// What is left after the integer part.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.5f32, -1.5], &[2]).frac().to_vec::<f32>()?, [0.5, -0.5]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn frac(&self) -> Var {
        self - self.trunc()
    }
}
