//! Normalisation over the last axes: layer norm, RMS norm, and group norm made of it.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Tensor};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Cost, Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

crate::catalogue! {
    pub(crate)
    ops: LayerNorm, LayerNormGrad
}

/// `(x - mean) / sqrt(variance + eps)` over the last axes, times a weight and plus a bias when those
/// are the second and third input (Ba et al. 2016); without the mean it is RMS norm (Zhang and
/// Sennrich 2019).
#[derive(Clone, Debug)]
pub struct LayerNorm(pub ops::Norm);

/// The gradient of [`LayerNorm`] for the cotangent `g`, from `g`, `x` and the weight if there is one:
/// of `x`, and then of weight and bias.
///
/// It finds mean and variance again: reading them would cost no less than summing a cached row.
#[derive(Clone, Debug)]
pub struct LayerNormGrad(pub ops::Norm);

fn shape_rule(what: &str, norm: ops::Norm, x: &Meta, rest: &[&Meta]) -> Result<()> {
    x.dtype.want_float(what)?;
    if norm.axes == 0 || norm.axes > x.rank() {
        return Err(Error::shape(format!(
            "{what}: cannot normalise over the last {} axes of {:?}",
            norm.axes, x.shape
        )));
    }
    let tail = &x.shape[x.rank() - norm.axes..];
    match rest
        .iter()
        .find(|r| r.shape[..] != *tail || r.dtype != x.dtype)
    {
        None => Ok(()),
        Some(r) => Err(Error::shape(format!(
            "{what}: weight and bias of {} {:?} must be {} {tail:?}, the last axes",
            r.dtype, r.shape, x.dtype
        ))),
    }
}

fn write(norm: ops::Norm) -> Attrs {
    let attrs = Attrs::new().int("axes", norm.axes as i64);
    attrs.float("eps", norm.eps).flag("centred", norm.centred)
}

fn read(a: &Attrs) -> Result<ops::Norm> {
    Ok(ops::Norm {
        axes: a.get_size("axes")?,
        eps: a.get_float("eps")?,
        centred: a.get_flag("centred")?,
    })
}

/// `x` normalised, and nothing else.
fn unit(norm: ops::Norm, x: &Var) -> Var {
    crate::engine::apply::one(LayerNorm(norm), smallvec![x.clone()])
}

/// The gradient of [`unit`] for the cotangent `a`. As a matrix it is symmetric, so it is its own
/// transpose in `a`.
fn core(norm: ops::Norm, a: &Var, x: &Var) -> Var {
    crate::engine::apply::one(LayerNormGrad(norm), smallvec![a.clone(), x.clone()])
}

/// The sum over all axes but the last `axes`.
fn over_rows(v: &Var, axes: usize) -> Var {
    let first = v.rank() - axes;
    let leading: Vec<isize> = (0..first as isize).collect();
    if first == 0 {
        v.clone()
    } else {
        v.sum(&leading)
    }
}

/// An affine parameter of each example, to be broadcast against `x`.
fn wide(v: &Var, x: &Var) -> Var {
    let mut shape = v.shape().to_vec();
    (v.rank()..x.rank()).for_each(|_| shape.insert(1, 1));
    v.reshape(&shape)
}

impl Op for LayerNorm {
    const NAME: &'static str = "layer_norm";

