//! Operations of networks: layers without parameters of their own, windows, padding.

use lepton_autograd::{AvgPoolOptions, ConvOptions, Divisor, MaxPoolOptions, Tensor, Var};

use super::{elsewhere, one, two};
use crate::call::{Arg, Call, Out};
use crate::report::{Stop, lacks};

pub(crate) fn call(c: &Call<'_>) -> Out {
    match c.op {
        "linear" => {
            let (x, w, b) = (c.var(0)?, c.var(1)?, c.opt_var(2, "bias")?);
            let y = if w.rank() == 1 {
                x.matmul(&w)
            } else {
                x.matmul(&w.t())
            };
            Ok(vec![match b {
                Some(b) => y + b,
                None => y,
            }])
        }
        "bilinear" => {
            let (x, y, w) = (c.var(0)?, c.var(1)?, c.var(2)?);
            let out = Var::einsum("...i,kij,...j->...k", &[x, w, y])?;
            Ok(vec![match c.opt_var(3, "bias")? {
                Some(b) => out + b,
                None => out,
            }])
        }
        "embedding" => {
            // Only the gradient's scale would depend on this.
            if c.flag(usize::MAX, "scale_grad_by_freq", false)? {
                return lacks("an embedding that scales its gradient by frequency");
            }
            let padding = c.opt_int(2, "padding_idx")?;
            two(c, |w, index| {
                let rows = w.shape()[0] as isize;
                w.embedding(index, padding.map(|p| p.rem_euclid(rows) as usize))
            })
        }
        "normalize" | "trap_normalize_zero" => {
            let (p, axis) = (
                c.number(1, "p", 2.0)?,
                c.int(2, "dim", if c.op == "normalize" { 1 } else { -1 })?,
            );
            let eps = c.number(3, "eps", 1e-12)?;
            one(c, |x| {
                let axes = if x.rank() == 0 { vec![] } else { vec![axis] };
                let size = x.norm(p, &axes).keep_axes(x, &axes);
                let low = Var::full(&[], eps, x.dtype(), x.device());
                x / size.clamp_between(Some(&low), None)
            })
        }
        "cosine_similarity" | "trap_cosine_similarity_zero" => {
            let (axis, eps) = (c.int(2, "dim", 1)?, c.number(3, "eps", 1e-8)?);
            two(c, |x, y| {
                let low = Var::full(&[], eps, x.dtype(), x.device());
                let axes = if x.rank() == 0 { vec![] } else { vec![axis] };
                let unit = |v: &Var| {
                    let size = v.norm(2.0, &axes).keep_axes(v, &axes);
                    v / size.clamp_between(Some(&low), None)
                };
                let shape = lepton_autograd::broadcast_shape("cosine", x.shape(), y.shape());
                let shape = shape.unwrap_or_else(|e| panic!("{e}"));
                (unit(&x.expand(&shape)) * unit(&y.expand(&shape))).sum(&axes)
            })
        }
        "pairwise_distance" => {
            let (p, eps) = (c.number(2, "p", 2.0)?, c.number(3, "eps", 1e-6)?);
            let keep = c.flag(4, "keepdim", false)?;
            two(c, |x, y| {
                let gap = x - y + eps;
                let size = gap.norm(p, &[-1]);
                if keep { size.unsqueeze(-1) } else { size }
            })
        }
        "channel_shuffle" => {
            let groups = c.int(1, "groups", 1)?;
            one(c, |x| {
                x.split_axis(1, &[groups, -1])
                    .transpose(1, 2)
                    .merge_axes(1, 2)
            })
        }
        "pixel_shuffle" => {
            let r = c.int(1, "upscale_factor", 1)?;
            one(c, |x| {
                let y = x.split_axis(-3, &[-1, r, r]);
                // [.., c, r, r, h, w] to [.., c, h, r, w, r].
                let y = y.move_axes(&[-4, -3], &[-3, -1]);
                y.merge_axes(-2, -1).merge_axes(-3, -2)
            })
        }
        "pixel_unshuffle" => {
            let r = c.int(1, "downscale_factor", 1)?;
            one(c, |x| {
                let y = x.split_axis(-1, &[-1, r]).split_axis(-3, &[-1, r]);
                // [.., c, h, r, w, r] to [.., c, r, r, h, w].
                let y = y.move_axes(&[-3, -1], &[-4, -3]);
                y.merge_axes(-5, -4).merge_axes(-4, -3)
            })
        }
        "conv2d" => conv(c, 2),
        "conv1d" => conv(c, 1),
        "avg_pool1d" | "avg_pool2d" | "avg_pool3d" => avg_pool(c),
        "max_pool1d" | "max_pool2d" | "max_pool3d" => max_pool(c),
        "adaptive_avg_pool1d" | "adaptive_avg_pool2d" | "adaptive_avg_pool3d" => adaptive_avg(c),
        "pad" => pad(c),
        _ => elsewhere(),
    }
}

