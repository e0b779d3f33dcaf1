//! Observers: which range a value has, and which codes cover it.

use lepton_autograd::{Error, Result, Tensor};
use lepton_tensor::ops::{self, Extreme, Fold, QuantParams};

/// The least scale, PyTorch's: a value that is always 0 still gets codes.
const LEAST_SCALE: f32 = f32::EPSILON;

/// The least and the largest of many numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least.
    pub min: f32,
    /// The largest.
    pub max: f32,
}

impl Range {
    /// The range of the elements of `x`, `None` when there are none.
    ///
    /// # Errors
    /// When an element is not finite: no codes cover it.
    pub fn of(x: &Tensor) -> Result<Option<Range>> {
        if x.numel() == 0 {
            return Ok(None);
        }
        if !ops::all_finite(x) {
            return Err(Error::value(
                "observer: a value is not finite; no codes cover it, so look for where it comes from",
            ));
        }
        let axes: Vec<usize> = (0..x.rank()).collect();
        let extreme = |e| ops::reduce(Fold::Extreme(e), x, &axes).item();
        Ok(Some(Range {
            min: extreme(Extreme::Min)? as f32,
            max: extreme(Extreme::Max)? as f32,
        }))
    }

    /// Codes from `low` to `high` that reach from the least to the largest number and to 0.
    ///
    /// The scale is the width over the number of steps, the code of 0 is `low - rint(min / scale)`.
    ///
    /// ```
    /// use lepton_compress::Range;
    /// let codes = Range { min: -1.0, max: 4.1 }.affine(0, 255)?;
    /// assert_eq!((codes.scale(), codes.zero()), (0.02, 50));
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `low` and `high` are not codes of i8 or u8.
    pub fn affine(&self, low: i32, high: i32) -> Result<QuantParams> {
        let (min, max) = (self.min.min(0.0), self.max.max(0.0));
        let scale = ((max - min) / (high - low) as f32).max(LEAST_SCALE);
        let zero = low - (min / scale).round_ties_even() as i32;
        QuantParams::new(scale, zero.clamp(low, high), low, high)
    }

    /// Codes from `low` to `high` around 0, whose code is the middle: 0 for i8, 128 for u8.
    ///
    /// ```
    /// use lepton_compress::Range;
    /// let codes = Range { min: -1.27, max: 0.3 }.symmetric(-127, 127)?;
    /// assert_eq!((codes.scale(), codes.zero()), (0.01, 0));
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `low` and `high` are not codes of i8 or u8.
    pub fn symmetric(&self, low: i32, high: i32) -> Result<QuantParams> {
        let most = self.max.max(-self.min).max(0.0);
        let scale = (most / ((high - low) as f32 / 2.0)).max(LEAST_SCALE);
        let zero = if low < 0 { 0 } else { (low + high + 1) / 2 };
        QuantParams::new(scale, zero, low, high)
    }
}

/// Sees batches of a value and answers with the range that its codes should cover.
pub trait RangeObserver {
    /// Sees a batch.
    ///
    /// # Errors
    /// When an element is not finite.
    fn observe(&mut self, x: &Tensor) -> Result<()>;

    /// The range so far, `None` when nothing was seen.
    fn range(&self) -> Option<Range>;
}

/// The range of all that was seen.
///
/// ```
/// use lepton_compress::{MinMax, Range, RangeObserver};
/// use lepton_tensor::Tensor;
/// let mut seen = MinMax::default();
/// seen.observe(&Tensor::from_vec(vec![1.0f32, -2.0], &[2])?)?;
/// seen.observe(&Tensor::from_vec(vec![3.0f32], &[1])?)?;
/// assert_eq!(seen.range(), Some(Range { min: -2.0, max: 3.0 }));
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MinMax(Option<Range>);

impl RangeObserver for MinMax {
    fn observe(&mut self, x: &Tensor) -> Result<()> {
        if let Some(new) = Range::of(x)? {
            let old = self.0.unwrap_or(new);
            self.0 = Some(Range {
                min: old.min.min(new.min),
                max: old.max.max(new.max),
            });
        }
        Ok(())
    }

    fn range(&self) -> Option<Range> {
        self.0
    }
}

/// Ends that follow each batch's by a share `rate` of the difference; the first batch sets them.
#[derive(Clone, Copy, Debug)]
pub struct MovingAverage {
    rate: f32,
    range: Option<Range>,
}

impl MovingAverage {
    /// Ends that move by `rate` of the difference; PyTorch's default is 0.01.
    pub fn new(rate: f32) -> MovingAverage {
        MovingAverage { rate, range: None }
    }
}

impl RangeObserver for MovingAverage {
    fn observe(&mut self, x: &Tensor) -> Result<()> {
        if let Some(new) = Range::of(x)? {
            let old = self.range.unwrap_or(new);
            self.range = Some(Range {
                min: old.min + self.rate * (new.min - old.min),
                max: old.max + self.rate * (new.max - old.max),
            });
        }
        Ok(())
    }

    fn range(&self) -> Option<Range> {
        self.range
    }
}

/// Rows `[out, in]` as symmetric i8 codes from -127 to 127, and the scale of each row.
///
/// The range leaves out -128: the largest weight of a row then has a code of its own, so every
/// weight is within half a step.
///
/// # Errors
/// When a weight is not finite.
pub fn quantize_rows(w: &Tensor) -> Result<(Tensor, Tensor)> {
    let rows = w.shape()[0];
    let mut scales = Vec::with_capacity(rows);
    let mut codes = Vec::with_capacity(rows);
    for i in 0..rows {
        let row = w.slice(0, i, 1, 1)?;
        let range = Range::of(&row)?.unwrap_or(Range { min: 0.0, max: 0.0 });
        let of_row = range.symmetric(-127, 127)?;
        scales.push(of_row.scale());
        codes.push(ops::quantize(&row, &of_row));
    }
    Ok((ops::cat(&codes, 0), Tensor::from_vec(scales, &[rows])?))
}