    fn keeps(&self) -> Keeps {
        Keeps::INPUTS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        shape_rule("layer_norm", self.0, x[0], &x[1..])?;
        Ok(smallvec![x[0].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::layer_norm(
            &x[0],
            x.get(1),
            x.get(2),
            self.0
        )])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return (0..k.inputs()).map(|_| None).collect();
        };
        let (x, n) = (k.input(0), k.inputs());
        if n == 1 {
            return smallvec![Some(core(self.0, g, &x))];
        }
        let y = crate::apply(LayerNormGrad(self.0), smallvec![g.clone(), x, k.input(1)]);
        y.or_panic().into_iter().take(n).map(Some).collect()
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        if batched[1..].iter().all(|b| !b) {
            return crate::apply(self.clone(), x.iter().cloned().collect());
        }
        let x = all_batched(x, batched, n);
        let y = unit(self.0, &x[0]) * wide(&x[1], &x[0]);
        Ok(smallvec![match x.get(2) {
            Some(b) => y + wide(b, &x[0]),
            None => y,
        }])
    }

    fn attrs(&self) -> Attrs {
        write(self.0)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        read(a).map(LayerNorm)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], axes: usize, affine: usize, centred: bool| {
            let tail = &shape[shape.len() - axes..];
            let mut x = vec![floats(rng, shape, -1.0, 1.0)];
            x.extend((0..affine).map(|_| floats(rng, tail, 0.5, 1.5)));
            let (all, len) = (x[0].to_f64(), tail.iter().product::<usize>());
            let side = |i: usize| x.get(i).map(Tensor::to_f64);
            let (w, b) = (side(1), side(2));
            let of = |v: &Option<Vec<f64>>, i: usize, none| v.as_ref().map_or(none, |v| v[i]);
            let norm = ops::Norm {
                axes,
                eps: 0.1,
                centred,
            };
            let row = |row: &[f64]| -> Vec<f64> {
                let n = len as f64;
                let mean = if centred {
                    row.iter().sum::<f64>() / n
                } else {
                    0.0
                };
                let square = row.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
                let at = |(i, v): (usize, &f64)| {
                    (v - mean) / (square + 0.1).sqrt() * of(&w, i, 1.0) + of(&b, i, 0.0)
                };
                row.iter().enumerate().map(at).collect()
            };
            let want = all.chunks(len.max(1)).flat_map(row).collect();
            let want = Tensor::from_vec(want, shape).expect("as many");
            Case::new(LayerNorm(norm), x).want(vec![want])
        };
        vec![
            case(&[3, 5], 1, 2, true),
            case(&[2, 3, 4], 2, 2, true),
            case(&[2, 19], 1, 0, true),
            case(&[4], 1, 1, false),
            case(&[2, 2, 3], 1, 0, false),
            case(&[0, 3], 1, 2, true),
        ]
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        row_cost(x, y, 8)
    }
}

/// `flops` an element of the first output, and every byte once.
pub(crate) fn row_cost(x: &[&Meta], y: &[Meta], flops: u64) -> Cost {
    let bytes = |m: &Meta| (m.numel() * m.dtype.size()) as u64;
    Cost {
        flops: flops * y[0].numel() as u64,
        bytes: x.iter().map(|m| bytes(m)).sum::<u64>() + y.iter().map(bytes).sum::<u64>(),
    }
}

impl Op for LayerNormGrad {
    const NAME: &'static str = "layer_norm_grad";

