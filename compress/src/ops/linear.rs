//! A dense layer on 8-bit codes: exact integer sums, one rounding at the end.

use std::sync::{Arc, OnceLock};

use lepton_autograd::{
    Attrs, Case, Cost, DType, Error, Gradient, Ins, Meta, Op, Outs, Result, Saved, Tensor, Var,
    floats,
};
use lepton_nn::Rng;
use lepton_tensor::ops::{self, LINEAR_I8_INPUTS, LinearI8, PackedBytes, QuantParams};

use super::codes;

/// `activation(x w^T + b)` for codes `x [rows, in]`, codes `w [out, in]` (i8, symmetric, one scale a
/// row), float scales `[out]` and, where there is one, a float bias `[out]`.
///
/// Sums are exact 32-bit integers on every machine. The bias stays a float: it is one number a
/// column, and as an integer it would be rounded to the scale of the sums, or leave their range.
///
/// ```
/// use lepton_autograd::{Var, apply};
/// use lepton_compress::{QuantParams, ops::LinearInt8};
/// let layer = LinearInt8::new(QuantParams::new(0.5, 10, 0, 255)?, None, true);
/// let x = Var::new(&[12u8, 8], &[1, 2]); // 1 and -1
/// let w = Var::new(&[2i8, 1, 1, 2], &[2, 2]); // times 0.25
/// let scales = Var::new(&[0.25f32, 0.25], &[2]);
/// let y = apply(layer, [x, w, scales].into_iter().collect())?;
/// assert_eq!(y[0].to_vec::<f32>()?, [0.25, 0.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LinearInt8 {
    input: QuantParams,
    output: Option<QuantParams>,
    relu: bool,
    packed: Option<Packed>,
}

/// Weights packed at the first use. The handle is kept so that its identity stays its own, and its
/// elements stay what they were: nobody writes to what has a second owner.
#[derive(Clone, Debug, Default)]
struct Packed(Arc<OnceLock<(Tensor, PackedBytes)>>);

impl LinearInt8 {
    /// The layer for inputs in `input` codes, that answers in `output` codes, or without them in floats.
    pub fn new(input: QuantParams, output: Option<QuantParams>, relu: bool) -> LinearInt8 {
        LinearInt8 {
            input,
            output,
            relu,
            packed: None,
        }
    }

    /// What the input's codes mean.
    pub fn input(&self) -> &QuantParams {
        &self.input
    }

    /// What the answer's codes mean, or `None` for floats.
    pub fn output(&self) -> Option<&QuantParams> {
        self.output.as_ref()
    }

    fn run(&self, x: &[Tensor], weights: &PackedBytes) -> Tensor {
        let scales = codes::single(&x[2]);
        let bias = x.get(3).map(codes::single);
        let layer = LinearI8 {
            input: self.input,
            weights,
            scales: &scales,
            bias: bias.as_ref(),
            relu: self.relu,
            output: self.output,
        };
        ops::linear_i8(&x[0], &layer)
    }
}

