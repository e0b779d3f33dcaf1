//! Integer codes of floats, and products of codes with exact sums.

use crate::kernel::gemm::{MatMut, MatRef};
use crate::kernel::gemm_i8::{Byte, PackedBytes, gemm_i8};
use crate::kernel::tile_load::GRAIN;
use crate::simd::{self, Lane, Level, MapBody};
use crate::{DType, Error, Result, Tensor, threads};

/// Values on their way to codes: few enough that the buffer is cheap also for one short row.
const TILE: usize = 128;

/// How 8-bit codes stand for numbers: code `q` is the number `(q - zero) * scale`.
///
/// Invariants: `scale` is a positive finite number with a finite reciprocal; `low < high` are codes
/// of i8 when `low` is negative, else of u8; `zero` lies between them, so 0 has an exact code.
///
/// ```
/// use lepton_tensor::ops::{Codes, dequantize, quantize};
/// use lepton_tensor::{DType, Tensor};
/// let codes = Codes::new(0.5, 3, 0, 255)?;
/// let x = Tensor::from_vec(vec![-9.0f32, 0.0, 0.25, 0.75, 100.0], &[5])?;
/// let q = quantize(&x, &codes);
/// assert_eq!(q.to_vec::<u8>()?, [0, 3, 3, 5, 203]);
/// assert_eq!(dequantize(&q, &codes).to_vec::<f32>()?, [-1.5, 0.0, 0.0, 1.0, 100.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Codes {
    scale: f32,
    zero: i32,
    low: i32,
    high: i32,
}

impl Codes {
    /// Codes from `low` to `high`, of which `zero` stands for 0, `scale` apart.
    ///
    /// # Errors
    /// When the scale is not a usable positive number, the range is not one of i8 or u8, or `zero`
    /// lies outside it.
    pub fn new(scale: f32, zero: i32, low: i32, high: i32) -> Result<Codes> {
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
        Ok(Codes {
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
    pub fn rectified(self) -> Codes {
        Codes {
            low: self.low.max(self.zero),
            ..self
        }
    }
}

/// Codes as integer-valued floats, NaN as the code of 0, ready to be narrowed.
#[derive(Clone, Copy)]
struct Encode(Codes);

impl MapBody for Encode {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let q = self.0.code(x);
        T::select(q.is_nan(), T::splat(self.0.zero.into()), q)
    }
}

/// A code as it is stored.
trait Code: Byte + crate::dtype::Element {
    fn of(x: f32) -> Self;
}

impl Code for u8 {
    #[inline(always)]
    fn of(x: f32) -> u8 {
        x as u8
    }
}

impl Code for i8 {
    #[inline(always)]
    fn of(x: f32) -> i8 {
        x as i8
    }
}

/// Writes the codes of `x`, at most a tile, to `out`.
fn encode<C: Code>(level: Level, codes: &Codes, x: &[f32], out: &mut [C]) {
    let mut rounded = [0.0f32; TILE];
    let rounded = &mut rounded[..x.len()];
    simd::map_slice(level, &Encode(*codes), x, rounded);
    out.iter_mut()
        .zip(rounded)
        .for_each(|(q, v)| *q = C::of(*v));
}

/// The codes of f32 values; NaN becomes the code of 0.
pub fn quantize(x: &Tensor, codes: &Codes) -> Tensor {
    fn run<C: Code>(x: &Tensor, codes: &Codes) -> Tensor {
        let level = simd::level();
        let x = x.contiguous();
        let src = x.as_slice::<f32>().expect("contiguous");
        Tensor::build(x.shape(), |out: &mut [C]| {
            threads::parallel_chunks(out, GRAIN, |i, chunk| {
                for (j, part) in chunk.chunks_mut(TILE).enumerate() {
                    let first = i * GRAIN + j * TILE;
                    encode(level, codes, &src[first..first + part.len()], part);
                }
            });
        })
    }
    if codes.dtype() == DType::U8 {
        run::<u8>(x, codes)
    } else {
        run::<i8>(x, codes)
    }
}

/// The f32 values that codes stand for.
pub fn dequantize(q: &Tensor, codes: &Codes) -> Tensor {
    let values = crate::ops::cast(q, DType::F32);
    let src = values.as_slice::<f32>().expect("a cast is contiguous");
    Tensor::build(q.shape(), |out: &mut [f32]| {
        out.iter_mut()
            .zip(src)
            .for_each(|(y, &q)| *y = (q - codes.zero as f32) * codes.scale)
    })
}

/// Weights `[n, k]` of i8, packed as the right side of `x w^T`.
pub fn pack_i8(w: &Tensor) -> PackedBytes {
    let w = w.contiguous();
    let shape = [w.shape()[0], w.shape()[1]];
    PackedBytes::new(MatRef::rows_of(w.as_slice::<i8>().expect("contiguous"), shape).t())
}

/// `a [m, k]` (i8 or u8) times packed weights, as i32 sums that never saturate.
pub fn matmul_i8(a: &Tensor, w: &PackedBytes) -> Tensor {
    let [k, n] = w.shape();
    let m = a.shape()[0];
    let a = a.contiguous();
    Tensor::build(&[m, n], |out: &mut [i32]| {
        let c = MatMut::rows_of(out, [m, n]);
        match a.dtype() {
            DType::U8 => gemm_i8(simd::level(), rows::<u8>(&a, [m, k]), w, c),
            _ => gemm_i8(simd::level(), rows::<i8>(&a, [m, k]), w, c),
        }
    })
}

fn rows<C: Code>(a: &Tensor, shape: [usize; 2]) -> MatRef<'_, C> {
    MatRef::rows_of(a.as_slice::<C>().expect("contiguous"), shape)
}

/// The most inputs of a dense layer on codes: sums of products with a zero point fit 32 bits.
pub const LINEAR_I8_INPUTS: usize = i32::MAX as usize / (255 * 128);

/// A dense layer on codes.
#[derive(Clone, Copy, Debug)]
pub struct LinearI8<'a> {
    /// What the input's codes mean.
    pub input: Codes,
    /// Weights, symmetric codes.
    pub weights: &'a PackedBytes,
    /// The scale of each row of weights, f32 `[n]`.
    pub scales: &'a Tensor,
    /// f32 `[n]`.
    pub bias: Option<&'a Tensor>,
    /// Whether the rectifier follows.
    pub relu: bool,
    /// The codes to answer in; f32 values without.
    pub output: Option<Codes>,
}