    fn keeps(&self) -> Keeps {
        Keeps {
            inputs: 7,
            ..Keeps::NONE
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        shape_rule(Self::NAME, self.0, x[1], &x[2..])?;
        if x[0] != x[1] {
            return Err(Error::shape(format!(
                "layer_norm_grad: a cotangent of {} {:?} is not like the input, {} {:?}",
                x[0].dtype, x[0].shape, x[1].dtype, x[1].shape
            )));
        }
        Ok(match x.get(2) {
            None => smallvec![x[1].clone()],
            Some(&w) => smallvec![x[1].clone(), w.clone(), w.clone()],
        })
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let (dx, rest) = ops::layer_norm_backward(&x[0], &x[1], x.get(2), self.0);
        Ok(std::iter::once(dx)
            .chain(rest.into_iter().flatten())
            .collect())
    }

    /// With `x^` the normalised input, `r` its scale, `J a = r (a - mean a - x^ mean(a x^))` and
    /// `a = g w`, the outputs are `J a`, `sum g x^` and `sum g`. `J` is symmetric, and its own slope
    /// along `x`, between `u` and `a`, is
    /// `-r (x^ mean(u J a) + mean(a x^) J u + mean(u x^) J a)`.
    fn vjp(&self, k: &Saved<'_>, h: &[Option<Var>]) -> Ins<Option<Var>> {
        let (norm, weighted) = (self.0, k.inputs() == 3);
        let (g, x) = (k.input(0), k.input(1));
        let w = weighted.then(|| k.input(2));
        let times = |v: &Var| w.as_ref().map_or_else(|| v.clone(), |w| v * w);
        let axes: Vec<isize> = (-(norm.axes as isize)..0).collect();
        let mean = |v: &Var| v.mean(&axes).keep_axes(v, &axes);
        let x_unit = unit(norm, &x);
        let (mut dg, mut dx, mut dw) = (Vec::new(), Vec::new(), None);
        if let Some(u) = &h[0] {
            let a = times(&g);
            let (ju, ja) = (core(norm, u, &x), core(norm, &a, &x));
            let away = if norm.centred {
                x.centred(&axes)
            } else {
                x.clone()
            };
            let r = (mean(&away.square()) + norm.eps).rsqrt();
            let bend = &x_unit * mean(&(u * &ja))
                + mean(&(&a * &x_unit)) * &ju
                + mean(&(u * &x_unit)) * &ja;
            dx.push(-(bend * r));
            dw = weighted.then(|| over_rows(&(&g * &ju), norm.axes));
            dg.push(times(&ju));
        }
        if let Some(Some(v)) = h.get(1) {
            dx.push(core(norm, &(&g * v), &x));
            dg.push(x_unit * v);
        }
        if let Some(Some(s)) = h.get(2) {
            dg.push(s.expand(g.shape()));
        }
        let total = |v: Vec<Var>| v.into_iter().reduce(|a, b| a + b);
        let mut out: Ins<Option<Var>> = smallvec![total(dg), total(dx)];
        if weighted {
            out.push(dw);
        }
        out
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        let x = all_batched(x, batched, n);
        let (g, input) = (&x[0], &x[1]);
        let Some(w) = x.get(2) else {
            return crate::apply(self.clone(), x);
        };
        // Each example has sums of its own.
        let axes: Vec<isize> = (1..(g.rank() - self.0.axes) as isize).collect();
        let rows = |v: Var| if axes.is_empty() { v } else { v.sum(&axes) };
        Ok(smallvec![
            core(self.0, &(g * wide(w, g)), input),
            rows(g * unit(self.0, input)),
            rows(g.clone()),
        ])
    }

    fn attrs(&self) -> Attrs {
        write(self.0)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        read(a).map(LayerNormGrad)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |shape: &[usize], axes: usize, affine: bool, centred: bool| {
            let (g, x) = (floats(rng, shape, -1.0, 1.0), floats(rng, shape, -1.0, 1.0));
            let mut x = vec![g, x];
            if affine {
                x.push(floats(rng, &shape[shape.len() - axes..], 0.5, 1.5));
            }
            Case::new(
                LayerNormGrad(ops::Norm {
                    axes,
                    eps: 0.1,
                    centred,
                }),
                x,
            )
        };
        vec![
            case(&[3, 4], 1, true, true),
            case(&[2, 2, 3], 2, true, true),
            case(&[2, 9], 1, false, true),
            case(&[4], 1, true, false),
        ]
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        row_cost(x, y, 16)
    }
}

impl Var {
    #[track_caller]
    fn normalised(
        &self,
        what: &str,
        shape: &[usize],
        [weight, bias]: [Option<&Var>; 2],
        eps: f64,
    ) -> Var {
        let cut = self.rank().checked_sub(shape.len());
        assert!(
            !shape.is_empty() && cut.is_some_and(|cut| &self.shape()[cut..] == shape),
            "{what}: the normalised shape {shape:?} is not that of the last axes of {:?}",
            self.shape()
        );
        let norm = ops::Norm {
            axes: shape.len(),
            eps,
            centred: what == "layer_norm",
        };
        let mut x: Ins<Var> = smallvec![self.clone()];
        x.extend(weight.cloned());
        let inside = bias.filter(|_| weight.is_some());
        x.extend(inside.cloned());
        if let Some(b) = bias.filter(|b| b.shape() != shape || b.dtype() != self.dtype()) {
            panic!(
                "{what}: the bias is {} {:?}, must be {} {shape:?}",
                b.dtype(),
                b.shape(),
                self.dtype()
            );
        }
        let y = crate::apply(LayerNorm(norm), x)
            .map_err(|e| e.told_by(what))
            .or_panic()
            .swap_remove(0);
        match bias {
            Some(b) if weight.is_none() => y + b,
            _ => y,
        }
    }

