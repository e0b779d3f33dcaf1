//! Elementwise functions of one tensor.

use lepton_autograd::{DType, Var};

use super::{elsewhere, one};
use crate::call::{Call, Out};

pub(crate) fn call(c: &Call<'_>) -> Out {
    one(
        c,
        match c.op {
            "abs" => Var::abs,
            "acos" => Var::acos,
            "acosh" => Var::acosh,
            "asin" => Var::asin,
            "asinh" => Var::asinh,
            "atan" => Var::atan,
            "atanh" => Var::atanh,
            "ceil" => Var::ceil,
            "cos" => Var::cos,
            "cosh" => Var::cosh,
            "deg2rad" => |x: &Var| x * (std::f64::consts::PI / 180.0),
            "digamma" => Var::digamma,
            "entr" => Var::entr,
            "erf" => Var::erf,
            "erfc" => Var::erfc,
            "erfcx" => Var::erfcx,
            "erfinv" => Var::erfinv,
            "exp" => Var::exp,
            "exp2" => Var::exp2,
            "expm1" => Var::expm1,
            "floor" => Var::floor,
            "frac" => Var::frac,
            "i0" => Var::i0,
            "i0e" => Var::i0e,
            "i1" => Var::i1,
            "i1e" => Var::i1e,
            "lgamma" => Var::lgamma,
            "log" => Var::log,
            "log10" => Var::log10,
            "log1p" => Var::log1p,
            "log2" => Var::log2,
            "log_ndtr" => Var::log_ndtr,
            "ndtr" => Var::ndtr,
            "ndtri" => Var::ndtri,
            "neg" => |x: &Var| -x,
            "positive" => Var::clone,
            "rad2deg" => |x: &Var| x * (180.0 / std::f64::consts::PI),
            "reciprocal" => Var::reciprocal,
            "rsqrt" => Var::rsqrt,
            "sigmoid" => Var::sigmoid,
            "sign" | "sgn" => Var::sign,
            "sin" => Var::sin,
            "sinc" => Var::sinc,
            "sinh" => Var::sinh,
            "sqrt" | "trap_sqrt_at_zero" => Var::sqrt,
            "square" => Var::square,
            "tan" => Var::tan,
            "tanh" => Var::tanh,
            "trunc" => Var::trunc,
            "trap_abs_at_zero" => Var::abs,
            "angle" => Var::angle,
            _ => return with_arguments(c),
        },
    )
}

fn with_arguments(c: &Call<'_>) -> Out {
    match c.op {
        "round" => {
            let decimals = c.int(1, "decimals", 0)? as i32;
            one(c, |x| x.round_to(decimals))
        }
        "logit" => {
            let eps = c.opt_number(1, "eps")?;
            one(c, |x| x.logit(eps))
        }
        "polygamma" => {
            let n = c.int(1, "n", 1)? as u32;
            one(c, |x| x.polygamma(n))
        }
        "mvlgamma" => {
            let p = c.int(1, "p", 1)? as u32;
            one(c, |x| x.mvlgamma(p))
        }
        "nan_to_num" => {
            let f32 = c.var(0)?.dtype() == DType::F32;
            let most = if f32 { f64::from(f32::MAX) } else { f64::MAX };
            let nan = c.number(1, "nan", 0.0)?;
            let (high, low) = (c.number(2, "posinf", most)?, c.number(3, "neginf", -most)?);
            one(c, |x| x.nan_to_num(nan, high, low))
        }
        "trap_rounding_half_even" => {
            let x = c.var(0)?;
            Ok(vec![x.round(), x.floor(), x.trunc(), x.frac()])
        }
        _ => elsewhere(),
    }
}
