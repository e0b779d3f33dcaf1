//! Elementwise ops.

use lepton_autograd::Var;

use crate::inputs::{positive, tensor};
use crate::{Case, Work};

/// An elementwise op by name: how many inputs it reads, and what it does with three.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    inputs: usize,
    run: fn(&[Var; 3]) -> Var,
}

const fn op(name: &'static str, inputs: usize, run: fn(&[Var; 3]) -> Var) -> Named {
    Named { name, inputs, run }
}

/// The ops that a case can name; `chain` is `relu(a * b + c)`.
pub(crate) const OPS: [Named; 29] = [
    op("add", 2, |[a, b, _]| a + b),
    op("sub", 2, |[a, b, _]| a - b),
    op("mul", 2, |[a, b, _]| a * b),
    op("div", 2, |[a, b, _]| a / b),
    op("maximum", 2, |[a, b, _]| a.maximum(b)),
    op("minimum", 2, |[a, b, _]| a.minimum(b)),
    op("pow", 2, |[a, b, _]| a.pow(b)),
    op("chain", 3, |[a, b, c]| (a * b + c).relu()),
    op("abs", 1, |[a, ..]| a.abs()),
    op("neg", 1, |[a, ..]| -a),
    op("square", 1, |[a, ..]| a.square()),
    op("sqrt", 1, |[a, ..]| a.sqrt()),
    op("rsqrt", 1, |[a, ..]| a.rsqrt()),
    op("reciprocal", 1, |[a, ..]| a.reciprocal()),
    op("exp", 1, |[a, ..]| a.exp()),
    op("expm1", 1, |[a, ..]| a.expm1()),
    op("log", 1, |[a, ..]| a.log()),
    op("log1p", 1, |[a, ..]| a.log1p()),
    op("sin", 1, |[a, ..]| a.sin()),
    op("cos", 1, |[a, ..]| a.cos()),
    op("tanh", 1, |[a, ..]| a.tanh()),
    op("erf", 1, |[a, ..]| a.erf()),
    op("sigmoid", 1, |[a, ..]| a.sigmoid()),
    op("softplus", 1, |[a, ..]| a.softplus()),
    op("relu", 1, |[a, ..]| a.relu()),
    op("leaky_relu", 1, |[a, ..]| a.leaky_relu(0.01)),
    op("silu", 1, |[a, ..]| a.silu()),
    op("gelu", 1, |[a, ..]| a.gelu()),
    op("gelu_tanh", 1, |[a, ..]| a.gelu_tanh()),
];

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
        move || (op.run)(&x)
    };
    Case::new(name, Work::Bytes(bytes), start)
}

/// Inputs in `(0, 1]`, for ad-hoc cases.
pub(crate) fn above_zero(n: usize, seed: u64) -> Var {
    Var::new(&positive(n, seed), &[n])
}

pub(super) fn cases() -> Vec<Case> {
    let sizes = [("1m", 1 << 20), ("16m", 1 << 24)];
    let names = ["add", "exp", "tanh", "gelu", "gelu_tanh", "chain"];
    let of = |name| {
        OPS.iter()
            .find(move |o| o.name == name)
            .expect("a listed op")
    };
    let make = |n: usize, seed| tensor(&[n], seed);
    let all = names.iter().flat_map(|name| {
        sizes.map(|(tag, n)| elementwise(&format!("ew_{name}_{tag}"), of(*name), n, make))
    });
    all.collect()
}