    /// Mean 0 and variance 1 over the last axes, whose sizes are `normalized_shape`, then times
    /// `weight` and plus `bias`, which have that shape (Ba et al. 2016): PyTorch's `F.layer_norm`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f64, 3.0, 5.0, 5.0], &[2, 2]);
    /// let y = x.layer_norm(&[2], None, None, 0.0).slice(0, 0, 1, 1);
    /// assert_eq!(y.to_vec::<f64>().unwrap(), [-1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When the last axes have other sizes, or weight or bias another shape or dtype.
    #[track_caller]
    pub fn layer_norm(
        &self,
        normalized_shape: &[usize],
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Var {
        self.normalised("layer_norm", normalized_shape, [weight, bias], eps)
    }

    /// Mean square 1 over the last axes, whose sizes are `normalized_shape`, then times `weight`, which
    /// has that shape (Zhang and Sennrich 2019): PyTorch's `F.rms_norm`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let y = Var::new(&[3.0f64, -3.0], &[2]).rms_norm(&[2], None, 0.0);
    /// assert_eq!(y.to_vec::<f64>().unwrap(), [1.0, -1.0]);
    /// ```
    ///
    /// # Panics
    /// When the last axes have other sizes, or the weight another shape or dtype.
    #[track_caller]
    pub fn rms_norm(&self, normalized_shape: &[usize], weight: Option<&Var>, eps: f64) -> Var {
        self.normalised("rms_norm", normalized_shape, [weight, None], eps)
    }

    /// Mean 0 and variance 1 within each of `groups` groups of channels (axis 1) of each example, then
    /// times `weight` and plus `bias`, one of each a channel (Wu and He 2018): PyTorch's
    /// `F.group_norm`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let y = Var::new(&[1.0f64, 3.0, 5.0, 9.0], &[1, 4]).group_norm(2, None, None, 0.0);
    /// assert_eq!(y.to_vec::<f64>().unwrap(), [-1.0, 1.0, -1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When there are fewer than two axes, or the groups do not divide the channels.
    #[track_caller]
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Var {
        assert!(
            self.rank() >= 2 && groups > 0 && self.shape()[1].is_multiple_of(groups),
            "group_norm: {groups} groups do not divide the channels, axis 1 of {:?}",
            self.shape()
        );
        for (v, who) in [(weight, "weight"), (bias, "bias")] {
            if let Some(v) = v.filter(|v| v.numel() != self.shape()[1]) {
                panic!(
                    "group_norm: the {who} has shape {:?}; give one for each channel, axis 1 of {:?}",
                    v.shape(),
                    self.shape()
                );
            }
        }
        self.dtype().want_float("group_norm").or_panic();
        let size = self.shape()[1..].iter().product::<usize>() / groups;
        let rows = self.reshape(&[self.shape()[0], groups, size]);
        let mut y = rows
            .layer_norm(&[size], None, None, eps)
            .reshape(self.shape());
        let each = |v: &Var| {
            let mut shape = vec![1; self.rank()];
            shape[1] = v.numel();
            v.reshape(&shape)
        };
        if let Some(w) = weight {
            y = y * each(w);
        }
        match bias {
            Some(b) => y + each(b),
            None => y,
        }
    }
}