/// One number for all `n` window axes, or one each.
fn spread(c: &Call<'_>, at: usize, name: &str, n: usize) -> Result<Option<Vec<usize>>, Stop> {
    Ok(c.opt_sizes(at, name)?.map(|s| match s.as_slice() {
        [one] => vec![*one; n],
        _ => s,
    }))
}

fn conv(c: &Call<'_>, n: usize) -> Out {
    let (x, w, b) = (c.var(0)?, c.var(1)?, c.opt_var(2, "bias")?);
    let stride = spread(c, 3, "stride", n)?.unwrap_or(vec![1; n]);
    let dilation = spread(c, 5, "dilation", n)?.unwrap_or(vec![1; n]);
    let groups = c.int(6, "groups", 1)? as usize;
    let kernel = &w.shape()[2..];
    // Zeros before and after each axis; "same" may need one more behind.
    let around: Vec<(usize, usize)> = match c.arg(4, "padding") {
        Some(Arg::Text(t)) if t == "same" => (0..n)
            .map(|a| {
                let total = dilation[a] * (kernel[a] - 1);
                (total / 2, total - total / 2)
            })
            .collect(),
        Some(Arg::Text(t)) if t == "valid" => vec![(0, 0); n],
        Some(Arg::Text(t)) => return lacks(format!("padding {t}")),
        _ => spread(c, 4, "padding", n)?
            .unwrap_or(vec![0; n])
            .into_iter()
            .map(|p| (p, p))
            .collect(),
    };
    let single = x.rank() == n + 1;
    let x = if single { x.unsqueeze(0) } else { x };
    let even = around.iter().all(|&(before, after)| before == after);
    let x = match even {
        true => x,
        false => x.pad(&[&[(0, 0), (0, 0)], &around[..]].concat()),
    };
    let padding: Vec<usize> = around.iter().map(|p| if even { p.0 } else { 0 }).collect();
    let flat = |v: &[usize]| if n == 1 { [1, v[0]] } else { [v[0], v[1]] };
    let options = ConvOptions {
        stride: flat(&stride),
        padding: pair(&padding, 0),
        dilation: flat(&dilation),
        groups,
    };
    let y = if n == 1 {
        x.unsqueeze(2)
            .conv2d(&w.unsqueeze(2), b.as_ref(), options)
            .squeeze(2)
    } else {
        x.conv2d(&w, b.as_ref(), options)
    };
    Ok(vec![if single { y.squeeze(0) } else { y }])
}

/// How a pool walks: kernel, stride, padding, dilation and whether a last partial window counts.
struct Pool {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    padding: Vec<usize>,
    dilation: Vec<usize>,
    ceil: bool,
}

impl Pool {
    /// Window starts along axis `a` of `d` elements, padding included.
    fn windows(&self, a: usize, d: usize) -> usize {
        let span = self.dilation[a] * (self.kernel[a] - 1) + 1;
        let room = (d + 2 * self.padding[a]).saturating_sub(span);
        if !self.ceil {
            return room / self.stride[a] + 1;
        }
        let n = room.div_ceil(self.stride[a]) + 1;
        // A window must not start behind the image and the padding before it.
        if (n - 1) * self.stride[a] >= d + self.padding[a] {
            n - 1
        } else {
            n
        }
    }

    /// `[.., windows.., taps]`: the elements of each window, of `x` padded by `fill`.
    fn unfold(&self, x: &Var, fill: f64) -> Var {
        let n = self.kernel.len();
        let first = x.rank() - n;
        let mut y = x.clone();
        for a in 0..n {
            let d = x.shape()[first + a];
            let count = self.windows(a, d);
            let span = self.dilation[a] * (self.kernel[a] - 1) + 1;
            let end = (count - 1) * self.stride[a] + span;
            let p = self.padding[a];
            let mut around = vec![(0, 0); y.rank()];
            around[first + a] = (p, end.saturating_sub(d + p));
            y = padded(&y, &around, fill).unfold((first + a) as isize, span, self.stride[a]);
            let last = y.rank() - 1;
            y = y.slice(last, 0, self.kernel[a], self.dilation[a] as isize);
        }
        y.merge_axes(-(n as isize), -1)
    }
}

