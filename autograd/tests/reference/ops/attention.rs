//! Softmax attention.

use lepton_autograd::{AttentionOptions, Var};

use super::elsewhere;
use crate::call::{Call, Out};
use crate::report::lacks;

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "scaled_dot_product_attention" | "trap_masked_softmax_attention" => attention(c),
        _ => elsewhere(),
    }
}

fn attention(c: &Call<'_>) -> Out {
    let (q, k, v) = (c.var(0)?, c.var(1)?, c.var(2)?);
    let mask = c.opt_var(3, "attn_mask")?;
    if c.number(4, "dropout_p", 0.0)? != 0.0 {
        return lacks("attention with dropout");
    }
    let options = AttentionOptions {
        mask,
        causal: c.flag(5, "is_causal", false)?,
        scale: match c.arg(6, "scale") {
            Some(_) => Some(c.number(6, "scale", 1.0)?),
            None => None,
        },
    };
    let gqa = c.flag(7, "enable_gqa", false)?;
    // Heads of queries may share those of keys and values.
    let heads = |x: &Var| {
        let n = q.rank() as isize - 3;
        match gqa && q.shape()[n as usize] != x.shape()[n as usize] {
            true => x.repeat_interleave(q.shape()[n as usize] / x.shape()[n as usize], n),
            false => x.clone(),
        }
    };
    let y = q.scaled_dot_product_attention(&heads(&k), &heads(&v), &options);
    Ok(vec![y])
}
