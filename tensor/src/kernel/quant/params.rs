//! How 8-bit codes stand for numbers.

use crate::simd::Lane;
use crate::{DType, Error, Result};

/// How 8-bit codes stand for numbers: code `q` is the number `(q - zero) * scale`.
///
/// Invariants: `scale` is a positive finite number with a finite reciprocal; `low < high` are codes
/// of i8 when `low` is negative, else of u8; `zero` lies between them, so 0 has an exact code.
///
/// ```
/// use lepton_tensor::ops::{QuantParams, dequantize, quantize};
/// use lepton_tensor::{DType, Tensor};
/// let codes = QuantParams::new(0.5, 3, 0, 255)?;
/// let x = Tensor::from_vec(vec![-9.0f32, 0.0, 0.25, 0.75, 100.0], &[5])?;
/// let q = quantize(&x, &codes);
/// assert_eq!(q.to_vec::<u8>()?, [0, 3, 3, 5, 203]);
/// assert_eq!(dequantize(&q, &codes).to_vec::<f32>()?, [-1.5, 0.0, 0.0, 1.0, 100.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantParams {
    /// The distance of two neighbours.
    scale: f32,
    /// The code of 0.
    zero: i32,
    /// The least code.
    low: i32,
    /// The largest code.
    high: i32,
}

impl QuantParams {
    /// Codes from `low` to `high`, of which `zero` stands for 0, `scale` apart.
    ///
    /// # Errors
    /// When the scale is not a usable positive number, the range is not one of i8 or u8, or `zero`
    /// lies outside it.
    pub fn new(scale: f32, zero: i32, low: i32, high: i32) -> Result<QuantParams> {
        if !(scale > 0.0 && scale.is_finite() && (1.0 / scale).is_finite()) {
            return Err(Error::value(format!(
                "codes: the scale must be a positive finite number, got {scale}"
            )));
        }
        let (least, most) = if low < 0 { (-128, 127) } else { (0, 255) };
        if low < least || high > most || low >= high || !(low..=high).contains(&zero) {
            return Err(Error::value(format!(
                "codes: {low} to {high} with zero at {zero} must be a range of i8 or u8 with zero inside"
            )));
        }
        Ok(QuantParams {
            scale,
            zero,
            low,
            high,
        })
    }

    /// The distance of two neighbours.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The code of 0.
    pub fn zero(&self) -> i32 {
        self.zero
    }

    /// The least code.
    pub fn low(&self) -> i32 {
        self.low
    }

    /// The largest code.
    pub fn high(&self) -> i32 {
        self.high
    }

    /// What the codes are stored as.
    pub fn dtype(&self) -> DType {
        if self.low < 0 { DType::I8 } else { DType::U8 }
    }

    /// The code of `x` before it is held within the range; NaN stays NaN.
    ///
    /// The quotient is a product with the reciprocal, rounding is half to even, and the zero point
    /// is added after rounding: before, ties would fall elsewhere where it is odd.
    #[inline(always)]
    pub fn unclamped<T: Lane>(&self, x: T) -> T {
        let inverse = T::splat(1.0) / T::splat(self.scale.into());
        (x * inverse).round_even() + T::splat(self.zero.into())
    }

    /// The code of `x`; NaN stays NaN.
    #[inline(always)]
    pub fn code<T: Lane>(&self, x: T) -> T {
        self.unclamped(x).clamp(self.low.into(), self.high.into())
    }

    /// The number that code `q` stands for.
    #[inline(always)]
    pub fn value<T: Lane>(&self, q: T) -> T {
        (q - T::splat(self.zero.into())) * T::splat(self.scale.into())
    }

    /// These codes where what is below 0 becomes 0: the rectifier as a clamp.
    pub fn rectified(self) -> QuantParams {
        QuantParams {
            low: self.low.max(self.zero),
            ..self
        }
    }
}
