//! Integer codes of floats, and products of codes with exact sums.

use std::borrow::Cow;

use crate::kernel::gemm::{MatMut, MatRef};
use crate::kernel::gemm_i8::{PackedBytes, gemm_i8};
use crate::kernel::quant::{Code, QuantParams, Rescale, encode_all};
use crate::simd;
use crate::{DType, Tensor};

/// The codes of f32 values; NaN becomes the code of 0.
///
/// ```
/// use lepton_tensor::ops::{QuantParams, quantize};
/// use lepton_tensor::Tensor;
/// let symmetric = QuantParams::new(0.1, 0, -127, 127)?;
/// let x = Tensor::from_vec(vec![0.26f32, -50.0, f32::NAN], &[3])?;
/// assert_eq!(quantize(&x, &symmetric).to_vec::<i8>()?, [3, -127, 0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn quantize(x: &Tensor, codes: &QuantParams) -> Tensor {
    fn run<C: Code>(x: &Tensor, codes: &QuantParams) -> Tensor {
        let x = x.contiguous();
        let src = x.as_slice::<f32>().expect("contiguous");
        Tensor::build(x.shape(), |out: &mut [C]| {
            encode_all(simd::level(), codes, src, out)
        })
    }
    match codes.dtype() {
        DType::U8 => run::<u8>(x, codes),
        _ => run::<i8>(x, codes),
    }
}

/// The f32 values that codes stand for.
pub fn dequantize(q: &Tensor, codes: &QuantParams) -> Tensor {
    let values = super::cast(q, DType::F32);
    let src = values.as_slice::<f32>().expect("a cast is contiguous");
    Tensor::build(q.shape(), |out: &mut [f32]| {
        out.iter_mut()
            .zip(src)
            .for_each(|(y, &q)| *y = (q - codes.zero() as f32) * codes.scale())
    })
}

/// Weights `[n, k]` of i8, packed as the right side of `x w^T`.
pub fn pack_i8(w: &Tensor) -> PackedBytes {
    let w = w.contiguous();
    let shape = [w.shape()[0], w.shape()[1]];
    PackedBytes::new(MatRef::rows_of(w.as_slice::<i8>().expect("contiguous"), shape).t())
}

/// `a [m, k]` (i8 or u8) times packed weights, as i32 sums that never saturate.
///
/// ```
/// use lepton_tensor::ops::{matmul_i8, pack_i8};
/// use lepton_tensor::Tensor;
/// let w = pack_i8(&Tensor::from_vec(vec![1i8, -2, 3, 4], &[2, 2])?); // a row for each output
/// let a = Tensor::from_vec(vec![10u8, 255], &[1, 2])?;
/// assert_eq!(matmul_i8(&a, &w).to_vec::<i32>()?, [10 - 2 * 255, 30 + 4 * 255]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
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

/// Codes as a matrix.
fn rows<C: Code>(a: &Tensor, shape: [usize; 2]) -> MatRef<'_, C> {
    MatRef::rows_of(a.as_slice::<C>().expect("contiguous"), shape)
}

/// The most inputs of a dense layer on codes: sums of products with a zero point fit 32 bits.
pub const LINEAR_I8_INPUTS: usize = i32::MAX as usize / (255 * 128);

/// A dense layer on codes.
#[derive(Clone, Copy, Debug)]
pub struct LinearI8<'a> {
    /// What the input's codes mean.
    pub input: QuantParams,
    /// Weights, symmetric codes.
    pub weights: &'a PackedBytes,
    /// The scale of each row of weights, f32 `[n]`.
    pub scales: &'a Tensor,
    /// f32 `[n]`.
    pub bias: Option<&'a Tensor>,
    /// Whether the rectifier follows.
    pub relu: bool,
    /// The codes to answer in; f32 values without.
    pub output: Option<QuantParams>,
}

/// The layer's output for codes `x [m, k]`: exact sums, then one product, one sum and one rounding
/// in f32 per element.
///
/// ```
/// use lepton_tensor::ops::{LinearI8, QuantParams, linear_i8, pack_i8};
/// use lepton_tensor::Tensor;
/// let weights = pack_i8(&Tensor::from_vec(vec![2i8, -1], &[1, 2])?);
/// let layer = LinearI8 {
///     input: QuantParams::new(0.5, 10, 0, 255)?, // code 12 is 1.0
///     weights: &weights,
///     scales: &Tensor::from_vec(vec![0.25f32], &[1])?, // the weights are 0.5 and -0.25
///     bias: Some(&Tensor::from_vec(vec![1.0f32], &[1])?),
///     relu: false,
///     output: None,
/// };
/// let x = Tensor::from_vec(vec![12u8, 14], &[1, 2])?; // 1.0 and 2.0
/// assert_eq!(linear_i8(&x, &layer).to_vec::<f32>()?, [1.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
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
    let (scales, bias) = (floats(layer.scales), layer.bias.map(floats));
    let rescale = Rescale::new(
        &layer.input,
        layer.weights,
        &scales,
        bias.as_deref(),
        layer.relu,
    );
    let level = simd::level();
    let shape = [x.shape()[0], n];
    match layer
        .output
        .map(|c| if layer.relu { c.rectified() } else { c })
    {
        None => Tensor::build(&shape, |out: &mut [f32]| rescale.values(sums, out)),
        Some(c) if c.dtype() == DType::U8 => {
            Tensor::build(&shape, |out: &mut [u8]| rescale.codes(level, &c, sums, out))
        }
        Some(c) => Tensor::build(&shape, |out: &mut [i8]| rescale.codes(level, &c, sums, out)),
    }
}

/// The elements of `t`, copied only where they are strided.
fn floats(t: &Tensor) -> Cow<'_, [f32]> {
    match t.is_contiguous() {
        true => Cow::Borrowed(t.as_slice::<f32>().expect("contiguous")),
        false => Cow::Owned(t.to_vec::<f32>().expect("f32")),
    }
}