/// Images `[n, c, h, w]` from those with one or two axes, with or without a batch.
fn as_images(x: &Var, n: usize) -> Var {
    let s = x.shape();
    let first = s.len() - n;
    let (batch, channels) = if first == 2 { (s[0], s[1]) } else { (1, s[0]) };
    let height = if n == 1 { 1 } else { s[first] };
    x.reshape(&[batch, channels, height, s[s.len() - 1]])
}

/// Results in the form of the images that `as_images` was given.
fn from_images(y: &Var, like: &Var, n: usize) -> Var {
    let first = like.rank() - n;
    y.reshape(&[&like.shape()[..first], &y.shape()[4 - n..]].concat())
}

/// Both numbers, where one axis has only the second.
fn pair(v: &[usize], missing: usize) -> [usize; 2] {
    match *v {
        [one] => [missing, one],
        _ => [v[0], v[1]],
    }
}

fn padded(x: &Var, around: &[(usize, usize)], fill: f64) -> Var {
    if fill == 0.0 {
        return x.pad(around);
    }
    let inside = x.ones_like().pad(around);
    let outside = inside.eq(&inside.zeros_like());
    x.pad(around).masked_fill(&outside, fill)
}

fn pool(c: &Call<'_>, at: [usize; 4]) -> Result<Pool, Stop> {
    let n = usize::from(c.op.as_bytes()[c.op.len() - 2] - b'0');
    let Some(kernel) = spread(c, 1, "kernel_size", n)? else {
        return lacks("a pool without kernel");
    };
    Ok(Pool {
        stride: spread(c, at[0], "stride", n)?
            .filter(|s| !s.is_empty())
            .unwrap_or(kernel.clone()),
        padding: spread(c, at[1], "padding", n)?.unwrap_or(vec![0; n]),
        dilation: spread(c, at[2], "dilation", n)?.unwrap_or(vec![1; n]),
        ceil: c.flag(at[3], "ceil_mode", false)?,
        kernel,
    })
}

fn avg_pool(c: &Call<'_>) -> Out {
    let pool = pool(c, [2, 3, usize::MAX, 4])?;
    let include = c.flag(5, "count_include_pad", true)?;
    let divisor = c.opt_number(6, "divisor_override")?;
    let n = pool.kernel.len();
    if n <= 2 {
        let options = AvgPoolOptions {
            stride: Some(pair(&pool.stride, 1)),
            padding: pair(&pool.padding, 0),
            ceil: pool.ceil,
            divisor: match divisor {
                Some(d) => Divisor::Fixed(d as i64),
                None if include => Divisor::Padded,
                None => Divisor::Inside,
            },
        };
        let kernel = pair(&pool.kernel, 1);
        return one(c, |x| {
            from_images(&as_images(x, n).avg_pool2d(kernel, options), x, n)
        });
    }
    one(c, |x| {
        let sum = pool.unfold(x, 0.0).sum(&[-1]);
        if let Some(d) = divisor {
            return sum / d;
        }
        // The padding counts where asked, what a partial window reaches beyond it does not.
        let mut shape = x.shape().to_vec();
        let first = shape.len() - pool.kernel.len();
        shape[..first].fill(1);
        let ones = Var::ones(&shape, x.dtype(), x.device());
        let counted = if include {
            let around: Vec<_> = (0..shape.len())
                .map(|a| {
                    if a < first {
                        (0, 0)
                    } else {
                        (pool.padding[a - first], pool.padding[a - first])
                    }
                })
                .collect();
            let wide = padded(&ones, &around, 1.0);
            let more = Pool {
                padding: vec![0; pool.kernel.len()],
                kernel: pool.kernel.clone(),
                stride: pool.stride.clone(),
                dilation: pool.dilation.clone(),
                ceil: pool.ceil,
            };
            let count = more.unfold(&wide, 0.0).sum(&[-1]);
            // A window that only the padding behind would hold is not there.
            let region: Vec<_> = sum
                .shape()
                .iter()
                .enumerate()
                .map(|(a, &d)| (0, if a < first { 1 } else { d }, 1))
                .collect();
            count.slices(&region)
        } else {
            pool.unfold(&ones, 0.0).sum(&[-1])
        };
        sum / counted
    })
}

