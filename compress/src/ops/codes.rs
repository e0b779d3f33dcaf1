//! Floats to 8-bit codes, and how codes are told in attributes.

use lepton_autograd::{
    Attrs, Case, DType, Gradient, Ins, Meta, Op, Outs, Result, Tensor, Var, floats,
};
use lepton_autograd::{Error, Saved};
use lepton_nn::Rng;
use lepton_tensor::ops::{self, QuantParams};

/// `attrs` with the fields of `codes`, each name after `prefix`.
pub(super) fn put(attrs: Attrs, prefix: &str, codes: &QuantParams) -> Attrs {
    let name = |field: &str| format!("{prefix}{field}");
    attrs
        .float(&name("scale"), codes.scale().into())
        .int(&name("zero"), codes.zero().into())
        .int(&name("low"), codes.low().into())
        .int(&name("high"), codes.high().into())
}

/// The codes that [`put`] has told.
pub(super) fn get(attrs: &Attrs, prefix: &str) -> Result<QuantParams> {
    let int = |field: &str| {
        let value = attrs.get_int(&format!("{prefix}{field}"))?;
        i32::try_from(value)
            .map_err(|_| Error::format(format!("attribute '{prefix}{field}': {value} is no code")))
    };
    let scale = attrs.get_float(&format!("{prefix}scale"))? as f32;
    QuantParams::new(scale, int("zero")?, int("low")?, int("high")?)
}

/// Floats to i8 or u8 codes: `clamp(rint(x / scale) + zero, low, high)`, NaN as the code of 0.
///
/// Codes are integers, so no gradient passes; training uses [`super::FakeQuantize`].
///
/// ```
/// use lepton_autograd::Var;
/// use lepton_compress::{QuantParams, ops::Quantize};
/// let q = Quantize(QuantParams::new(0.5, 0, -128, 127)?);
/// let y = Var::new(&[0.25f32, 0.75, -1000.0], &[3]).try_apply(q)?;
/// assert_eq!(y[0].to_vec::<i8>()?, [0, 2, -128]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Quantize(pub QuantParams);

impl Op for Quantize {
    const NAME: &'static str = "quantize";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float(Self::NAME)?;
        Ok(Outs::from_buf([Meta::new(&x[0].shape, self.0.dtype())]))
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(Outs::from_buf([ops::quantize(&single(&x[0]), &self.0)]))
    }

    fn vjp(&self, _: &Saved<'_>, _: &[Option<Var>]) -> Ins<Option<Var>> {
        [None].into_iter().collect()
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        x[0].try_apply(self.clone())
    }

    fn attrs(&self) -> Attrs {
        put(Attrs::new(), "", &self.0)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        get(a, "").map(Quantize)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |codes: Result<QuantParams>, shape: &[usize]| {
            let codes = codes.expect("a range of codes");
            // Eighths: many of them tie, and ties go to even.
            let eighths = floats(rng, shape, -320.0, 320.0).to_f64();
            let x: Vec<f64> = eighths.into_iter().map(|x| x.round() / 8.0).collect();
            let plain = |x: &f64| {
                let q = (x / f64::from(codes.scale())).round_ties_even() as i32 + codes.zero();
                f64::from(q.clamp(codes.low(), codes.high()))
            };
            let want = Tensor::from_vec(x.iter().map(plain).collect(), shape).expect("as many");
            let x = Tensor::from_vec(x, shape).expect("as many");
            Case::new(Quantize(codes), vec![x])
                .gradient(0, Gradient::None)
                .want(vec![ops::cast(&want, codes.dtype())])
        };
        vec![
            case(QuantParams::new(0.25, 3, -128, 127), &[3, 5]),
            case(QuantParams::new(0.5, 100, 0, 255), &[300]),
            case(QuantParams::new(0.125, 0, -8, 7), &[]),
            case(QuantParams::new(0.125, 7, 0, 15), &[2, 0]),
        ]
    }
}

/// `x` as f32.
pub(super) fn single(x: &Tensor) -> Tensor {
    if x.dtype() == DType::F32 {
        x.clone()
    } else {
        ops::cast(x, DType::F32)
    }
}
