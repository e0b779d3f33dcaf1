//! Elementwise ops.

use lepton_autograd::Var;

use crate::check;
use crate::inputs::{positive, tensor};
use crate::{Case, Id, Work};

/// An elementwise op by name: how many inputs it reads, what it does with three, and the same in f64.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    inputs: usize,
    run: fn(&[Var; 3]) -> Var,
    plain: fn(f64, f64, f64) -> f64,
}

const fn op(
    name: &'static str,
    inputs: usize,
    run: fn(&[Var; 3]) -> Var,
    plain: fn(f64, f64, f64) -> f64,
) -> Named {
    Named {
        name,
        inputs,
        run,
        plain,
    }
}

fn gelu_tanh_plain(x: f64, _: f64, _: f64) -> f64 {
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
    0.5 * x * (1.0 + inner.tanh())
}

/// The ops that a case can name; `chain` is `relu(a * b + c)`.
pub(crate) const OPS: [Named; 29] = [
    op("add", 2, |[a, b, _]| a + b, |a, b, _| a + b),
    op("sub", 2, |[a, b, _]| a - b, |a, b, _| a - b),
    op("mul", 2, |[a, b, _]| a * b, |a, b, _| a * b),
    op("div", 2, |[a, b, _]| a / b, |a, b, _| a / b),
    op("maximum", 2, |[a, b, _]| a.maximum(b), |a, b, _| a.max(b)),
    op("minimum", 2, |[a, b, _]| a.minimum(b), |a, b, _| a.min(b)),
    op("pow", 2, |[a, b, _]| a.pow(b), |a, b, _| a.powf(b)),
    op(
        "chain",
        3,
        |[a, b, c]| (a * b + c).relu(),
        |a, b, c| (a * b + c).max(0.0),
    ),
    op("abs", 1, |[a, ..]| a.abs(), |a, _, _| a.abs()),
    op("neg", 1, |[a, ..]| -a, |a, _, _| -a),
    op("square", 1, |[a, ..]| a.square(), |a, _, _| a * a),
    op("sqrt", 1, |[a, ..]| a.sqrt(), |a, _, _| a.sqrt()),
    op("rsqrt", 1, |[a, ..]| a.rsqrt(), |a, _, _| 1.0 / a.sqrt()),
    op("reciprocal", 1, |[a, ..]| a.reciprocal(), |a, _, _| 1.0 / a),
    op("exp", 1, |[a, ..]| a.exp(), |a, _, _| a.exp()),
    op("expm1", 1, |[a, ..]| a.expm1(), |a, _, _| a.exp_m1()),
    op("log", 1, |[a, ..]| a.log(), |a, _, _| a.ln()),
    op("log1p", 1, |[a, ..]| a.log1p(), |a, _, _| a.ln_1p()),
    op("sin", 1, |[a, ..]| a.sin(), |a, _, _| a.sin()),
    op("cos", 1, |[a, ..]| a.cos(), |a, _, _| a.cos()),
    op("tanh", 1, |[a, ..]| a.tanh(), |a, _, _| a.tanh()),
    op("erf", 1, |[a, ..]| a.erf(), |a, _, _| check::erf(a)),
    op(
        "sigmoid",
        1,
        |[a, ..]| a.sigmoid(),
        |a, _, _| 1.0 / (1.0 + (-a).exp()),
    ),
    op(
        "softplus",
        1,
        |[a, ..]| a.softplus(),
        |a, _, _| a.exp().ln_1p(),
    ),
    op("relu", 1, |[a, ..]| a.relu(), |a, _, _| a.max(0.0)),
    op(
        "leaky_relu",
        1,
        |[a, ..]| a.leaky_relu(0.01),
        |a, _, _| a.max(0.01 * a),
    ),
    op(
        "silu",
        1,
        |[a, ..]| a.silu(),
        |a, _, _| a / (1.0 + (-a).exp()),
    ),
    op(
        "gelu",
        1,
        |[a, ..]| a.gelu(),
        |a, _, _| 0.5 * a * (1.0 + check::erf(a / 2f64.sqrt())),
    ),
    op("gelu_tanh", 1, |[a, ..]| a.gelu_tanh(), gelu_tanh_plain),
];

/// Allowed of f32 results, relative above 1: a few units in the last place.
const TOLERANCE: f64 = 2e-6;

/// The case of `op` over `n` f32 made by `make` from a seed.
pub(crate) fn elementwise(
    name: &str,
    op: &'static Named,
    n: usize,
    make: fn(usize, u64) -> Var,
) -> Case {
    let bytes = 4.0 * (op.inputs as f64 + 1.0) * n as f64;
    let start = move || {
        let last = make(n.min(1), 0);
        let x = [1, 2, 3].map(|i| {
            if i <= op.inputs {
                make(n, i as u64)
            } else {
                last.clone()
            }
        });
        let kept = x.clone();
        let check = move |y: &Var| {
            let [a, b, c] = kept.map(|v| v.tensor().to_f64());
            let at = |v: &[f64], i: usize| v.get(i).copied().unwrap_or(0.0);
            let want = (0..n).map(|i| (op.plain)(a[i], at(&b, i), at(&c, i)));
            check::close(y, want, TOLERANCE)
        };
        (move || (op.run)(&x), check)
    };
    // One operation an element and op: nominal, since what a function costs is the kernel's affair.
    let flops = n as f64 * if op.name == "chain" { 3.0 } else { 1.0 };
    let id = Id::new(op.name, "f32", &[n], "contiguous");
    Case::new(name, id, Work::bytes(bytes, flops), start)
}

/// Inputs in `(0, 1]`, for ad-hoc cases.
pub(crate) fn above_zero(n: usize, seed: u64) -> Var {
    Var::new(&positive(n, seed), &[n])
}

/// The case of the op called `op` over `n` f32 in `[-1, 1)`.
pub(crate) fn of_op(name: &str, op: &str, n: usize) -> Case {
    let op = OPS.iter().find(|o| o.name == op).expect("a listed op");
    elementwise(name, op, n, |n, seed| tensor(&[n], seed))
}

pub(super) fn cases() -> Vec<Case> {
    let sizes = [("1m", 1 << 20), ("16m", 1 << 24)];
    let names = ["add", "exp", "tanh", "gelu", "gelu_tanh", "chain"];
    let all = names
        .iter()
        .flat_map(|name| sizes.map(|(tag, n)| of_op(&format!("ew_{name}_{tag}"), name, n)));
    all.collect()
}