fn max_pool(c: &Call<'_>) -> Out {
    let pool = pool(c, [2, 3, 4, 5])?;
    let indices = c.flag(6, "return_indices", false)?;
    let x = c.var(0)?;
    let n = pool.kernel.len();
    if n <= 2 {
        let options = MaxPoolOptions {
            stride: Some(pair(&pool.stride, 1)),
            padding: pair(&pool.padding, 0),
            dilation: pair(&pool.dilation, 1),
            ceil: pool.ceil,
        };
        let (images, kernel) = (as_images(&x, n), pair(&pool.kernel, 1));
        if !indices {
            return Ok(vec![from_images(
                &images.max_pool2d(kernel, options),
                &x,
                n,
            )]);
        }
        let (values, places) = images.max_pool2d_with_indices(kernel, options);
        return Ok(vec![
            from_images(&values, &x, n),
            from_images(&places, &x, n),
        ]);
    }
    let windows = pool.unfold(&x, f64::NEG_INFINITY);
    let (values, taps) = windows.max_dim(-1);
    if !indices {
        return Ok(vec![values]);
    }
    // The same windows over the positions tell where the tap came from.
    let first = x.rank() - pool.kernel.len();
    let sizes = &x.shape()[first..];
    let n: usize = sizes.iter().product();
    let numbers = Tensor::from_vec((0..n as i64).collect::<Vec<i64>>(), sizes)?;
    let places = pool.unfold(&Var::from(numbers), 0.0);
    let shape = [taps.shape(), &places.shape()[places.rank() - 1..]].concat();
    let places = places.expand(&shape);
    Ok(vec![
        values,
        places.gather(-1, &taps.unsqueeze(-1)).squeeze(-1),
    ])
}

/// Windows that divide each axis as evenly as whole elements allow.
fn adaptive_avg(c: &Call<'_>) -> Out {
    let n = usize::from(c.op.as_bytes()[c.op.len() - 2] - b'0');
    let x = c.var(0)?;
    let first = x.rank() - n;
    let sizes: Vec<usize> = match c.arg(1, "output_size") {
        Some(Arg::Int(i)) => vec![*i as usize; n],
        Some(Arg::List(all)) => (0..n)
            .map(|a| {
                match all
                    .get(if all.len() == 1 { 0 } else { a })
                    .and_then(Arg::int)
                {
                    Some(i) => i as usize,
                    None => x.shape()[first + a],
                }
            })
            .collect(),
        other => return lacks(format!("the output size {other:?}")),
    };
    let mut y = x;
    for (a, &out) in sizes.iter().enumerate() {
        let (axis, d) = (first + a, y.shape()[first + a]);
        let part = |i: usize| {
            let (start, end) = (i * d / out, ((i + 1) * d).div_ceil(out));
            let axis = axis as isize;
            y.slice(first + a, start, end - start, 1)
                .mean(&[axis])
                .unsqueeze(axis)
        };
        let parts: Vec<Var> = (0..out).map(part).collect();
        y = Var::cat(&parts, axis as isize);
    }
    Ok(vec![y])
}

/// Padding from the last axis on: `[before, after, before, after, ..]`, negative ones cut.
fn pad(c: &Call<'_>) -> Out {
    let Some(pairs) = c.opt_ints(1, "pad")? else {
        return lacks("pad without amounts");
    };
    let mode = c.text(2, "mode")?.unwrap_or_else(|| "constant".to_owned());
    let value = c.number(3, "value", 0.0)?;
    let mut x = c.var(0)?;
    for (i, p) in pairs.chunks(2).enumerate() {
        let axis = x.rank() - 1 - i;
        let n = x.shape()[axis] as isize;
        let (before, after) = (p[0], p[1]);
        if mode == "constant" {
            let cut = |p: isize| (-p).max(0) as usize;
            let kept = n as usize - cut(before) - cut(after);
            x = x.slice(axis, cut(before), kept, 1);
            let mut around = vec![(0, 0); x.rank()];
            around[axis] = (before.max(0) as usize, after.max(0) as usize);
            x = padded(&x, &around, value);
            continue;
        }
        // Where each new element comes from.
        if mode == "circular" {
            // What is cut off does not come back on the other side.
            let cut = |p: isize| (-p).max(0) as usize;
            let kept = n as usize - cut(before) - cut(after);
            let part = x.slice(axis, cut(before), kept, 1);
            let (b, a) = (before.max(0), after.max(0));
            let index: Vec<i64> = (-b..kept as isize + a)
                .map(|i| i.rem_euclid(kept.max(1) as isize) as i64)
                .collect();
            x = part.index_select(axis as isize, &Var::new(&index, &[index.len()]));
            continue;
        }
        let from = |i: isize| match mode.as_str() {
            "reflect" => {
                let i = i.abs();
                if i < n { i } else { 2 * (n - 1) - i }
            }
            _ => i.clamp(0, n - 1),
        };
        if !["reflect", "replicate"].contains(&mode.as_str()) {
            return lacks(format!("padding by {mode}"));
        }
        let index: Vec<i64> = (-before..n + after).map(|i| from(i) as i64).collect();
        x = x.index_select(axis as isize, &Var::new(&index, &[index.len()]));
    }
    Ok(vec![x])
}
