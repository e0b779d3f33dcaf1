//! Elementwise functions of two or three inputs.

use lepton_autograd::{DType, Var};

use super::{elsewhere, two};
use crate::call::{Call, Out};
use crate::report::lacks;

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "add" => scaled(c, |x, y| x + y),
        "sub" => scaled(c, |x, y| x - y),
        "rsub" => scaled(c, |x, y| y - x),
        "mul" => numbers(c, |x, y| x * y),
        "div" => match c.text(2, "rounding_mode")?.as_deref() {
            None => numbers(c, |x, y| x / y),
            Some("floor") => numbers(c, Var::floor_div),
            Some("trunc") => numbers(c, |x, y| (x / y).trunc()),
            Some(other) => lacks(format!("division rounded by {other}")),
        },
        "floor_divide" => numbers(c, Var::floor_div),
        "atan2" | "trap_atan2_origin" => numbers(c, Var::atan2),
        "hypot" => numbers(c, Var::hypot),
        "copysign" => numbers(c, Var::copysign),
        "fmax" => numbers(c, Var::fmax),
        "fmin" => numbers(c, Var::fmin),
        "fmod" => numbers(c, Var::fmod),
        "remainder" => numbers(c, Var::remainder),
        "maximum" => numbers(c, Var::maximum),
        "minimum" => numbers(c, Var::minimum),
        "xlogy" | "trap_xlogy_zero" => numbers(c, Var::xlogy),
        "xlog1py" => numbers(c, Var::xlog1py),
        "logaddexp" | "trap_logaddexp_extremes" => numbers(c, Var::logaddexp),
        "logaddexp2" => numbers(c, |x, y| {
            let ln2 = std::f64::consts::LN_2;
            (x * ln2).logaddexp(&(y * ln2)) / ln2
        }),
        "ldexp" => numbers(c, |x, y| x * y.exp2()),
        "pow" | "trap_pow_edges" | "trap_pow_scalar_exponent" => pow(c),
        "float_power" => numbers(c, |x, y| {
            x.to_dtype(DType::F64).pow(&y.to_dtype(DType::F64))
        }),
        "__rpow__" => numbers(c, |x, y| y.pow(x)),
        "lerp" => {
            let (x, end) = (c.var(0)?, c.var(1)?);
            let Some(weight) = c.var_or_number(2, "weight", &x)? else {
                return lacks("lerp without weight");
            };
            Ok(vec![x.lerp(&end, &weight)])
        }
        "addcmul" => product(c, |a, b| a * b),
        "addcdiv" => product(c, |a, b| a / b),
        "clamp" | "trap_clamp_at_bounds" => clamp(c, Some(1), Some(2)),
        "clamp_min" => clamp(c, Some(1), None),
        "clamp_max" => clamp(c, None, Some(1)),
        "where" => {
            let (a, b) = (c.var(0)?, c.var(1)?);
            let Some(y) = c.var_or_number(2, "other", &a)? else {
                return lacks("where without a third argument");
            };
            // The function has the condition first, the method second.
            let (cond, x) = if a.dtype() == DType::Bool && b.dtype() != DType::Bool {
                (a, b)
            } else {
                (b, a)
            };
            Ok(vec![Var::where_(&cond, &x, &y)])
        }
        "trap_mod_signs" => {
            let (x, y) = (c.var(0)?, c.var(1)?);
            Ok(vec![x.remainder(&y), x.fmod(&y), x.floor_div(&y)])
        }
        "trap_fmax_nan" => {
            let (x, y) = (c.var(0)?, c.var(1)?);
            Ok(vec![x.fmax(&y), x.maximum(&y)])
        }
        _ => elsewhere(),
    }
}

/// Two inputs, of which one may be a number.
fn numbers(c: &Call<'_>, f: impl Fn(&Var, &Var) -> Var) -> Out {
    let x = c.var(0)?;
    match c.var_or_number(1, "other", &x)? {
        Some(y) => Ok(vec![f(&x, &y)]),
        None => two(c, f),
    }
}

/// The second input is multiplied by `alpha` first.
fn scaled(c: &Call<'_>, f: impl Fn(&Var, &Var) -> Var) -> Out {
    let alpha = c.number(2, "alpha", 1.0)?;
    numbers(c, |x, y| {
        // `rsub` scales the subtrahend, which is its first input.
        if alpha == 1.0 {
            f(x, y)
        } else if c.op == "rsub" {
            f(&(x * alpha), y)
        } else {
            f(x, &(y * alpha))
        }
    })
}

fn pow(c: &Call<'_>) -> Out {
    match c.arg(1, "exponent").and_then(|a| a.number()) {
        Some(p) => Ok(vec![c.var(0)?.pow_scalar(p)]),
        None => two(c, Var::pow),
    }
}

fn product(c: &Call<'_>, f: impl Fn(&Var, &Var) -> Var) -> Out {
    let value = c.number(3, "value", 1.0)?;
    Ok(vec![c.var(0)? + f(&c.var(1)?, &c.var(2)?) * value])
}

fn clamp(c: &Call<'_>, low: Option<usize>, high: Option<usize>) -> Out {
    let x = c.var(0)?;
    let number = |at: Option<usize>, name, default| match at {
        Some(at) => match c.arg(at, name) {
            Some(a) => a.number(),
            None => Some(default),
        },
        None => Some(default),
    };
    let (a, b) = (
        number(low, "min", f64::NEG_INFINITY),
        number(high, "max", f64::INFINITY),
    );
    if let (Some(a), Some(b)) = (a, b) {
        return Ok(vec![x.clamp(a, b)]);
    }
    let bound = |at: Option<usize>, name| match at {
        Some(at) => c.var_or_number(at, name, &x),
        None => Ok(None),
    };
    let (low, high) = (bound(low, "min")?, bound(high, "max")?);
    Ok(vec![x.clamp_between(low.as_ref(), high.as_ref())])
}