impl Op for LinearInt8 {
    const NAME: &'static str = "linear_int8";
    const LOOPS: bool = true;

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let shapes = || {
            let all: Vec<String> = x
                .iter()
                .map(|m| format!("{} {:?}", m.dtype, m.shape))
                .collect();
            Error::shape(format!(
                "linear_int8: wants codes x [rows, in], i8 w [out, in], float scales [out] and bias [out], got {}",
                all.join(", ")
            ))
        };
        let [a, w, columns @ ..] = x else {
            return Err(shapes());
        };
        let sides = a.rank() == 2 && w.rank() == 2 && a.shape[1] == w.shape[1];
        let fits = |c: &&Meta| c.dtype.is_float() && c.shape[..] == w.shape[..1];
        if !sides
            || w.dtype != DType::I8
            || !matches!(columns.len(), 1 | 2)
            || !columns.iter().all(fits)
        {
            return Err(shapes());
        }
        if a.dtype != self.input.dtype() {
            return Err(Error::dtype(format!(
                "linear_int8: this layer reads {} codes, got {}",
                self.input.dtype(),
                a.dtype
            )));
        }
        if a.shape[1] > LINEAR_I8_INPUTS {
            return Err(Error::unsupported(format!(
                "linear_int8: {} inputs may leave 32 bits; the most is {LINEAR_I8_INPUTS}",
                a.shape[1]
            )));
        }
        let dtype = self.output.map_or(columns[0].dtype, |c| c.dtype());
        Ok(Outs::from_buf([Meta::new(
            &[a.shape[0], w.shape[0]],
            dtype,
        )]))
    }

    fn forward(&self, x: &mut [Tensor], out: &[Meta]) -> Result<Outs<Tensor>> {
        let cached = self.packed.as_ref().map(|p| {
            let pack = || (x[1].clone(), ops::pack_i8(&x[1]));
            p.0.get_or_init(pack)
        });
        let y = match cached.filter(|(of, _)| of.id() == x[1].id()) {
            Some((_, weights)) => self.run(x, weights),
            None => self.run(x, &ops::pack_i8(&x[1])),
        };
        // Computed in f32, whatever floats it is told in.
        let told = if y.dtype() == out[0].dtype {
            y
        } else {
            ops::cast(&y, out[0].dtype)
        };
        Ok(Outs::from_buf([told]))
    }

    fn vjp(&self, k: &Saved<'_>, _: &[Option<Var>]) -> Ins<Option<Var>> {
        (0..k.inputs()).map(|_| None).collect()
    }

    fn attrs(&self) -> Attrs {
        let attrs = codes::put(Attrs::new().flag("relu", self.relu), "in_", &self.input);
        match &self.output {
            Some(c) => codes::put(attrs.flag("codes", true), "out_", c),
            None => attrs.flag("codes", false),
        }
    }

    /// An op made from attributes stands in a program, where its weights are always the same: it
    /// packs them once.
    fn from_attrs(a: &Attrs) -> Result<Self> {
        let output = a.get_flag("codes")?.then(|| codes::get(a, "out_"));
        let op = LinearInt8::new(
            codes::get(a, "in_")?,
            output.transpose()?,
            a.get_flag("relu")?,
        );
        Ok(LinearInt8 {
            packed: Some(Packed::default()),
            ..op
        })
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let codes =
            |scale, zero, low, high| QuantParams::new(scale, zero, low, high).expect("a range");
        let (u8s, i8s) = (codes(0.25, 90, 0, 255), codes(0.5, -3, -128, 127));
        let mut case = |op: LinearInt8, bias: bool, [m, k, n]: [usize; 3]| {
            let mut byte = |shape: &[usize], low: i32, high: i32| {
                let wide = floats(rng, shape, low.into(), f64::from(high) + 1.0).to_f64();
                let wide = wide.into_iter().map(f64::floor).collect();
                Tensor::from_vec(wide, shape).expect("as many")
            };
            let x = byte(&[m, k], op.input.low(), op.input.high());
            let w = byte(&[n, k], -127, 127);
            // Powers of two and a bias between their multiples: f32 computes without rounding.
            let powers = byte(&[n], -4, 1)
                .to_f64()
                .into_iter()
                .map(f64::exp2)
                .collect();
            let mut inputs = vec![
                ops::cast(&x, op.input.dtype()),
                ops::cast(&w, DType::I8),
                Tensor::from_vec(powers, &[n]).expect("as many"),
            ];
            if bias {
                inputs.push(byte(&[n], -9, 9));
            }
            let want = plain(&op, &inputs);
            let case = Case::new(op, inputs).want(vec![want]);
            (2..case.inputs.len()).fold(case, |c, i| c.gradient(i, Gradient::None))
        };
        vec![
            case(LinearInt8::new(u8s, None, false), true, [3, 7, 5]),
            case(
                LinearInt8::new(u8s, Some(codes(4.0, 17, 0, 255)), true),
                true,
                [2, 9, 19],
            ),
            case(
                LinearInt8::new(i8s, Some(codes(8.0, 0, -128, 127)), false),
                false,
                [1, 4, 3],
            ),
            case(LinearInt8::new(i8s, None, true), false, [0, 4, 3]),
        ]
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        let bytes = |m: &Meta| (m.numel() * m.dtype.size()) as u64;
        Cost {
            flops: 2 * x[0].shape[1] as u64 * y[0].numel() as u64,
            bytes: x.iter().map(|m| bytes(m)).sum::<u64>() + bytes(&y[0]),
        }
    }
}

/// The layer by its definition, in f64.
fn plain(op: &LinearInt8, x: &[Tensor]) -> Tensor {
    let (m, k, n) = (x[0].shape()[0], x[0].shape()[1], x[1].shape()[0]);
    let all: Vec<Vec<f64>> = x.iter().map(Tensor::to_f64).collect();
    let (scale, zero) = (f64::from(op.input.scale()), f64::from(op.input.zero()));
    let value = |i: usize| {
        let (row, col) = (i / n, i % n);
        let product = |p: usize| (all[0][row * k + p] - zero) * all[1][col * k + p];
        let sum: f64 = (0..k).map(product).sum();
        let y = sum * scale * all[2][col] + all.get(3).map_or(0.0, |b| b[col]);
        if op.relu { y.max(0.0) } else { y }
    };
    let code = |y: f64| match &op.output {
        Some(c) => {
            let q = (y / f64::from(c.scale())).round_ties_even() + f64::from(c.zero());
            q.clamp(c.low().into(), c.high().into())
        }
        None => y,
    };
    let y = Tensor::from_vec((0..m * n).map(value).map(code).collect(), &[m, n]).expect("as many");
    ops::cast(&y, op.output.map_or(DType::F64, |c| c.dtype()))
}
