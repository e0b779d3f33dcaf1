//! Activations and softmax.

use lepton_autograd::{DType, Var};

use super::{elsewhere, one, two};
use crate::call::{Call, Out};
use crate::report::lacks;

pub(crate) fn call(c: &Call<'_>) -> Out {
    c.ignore("inplace");
    match c.op {
        "relu" => one(c, Var::relu),
        "relu6" => one(c, Var::relu6),
        "selu" => one(c, Var::selu),
        "silu" => one(c, Var::silu),
        "mish" => one(c, Var::mish),
        "softsign" => one(c, Var::softsign),
        "tanhshrink" => one(c, Var::tanhshrink),
        "hardsigmoid" => one(c, Var::hardsigmoid),
        "hardswish" => one(c, Var::hardswish),
        "logsigmoid" => one(c, Var::log_sigmoid),
        "gelu_tanh" => one(c, Var::gelu_tanh),
        "gelu" => match c.text(1, "approximate")?.as_deref() {
            None | Some("none") => one(c, Var::gelu),
            Some("tanh") => one(c, Var::gelu_tanh),
            Some(other) => lacks(format!("gelu by {other}")),
        },
        "elu" => {
            let alpha = c.number(1, "alpha", 1.0)?;
            one(c, |x| x.elu(alpha))
        }
        "celu" => {
            let alpha = c.number(1, "alpha", 1.0)?;
            one(c, |x| x.celu(alpha))
        }
        "hardshrink" => {
            let band = c.number(1, "lambd", 0.5)?;
            one(c, |x| x.hardshrink(band))
        }
        "softshrink" => {
            let band = c.number(1, "lambd", 0.5)?;
            one(c, |x| x.softshrink(band))
        }
        "hardtanh" => {
            let (low, high) = (c.number(1, "min_val", -1.0)?, c.number(2, "max_val", 1.0)?);
            one(c, |x| x.hardtanh(low, high))
        }
        "leaky_relu" => {
            let slope = c.number(1, "negative_slope", 0.01)?;
            one(c, |x| x.leaky_relu(slope))
        }
        "threshold" => {
            let (limit, value) = (c.number(1, "threshold", 0.0)?, c.number(2, "value", 0.0)?);
            one(c, |x| x.threshold(limit, value))
        }
        "softplus" => {
            let (beta, limit) = (c.number(1, "beta", 1.0)?, c.number(2, "threshold", 20.0)?);
            one(c, |x| softplus(x, beta, limit))
        }
        "glu" => {
            let axis = c.int(1, "dim", -1)?;
            one(c, |x| x.glu(axis))
        }
        "prelu" => {
            let Some(slope) = c.opt_var(1, "weight")? else {
                return lacks("prelu without weight");
            };
            one(c, |x| x.prelu(&slope))
        }
        "softmax" | "trap_softmax_extremes" => along(c, Var::softmax),
        "log_softmax" | "trap_log_softmax_extremes" => along(c, Var::log_softmax),
        "softmax_wide" => one(c, |x| x.softmax(-1)),
        "log_softmax_wide" => one(c, |x| x.log_softmax(-1)),
        "softmin" => along(c, |x, axis| (-x).softmax(axis)),
        "_safe_softmax" => along(c, safe_softmax),
        "masked.softmax" => masked(c, |x, axis| x.softmax(axis)),
        "masked.log_softmax" => masked(c, |x, axis| x.log_softmax(axis)),
        "trap_relu_family_at_kinks" => {
            let x = c.var(0)?;
            Ok(vec![
                x.relu(),
                x.relu6(),
                x.leaky_relu(0.01),
                x.clamp(-1.0, 1.0),
                x.elu(1.0),
            ])
        }
        "trap_where_nan_guard" => one(c, |x| {
            let positive = x.gt(&x.zeros_like());
            Var::where_(&positive, &x.log(), &x.zeros_like())
        }),
        "trap_maximum_ties" => two(c, Var::maximum),
        _ => elsewhere(),
    }
}

/// `ln(1 + e^(beta x)) / beta`, the identity above `limit`.
fn softplus(x: &Var, beta: f64, limit: f64) -> Var {
    let scaled = x * beta;
    let high = scaled.gt(&Var::full(&[], limit, x.dtype(), x.device()));
    let smooth = scaled.softplus() / beta;
    Var::where_(&high, x, &smooth)
}

fn along(c: &Call<'_>, f: impl Fn(&Var, isize) -> Var) -> Out {
    let axis = c.int(1, "dim", -1)?;
    let dtype = c.dtype(2, "dtype")?;
    one(c, |x| {
        let x = dtype.map_or_else(|| x.clone(), |d| x.to_dtype(d));
        on_axis(&x, axis, &f)
    })
}

/// A number counts as one row.
fn on_axis(x: &Var, axis: isize, f: impl Fn(&Var, isize) -> Var) -> Var {
    match x.rank() {
        0 => f(&x.reshape(&[1]), 0).reshape(&[]),
        _ => f(x, axis),
    }
}

/// Softmax of which a row of nothing but `-inf` is 0.
fn safe_softmax(x: &Var, axis: isize) -> Var {
    let low = Var::full(&[], f64::NEG_INFINITY, x.dtype(), x.device());
    let kept = x.ne(&low).sum(&[axis]).unsqueeze(axis);
    let none = kept.eq(&kept.zeros_like());
    x.masked_fill(&none, 0.0)
        .softmax(axis)
        .masked_fill(&none, 0.0)
}

/// Softmax over the elements that the mask keeps.
fn masked(c: &Call<'_>, f: impl Fn(&Var, isize) -> Var) -> Out {
    let axis = c.int(1, "dim", -1)?;
    let dtype = c.dtype(2, "dtype")?;
    let mask = c.opt_var(3, "mask")?;
    if mask.as_ref().is_some_and(|m| m.dtype() != DType::Bool) {
        return lacks("a mask that is not bool");
    }
    one(c, |x| {
        let x = dtype.map_or_else(|| x.clone(), |d| x.to_dtype(d));
        match &mask {
            Some(m) => {
                let x = x.masked_fill(&m.logical_not(), f64::NEG_INFINITY);
                on_axis(&x, axis, &f)
            }
            None => on_axis(&x, axis, &f),
        }
    })
}
