//! Normalisations.

use lepton_autograd::Var;

use super::{elsewhere, one};
use crate::call::{Call, Out};

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "layer_norm" => {
            let shape = c.opt_sizes(1, "normalized_shape")?.unwrap_or_default();
            let (w, b) = (c.opt_var(2, "weight")?, c.opt_var(3, "bias")?);
            let eps = c.number(4, "eps", 1e-5)?;
            one(c, |x| x.layer_norm(&shape, w.as_ref(), b.as_ref(), eps))
        }
        "layer_norm_shifted" | "trap_layer_norm_constant_row" => one(c, |x| {
            x.layer_norm(&x.shape()[x.rank() - 1..], None, None, 1e-5)
        }),
        "rms_norm" => {
            let shape = c.opt_sizes(1, "normalized_shape")?.unwrap_or_default();
            let (w, eps) = (c.opt_var(2, "weight")?, c.number(3, "eps", f64::EPSILON)?);
            one(c, |x| x.rms_norm(&shape, w.as_ref(), eps))
        }
        "group_norm" => {
            let groups = c.int(1, "num_groups", 1)? as usize;
            let (w, b) = (c.opt_var(2, "weight")?, c.opt_var(3, "bias")?);
            let eps = c.number(4, "eps", 1e-5)?;
            one(c, |x| x.group_norm(groups, w.as_ref(), b.as_ref(), eps))
        }
        "batch_norm" => batch_norm(c, 0),
        "instance_norm" => batch_norm(c, 1),
        "local_response_norm" => response_norm(c),
        _ => elsewhere(),
    }
}

fn affine(x: &Var, w: Option<&Var>, b: Option<&Var>) -> Var {
    let x = w.map_or_else(|| x.clone(), |w| x * w);
    b.map_or_else(|| x.clone(), |b| &x + b)
}

/// One weight and bias for each channel (axis 1).
fn channels(x: &Var, w: Option<&Var>, b: Option<&Var>) -> Var {
    let wide = |v: &Var| {
        let mut shape = vec![1; x.rank()];
        shape[1] = v.numel();
        v.reshape(&shape)
    };
    affine(x, w.map(wide).as_ref(), b.map(wide).as_ref())
}

/// Statistics over all axes but the channels' (and the first `examples`), or given ones.
fn batch_norm(c: &Call<'_>, examples: usize) -> Out {
    c.ignore("momentum");
    let (mean, var) = (c.opt_var(1, "running_mean")?, c.opt_var(2, "running_var")?);
    let (w, b) = (c.opt_var(3, "weight")?, c.opt_var(4, "bias")?);
    let name = if examples == 0 {
        "training"
    } else {
        "use_input_stats"
    };
    let training = c.flag(5, name, examples == 1)?;
    let _ = c.arg(6, "momentum");
    let eps = c.number(7, "eps", 1e-5)?;
    one(c, |x| {
        let axes: Vec<isize> = (0..x.rank())
            .filter(|&a| a != 1 && a >= examples)
            .map(|a| a as isize)
            .collect();
        let wide = |v: &Var| {
            let mut shape = vec![1; x.rank()];
            shape[1] = v.numel();
            v.reshape(&shape)
        };
        let (m, v) = match (&mean, &var) {
            (Some(m), Some(v)) if !training => (wide(m), wide(v)),
            _ => (
                x.mean(&axes).keep_axes(x, &axes),
                x.var(&axes, 0.0).keep_axes(x, &axes),
            ),
        };
        channels(&((x - m) * (v + eps).rsqrt()), w.as_ref(), b.as_ref())
    })
}

fn response_norm(c: &Call<'_>) -> Out {
    let size = c.int(1, "size", 1)? as usize;
    let (alpha, beta) = (c.number(2, "alpha", 1e-4)?, c.number(3, "beta", 0.75)?);
    let k = c.number(4, "k", 1.0)?;
    one(c, |x| {
        let mut around = vec![(0, 0); x.rank()];
        around[1] = (size / 2, (size - 1) / 2);
        let windows = x.square().pad(&around).unfold(1, size, 1);
        let scale = windows.mean(&[-1]) * alpha + k;
        x / scale.pow_scalar(beta)
    })
}
