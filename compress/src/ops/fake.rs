//! Fake quantisation: floats rounded to what codes can say, with a gradient that passes through.

use std::ops::Range;

use lepton_autograd::{
    Attrs, Case, Gradient, Ins, Keeps, Map, Meta, Op, Outs, Result, Saved, Tensor, Unary, Var,
    floats,
};
use lepton_nn::Rng;
use lepton_tensor::ops::{self, IntMap, QuantParams};
use lepton_tensor::simd::{Lane, MapBody, Num};

use super::codes;

/// `x` rounded to the nearest number that has a code, and held within their range; NaN stays NaN.
///
/// Rounding is flat almost everywhere, so its true gradient is of no use. The straight-through
/// estimator (Bengio, Leonard and Courville 2013) passes the gradient unchanged where `x` lies
/// within the range, ends included, and stops it elsewhere.
///
/// ```
/// use lepton_autograd::{Tensor, Var};
/// use lepton_compress::{QuantParams, ops::FakeQuantize};
/// let x = Var::leaf(Tensor::from_vec(vec![0.3f32, -0.6, 9.0], &[3])?);
/// let y = x.try_apply(FakeQuantize(QuantParams::new(0.25, 0, -8, 7)?))?.remove(0);
/// assert_eq!(y.to_vec::<f32>()?, [0.25, -0.5, 1.75]);
/// let grads = y.sum(&[]).backward();
/// assert_eq!(grads.of(&x).unwrap().to_vec::<f32>()?, [1.0, 1.0, 0.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FakeQuantize(pub QuantParams);

#[derive(Clone, Copy)]
struct Body(QuantParams);

impl MapBody for Body {
    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        self.0.value(self.0.code(x))
    }
}

impl IntMap for Body {
    const INT: bool = false;
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        x
    }
}

impl Op for FakeQuantize {
    const NAME: &'static str = "fake_quantize";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        x[0].dtype.want_float(Self::NAME)?;
        Ok(Outs::from_buf([x[0].clone()]))
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(Outs::from_buf([ops::map(&mut x[0], &Body(self.0))]))
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let inside = || k.input(0).try_apply(Map(InRange(self.0)));
        let pass = |g: &Var| g * &inside().expect("a float, as the input was")[0];
        [g[0].as_ref().map(pass)].into_iter().collect()
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        x[0].try_apply(self.clone())
    }

    fn attrs(&self) -> Attrs {
        codes::put(Attrs::new(), "", &self.0)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        codes::get(a, "").map(FakeQuantize)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |codes: QuantParams, shape: &[usize]| {
            let x = floats(rng, shape, -3.0, 3.0);
            let plain = |x: f64| {
                let (scale, zero) = (f64::from(codes.scale()), f64::from(codes.zero()));
                let q = (x / scale).round_ties_even() + zero;
                (q.clamp(codes.low().into(), codes.high().into()) - zero) * scale
            };
            let want = x.to_f64().into_iter().map(plain).collect();
            let want = Tensor::from_vec(want, shape).expect("as many");
            Case::new(FakeQuantize(codes), vec![x])
                .want(vec![want])
                .gradient(0, Gradient::Surrogate)
        };
        let codes =
            |scale, zero, low, high| QuantParams::new(scale, zero, low, high).expect("a range");
        vec![
            case(codes(0.25, 0, -8, 7), &[3, 5]),
            case(codes(0.03125, 40, 0, 127), &[67]),
            case(codes(0.5, 3, -128, 127), &[]),
            case(codes(0.5, 7, 0, 15), &[2, 0]),
        ]
    }
}

/// 1 where the code of `x` needs no clamping, ends included, else 0; flat, so without gradient.
#[derive(Clone, Copy, Debug)]
pub struct InRange(pub QuantParams);

impl Default for InRange {
    fn default() -> InRange {
        InRange(QuantParams::new(0.25, 1, -8, 7).expect("a range of i8"))
    }
}

impl Unary for InRange {
    const NAME: &'static str = "in_range";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: Range<f64> = -4.0..4.0;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        let q = self.0.unclamped(x);
        let (low, high) = (
            T::splat(self.0.low().into()),
            T::splat(self.0.high().into()),
        );
        T::one_where(low.le(q) & q.le(high))
    }
    fn reference(&self, x: f64) -> f64 {
        let q = (x / f64::from(self.0.scale())).round_ties_even() as i32 + self.0.zero();
        f64::from((self.0.low()..=self.0.high()).contains(&q))
    }
    fn vjp(&self, _: &Saved<'_>, g: &Var) -> Var {
        g.zeros_like()
    }
    fn attrs(&self) -> Attrs {
        codes::put(Attrs::new(), "", &self.0)
    }
    fn from_attrs(a: &Attrs) -> Result<Self> {
        codes::get(a, "").map(InRange)
    }
}