/// The layer's output for codes `x [m, k]`: exact sums, then one product, one sum and one rounding
/// in f32 per element.
///
/// # Panics
/// When `k` is beyond [`LINEAR_I8_INPUTS`].
pub fn linear_i8(x: &Tensor, layer: &LinearI8<'_>) -> Tensor {
    let [k, n] = layer.weights.shape();
    assert!(
        k <= LINEAR_I8_INPUTS,
        "linear_i8: {k} inputs may leave 32 bits; split them"
    );
    let sums = matmul_i8(x, layer.weights);
    let sums = sums.as_slice::<i32>().expect("fresh");
    let (finish, level) = (Finish::new(layer), simd::level());
    let shape = [x.shape()[0], n];
    match layer
        .output
        .map(|c| if layer.relu { c.rectified() } else { c })
    {
        None => Tensor::build(&shape, |out: &mut [f32]| {
            finish.each(sums, out, |values, out| out.copy_from_slice(values))
        }),
        Some(c) if c.dtype() == DType::U8 => Tensor::build(&shape, |out: &mut [u8]| {
            finish.each(sums, out, |values, out| encode(level, &c, values, out))
        }),
        Some(c) => Tensor::build(&shape, |out: &mut [i8]| {
            finish.each(sums, out, |values, out| encode(level, &c, values, out))
        }),
    }
}

/// From exact sums to values, column by column.
struct Finish<'a> {
    /// What the zero point adds to each sum.
    shifts: Vec<i32>,
    factors: Vec<f32>,
    bias: Option<std::borrow::Cow<'a, [f32]>>,
    floor: f32,
}

impl<'a> Finish<'a> {
    fn new(layer: &LinearI8<'a>) -> Finish<'a> {
        let floats = |t: &'a Tensor| match t.is_contiguous() {
            true => std::borrow::Cow::Borrowed(t.as_slice::<f32>().expect("contiguous")),
            false => std::borrow::Cow::Owned(t.to_vec::<f32>().expect("f32")),
        };
        let (zero, scale) = (layer.input.zero, layer.input.scale);
        // The result fits 32 bits, so what wraps on the way does no harm.
        let shift = |s: &i32| zero.wrapping_mul(*s);
        Finish {
            shifts: layer.weights.column_sums().iter().map(shift).collect(),
            factors: floats(layer.scales).iter().map(|w| scale * w).collect(),
            bias: layer.bias.map(floats),
            floor: if layer.relu { 0.0 } else { f32::NEG_INFINITY },
        }
    }

    /// Calls `write` with a tile of values and its place in `out`; a tile may hold many short rows.
    fn each<C: Send>(&self, sums: &[i32], out: &mut [C], write: impl Fn(&[f32], &mut [C]) + Sync) {
        let n = self.shifts.len();
        threads::parallel_chunks(out, GRAIN, |i, chunk| {
            let mut buffer = [0.0f32; TILE];
            for (t, out) in chunk.chunks_mut(TILE).enumerate() {
                let first = i * GRAIN + t * TILE;
                let values = &mut buffer[..out.len()];
                let mut done = 0;
                while done < values.len() {
                    let col = (first + done) % n;
                    let end = values.len().min(done + n - col);
                    let sums = &sums[first + done..first + end];
                    self.columns(col, sums, &mut values[done..end]);
                    done = end;
                }
                write(values, out);
            }
        });
    }

    /// The values of a row's columns from `first` on.
    fn columns(&self, first: usize, sums: &[i32], values: &mut [f32]) {
        let at = first..first + values.len();
        let parts = self.shifts[at.clone()]
            .iter()
            .zip(&self.factors[at.clone()]);
        for ((v, s), (shift, factor)) in values.iter_mut().zip(sums).zip(parts) {
            *v = s.wrapping_sub(*shift) as f32 * factor;
        }
        if let Some(bias) = &self.bias {
            values.iter_mut().zip(&bias[at]).for_each(|(v, b)| *v += b);
        }
        values.iter_mut().for_each(|v| *v = v.max(self.floor));
    }
}
