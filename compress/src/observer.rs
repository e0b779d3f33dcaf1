//! Observers: which range a value has, and which codes cover it.

use lepton_autograd::{DType, Error, Result, Tensor};
use lepton_tensor::ops::{self, QuantParams, ReduceOp};

/// The least scale of PyTorch's observers: a value that is always 0 still gets codes.
const OBSERVED_SCALE: f32 = f32::EPSILON;

/// The least scale whose reciprocal is a float: codes of a narrower range could not be computed.
const LEAST_SCALE: f32 = f32::MIN_POSITIVE;

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
        let extreme = |op| ops::reduce(op, x, &axes).item();
        Ok(Some(Range {
            min: extreme(ReduceOp::Min)? as f32,
            max: extreme(ReduceOp::Max)? as f32,
        }))
    }

    /// Codes from `low` to `high` that reach from the least to the largest number and to 0.
    ///
    /// The scale is the width over the number of steps, the code of 0 is `low - rint(min / scale)`.
    /// As in PyTorch's observers no scale is below 2^-23, so a range narrower than 3e-5 is told in
    /// few codes; [`Range::affine_fine`] has no such floor.
    ///
    /// ```
    /// use lepton_compress::Range;
    /// let codes = Range { min: -1.0, max: 4.1 }.affine(0, 255)?;
    /// assert_eq!((codes.scale(), codes.zero()), (0.02, 50));
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `low` and `high` are not codes of i8 or u8, or the range is not finite or too wide for
    /// floats.
    pub fn affine(&self, low: i32, high: i32) -> Result<QuantParams> {
        self.asymmetric(low, high, OBSERVED_SCALE)
    }

    /// [`Range::affine`] with as fine a scale as the range asks for: the same codes where PyTorch's
    /// floor does not bind, and the full precision of the codes where it would.
    ///
    /// # Errors
    /// As [`Range::affine`].
    pub fn affine_fine(&self, low: i32, high: i32) -> Result<QuantParams> {
        self.asymmetric(low, high, self.floor())
    }

    /// Codes from `low` to `high` around 0, whose code is the middle: 0 for i8, 128 for u8. The
    /// floor of the scale is that of [`Range::affine`].
    ///
    /// ```
    /// use lepton_compress::Range;
    /// let codes = Range { min: -1.27, max: 0.3 }.symmetric(-127, 127)?;
    /// assert_eq!((codes.scale(), codes.zero()), (0.01, 0));
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Range::affine`].
    pub fn symmetric(&self, low: i32, high: i32) -> Result<QuantParams> {
        self.centred(low, high, OBSERVED_SCALE)
    }

    /// [`Range::symmetric`] with as fine a scale as the range asks for.
    ///
    /// ```
    /// use lepton_compress::Range;
    /// let tiny = Range { min: -1.27e-6, max: 0.0 };
    /// assert_eq!(tiny.symmetric(-127, 127)?.scale(), f32::EPSILON);
    /// let fine = tiny.symmetric_fine(-127, 127)?.scale();
    /// assert!((fine / 1e-8 - 1.0).abs() < 1e-6, "{fine}");
    /// # Ok::<(), lepton_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Range::affine`].
    pub fn symmetric_fine(&self, low: i32, high: i32) -> Result<QuantParams> {
        self.centred(low, high, self.floor())
    }

    fn asymmetric(&self, low: i32, high: i32, least: f32) -> Result<QuantParams> {
        self.check(low, high)?;
        let (min, max) = (self.min.min(0.0), self.max.max(0.0));
        if !(max - min).is_finite() {
            return Err(self.no_codes());
        }
        let scale = ((max - min) / (high - low) as f32).max(least);
        let zero = low - (min / scale).round_ties_even() as i32;
        QuantParams::new(scale, zero.clamp(low, high), low, high)
    }

    fn centred(&self, low: i32, high: i32, least: f32) -> Result<QuantParams> {
        self.check(low, high)?;
        let most = self.max.max(-self.min).max(0.0);
        let scale = (most / ((high - low) as f32 / 2.0)).max(least);
        let zero = if low < 0 { 0 } else { (low + high + 1) / 2 };
        QuantParams::new(scale, zero, low, high)
    }

    /// The least scale for this range: that of PyTorch where it holds nothing but 0.
    fn floor(&self) -> f32 {
        if self.min == 0.0 && self.max == 0.0 {
            OBSERVED_SCALE
        } else {
            LEAST_SCALE
        }
    }

    /// Refuses ends that are no range, and codes that are none.
    fn check(&self, low: i32, high: i32) -> Result<()> {
        let ordered = self.min <= self.max; // false for NaN
        if !(ordered && self.min.is_finite() && self.max.is_finite()) {
            return Err(self.no_codes());
        }
        QuantParams::new(1.0, low, low, high).map(|_| ())
    }

    fn no_codes(&self) -> Error {
        Error::value(format!(
            "codes: no codes reach from {} to {}; the ends must be finite, in order, and not further \
             apart than the largest float",
            self.min, self.max
        ))
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
    /// Ends that move by `rate` of the difference, above 0 and at most 1; PyTorch's default is 0.01.
    /// Another rate is refused at the first batch.
    pub fn new(rate: f32) -> MovingAverage {
        MovingAverage { rate, range: None }
    }
}

impl RangeObserver for MovingAverage {
    fn observe(&mut self, x: &Tensor) -> Result<()> {
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return Err(Error::value(format!(
                "observer: the rate of a moving average is {}; give one above 0 and at most 1",
                self.rate
            )));
        }
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

/// Rows `[out, in]` of f32 as symmetric i8 codes from -127 to 127, and the scale of each row.
///
/// The range leaves out -128: the largest weight of a row then has a code of its own, so every
/// weight is within half a step. A row of tiny weights keeps its relative precision
/// ([`Range::symmetric_fine`]); where PyTorch's floor does not bind the codes are PyTorch's.
///
/// # Errors
/// When the weights are not f32 `[out, in]`, or one is not finite.
pub fn quantize_rows(w: &Tensor) -> Result<(Tensor, Tensor)> {
    if w.rank() != 2 || w.dtype() != DType::F32 || w.is_meta() {
        return Err(Error::shape(format!(
            "quantize_rows: the weights are {} {:?} on {:?}; give f32 [out, in] with elements",
            w.dtype(),
            w.shape(),
            w.device()
        )));
    }
    let rows = w.shape()[0];
    let mut scales = Vec::with_capacity(rows);
    let mut codes = Vec::with_capacity(w.numel());
    for i in 0..rows {
        let row = w.slice(0, i, 1, 1)?;
        let range = Range::of(&row)?.unwrap_or(Range { min: 0.0, max: 0.0 });
        let of_row = range.symmetric_fine(-127, 127)?;
        scales.push(of_row.scale());
        codes.extend(ops::quantize(&row, &of_row).to_vec::<i8>()?);
    }
    let codes = Tensor::from_vec(codes, w.shape())?;
    Ok((codes, Tensor::from_vec(scales, &[rows])?))
}
