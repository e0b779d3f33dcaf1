//! Integers, bool and constants: several results of one input, in the order that the index notes.

use lepton_autograd::{DType, Device, Var};

use super::elsewhere;
use crate::call::{Call, Out};

pub(crate) fn call(c: &Call<'_>) -> Out {
    if c.op.starts_with("int_reduce_") {
        return reductions(&c.var(0)?);
    }
    match c.op {
        "bool_ops" => truths(&c.var(0)?, &c.var(1)?),
        "misc_int" => counts(&c.var(0)?),
        _ => elsewhere(),
    }
}

/// sum sum(0) prod(1) cumsum(1) cumprod(0) max min(1) argmax argsort(1) sort(0) any all(1) count
fn reductions(x: &Var) -> Out {
    let truth = x.logical_not().logical_not();
    let (any, wrong) = (truth.sum(&[]), x.logical_not().sum(&[1]));
    // The answers about u8 are u8.
    let answer = |t: Var| {
        if x.dtype() == DType::U8 {
            t.to_dtype(DType::U8)
        } else {
            t
        }
    };
    Ok(vec![
        x.sum(&[]),
        x.sum(&[0]),
        x.prod(&[1]),
        x.cumsum(1),
        x.cumprod(0),
        x.amax(&[]),
        x.amin(&[1]),
        x.reshape(&[x.numel()]).argmax(0),
        x.argsort(1, false),
        x.sort(0, false).0,
        answer(any.gt(&any.zeros_like())),
        answer(wrong.eq(&wrong.zeros_like())),
        truth.sum(&[]),
    ])
}

/// and or xor not sum any(0) all(1) to_f64 mean_as_f32 cumsum_i64 nonzero where(1,0)
fn truths(x: &Var, y: &Var) -> Out {
    let (some, wrong) = (x.sum(&[0]), x.logical_not().sum(&[1]));
    let whole = |v: i64| Var::full(&[], v as f64, DType::I64, Device::Cpu);
    Ok(vec![
        x.logical_and(y),
        x.logical_or(y),
        x.logical_xor(y),
        x.logical_not(),
        x.sum(&[]),
        some.gt(&some.zeros_like()),
        wrong.eq(&wrong.zeros_like()),
        x.to_dtype(DType::F64),
        x.to_dtype(DType::F32).mean(&[]),
        x.cumsum(1),
        x.nonzero()?,
        Var::where_(x, &whole(1), &whole(0)),
    ])
}

/// one_hot(6) bincount bincount(minlength 8) unique inverse counts
fn counts(x: &Var) -> Out {
    let most = x.amax(&[]).item()? as usize + 1;
    let (values, inverse, count) = x.unique()?;
    Ok(vec![
        x.one_hot(6),
        x.bincount(most),
        x.bincount(most.max(8)),
        values,
        inverse,
        count,
    ])
}
