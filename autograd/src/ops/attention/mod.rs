//! Scaled dot product attention in tiles: the square of scores is never in memory.

use lepton_tensor::ops;
use lepton_tensor::random::Rng;
use lepton_tensor::{DType, Error, Meta, Result, Shape, Tensor};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, Gradient, floats, truths};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Cost, Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::shape::reshape::broadcast_shape;

crate::catalogue! {
    pub(crate)
    ops: Attention, AttentionGrad
}

/// `softmax(scale q k^T + mask) v` of `q [.., time, depth]`, `k [.., keys, depth]`, `v [.., keys, width]`
/// and, where there is one, a mask `[.., time, keys]` of numbers to add or of which keys are kept; and
/// the logarithm of each query's sum, `[.., time]` (Dao et al. 2022). The mask gets no gradient.
#[derive(Clone, Debug)]
pub struct Attention(pub ops::Attention);

/// The gradients of [`Attention`] with respect to `q`, `k` and `v`, from the cotangents of both its
/// outputs, its inputs `q`, `k`, `v`, its outputs, and the mask where there is one.
#[derive(Clone, Debug)]
pub struct AttentionGrad(pub ops::Attention);

fn shape_rule(q: &Meta, k: &Meta, v: &Meta, mask: Option<&&Meta>) -> Result<()> {
    q.dtype.want_float("attention")?;
    let r = q.rank();
    let fits = r >= 2
        && [k, v].iter().all(|x| x.rank() == r && x.dtype == q.dtype)
        && [k, v].iter().all(|x| x.shape[..r - 2] == q.shape[..r - 2])
        && k.shape[r - 2] == v.shape[r - 2]
        && k.shape[r - 1] == q.shape[r - 1]
        && q.shape[r - 1] > 0
        && v.shape[r - 1] > 0;
    if !fits {
        return Err(Error::shape(format!(
            "attention: wants q [.., time, depth], k [.., keys, depth] and v [.., keys, width] of one dtype, got {} {:?}, {} {:?} and {} {:?}",
            q.dtype, q.shape, k.dtype, k.shape, v.dtype, v.shape
        )));
    }
    let Some(m) = mask else { return Ok(()) };
    let mut scores = q.shape.clone();
    scores[r - 1] = k.shape[r - 2];
    if m.shape != scores || (m.dtype != DType::Bool && m.dtype != q.dtype) {
        return Err(Error::shape(format!(
            "attention: a mask of {} {:?} does not fit scores of {} {scores:?}",
            m.dtype, m.shape, q.dtype
        )));
    }
    Ok(())
}

fn write(how: ops::Attention) -> Attrs {
    Attrs::new()
        .flag("causal", how.causal)
        .float("scale", how.scale)
}

fn read(a: &Attrs) -> Result<ops::Attention> {
    Ok(ops::Attention {
        causal: a.get_flag("causal")?,
        scale: a.get_float("scale")?,
    })
}

/// `products` products of queries by keys, and every byte once.
fn cost(products: u64, x: &[&Meta], y: &[Meta], q: &Meta, k: &Meta) -> Cost {
    let bytes = |m: &Meta| (m.numel() * m.dtype.size()) as u64;
    Cost {
        flops: 2 * products * q.numel() as u64 * k.shape[k.rank() - 2] as u64,
        bytes: x.iter().map(|m| bytes(m)).sum::<u64>() + y.iter().map(bytes).sum::<u64>(),
    }
}

impl Op for Attention {
    const NAME: &'static str = "attention";

    fn keeps(&self) -> Keeps {
        Keeps {
            inputs: 15,
            outputs: 3,
            ..Keeps::NONE
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        shape_rule(x[0], x[1], x[2], x.get(3))?;
        let (q, r) = (x[0], x[0].rank());
        let mut y = q.shape.clone();
        y[r - 1] = x[2].shape[r - 1];
        lepton_tensor::numel(&y)?;
        Ok(smallvec![q.with_shape(&y), q.with_shape(&q.shape[..r - 1])])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let [y, log] = ops::attention(&x[0], &x[1], &x[2], x.get(3), self.0);
        Ok(smallvec![y, log])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let n = k.inputs();
        if g.iter().all(Option::is_none) {
            return (0..n).map(|_| None).collect();
        }
        let cotangent = |i: usize| match &g[i] {
            Some(g) => g.clone(),
            None => k.output(i).zeros_like(),
        };
        let mut x: Ins<Var> = smallvec![cotangent(0), cotangent(1)];
        x.extend((0..3).map(|i| k.input(i)));
        x.extend((0..2).map(|i| k.output(i)));
        x.extend((3..n).map(|i| k.input(i)));
        let mut out: Ins<Option<Var>> = Ins::new();
        let found = crate::apply(AttentionGrad(self.0), x).or_panic();
        out.extend(found.into_iter().map(Some));
        out.resize(n, None);
        out
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(self.clone(), all_batched(x, batched, n))
    }

    fn attrs(&self) -> Attrs {
        write(self.0)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        read(a).map(Attention)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        shapes(rng)
            .into_iter()
            .map(|(how, x)| {
                let want = by_definition(how, &x);
                let n = x.len();
                constant_mask(Case::new(Attention(how), x).want(want), 3, n)
            })
            .collect()
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        cost(2, x, y, x[0], x[1])
    }
}

/// Options and inputs to test with: plain, causal, with numbers and with truths as a mask.
fn shapes(rng: &mut Rng) -> Vec<(ops::Attention, Vec<Tensor>)> {
    let mut one = |lead: &[usize], [t, s, d, e]: [usize; 4], causal: bool| {
        let how = ops::Attention { causal, scale: 0.7 };
        let mut x = |tail: [usize; 2]| floats(rng, &[lead, &tail].concat(), -1.0, 1.0);
        (how, vec![x([t, d]), x([s, d]), x([s, e])])
    };
    let mut all = vec![
        one(&[2], [3, 4, 2, 3], false),
        one(&[1, 2], [4, 4, 3, 2], true),
        one(&[], [3, 5, 2, 2], false),
        one(&[2], [2, 3, 1, 2], false),
        one(&[0], [2, 2, 2, 2], false),
    ];
    all[2].1.push(floats(rng, &[3, 5], -1.0, 1.0));
    let mut kept = truths(rng, &[2, 2, 3]);
    // Every query sees a key: where none is seen, the logarithm is infinite and has no slope.
    kept.make_mut::<bool>()
        .chunks_mut(3)
        .for_each(|row| row[1] = true);
    all[3].1.push(kept);
    all
}

/// A case of `n` inputs whose mask, input `at` where there is one, is a constant.
fn constant_mask<O>(case: Case<O>, at: usize, n: usize) -> Case<O> {
    let case = case.by_strides();
    if n > at {
        case.gradient(at, Gradient::None)
    } else {
        case
    }
}

/// Result and logarithms by the definition, in the order of rows.
fn by_definition(how: ops::Attention, x: &[Tensor]) -> Vec<Tensor> {
    let r = x[0].rank();
    let size = |t: &Tensor| [t.shape()[r - 2], t.shape()[r - 1]];
    let ([t, d], [s, e]) = (size(&x[0]), size(&x[2]));
    let [q, k, v] = [0, 1, 2].map(|i| x[i].to_f64());
    let (mut y, mut log) = (Vec::new(), Vec::new());
    for row in 0..q.len() / d {
        let (head, i) = (row / t, row % t);
        let weight = |j: usize| {
            let products = (0..d).map(|c| q[row * d + c] * k[(head * s + j) * d + c]);
            let score = how.scale * products.sum::<f64>();
            match x.get(3).map(|m| (m.dtype(), m.to_f64()[row * s + j])) {
                _ if how.causal && j > i => 0.0,
                Some((DType::Bool, keep)) => score.exp() * keep,
                Some((_, added)) => (score + added).exp(),
                None => score.exp(),
            }
        };
        let weights: Vec<f64> = (0..s).map(weight).collect();
        let total: f64 = weights.iter().sum();
        log.push(total.ln());
        y.extend((0..e).map(|c| {
            let sum: f64 = (0..s).map(|j| weights[j] * v[(head * s + j) * e + c]).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        }));
    }
    let shape = |tail: &[usize]| [&x[0].shape()[..r - 2], tail].concat();
    let tensor = |v, tail: &[usize]| Tensor::from_vec(v, &shape(tail)).expect("as many");
    vec![tensor(y, &[t, e]), tensor(log, &[t])]
}

impl Op for AttentionGrad {
    const NAME: &'static str = "attention_grad";

    fn keeps(&self) -> Keeps {
        Keeps {
            inputs: 255,
            ..Keeps::NONE
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        shape_rule(x[2], x[3], x[4], x.get(7))?;
        let y = Attention(self.0).infer(&x[2..5])?;
        if *x[0] != y[0] || *x[5] != y[0] || *x[1] != y[1] || *x[6] != y[1] {
            return Err(Error::shape(format!(
                "attention_grad: results and cotangents of {:?} and {:?} are wanted, got {:?}, {:?}, {:?} and {:?}",
                y[0].shape, y[1].shape, x[0].shape, x[1].shape, x[5].shape, x[6].shape
            )));
        }
        Ok(smallvec![x[2].clone(), x[3].clone(), x[4].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let [g, g_log, q, k, v, y, log] = &x[..7] else {
            unreachable!("seven inputs, and a mask")
        };
        let found = ops::attention_backward([g, g_log], [q, k, v], [y, log], x.get(7), self.0);
        Ok(found.into_iter().collect())
    }

    /// With `p = e^(scores - log)`, `m = g v^T - (sum g y - g_log)` and `ds = p m`, the outputs are
    /// `scale ds k`, `scale ds^T q` and `p^T g`. Their slopes along `a`, `b` and `c` are here with the
    /// whole squares.
    fn vjp(&self, saved: &Saved<'_>, u: &[Option<Var>]) -> Ins<Option<Var>> {
        let n = saved.inputs();
        if u.iter().all(Option::is_none) {
            return (0..n).map(|_| None).collect();
        }
        let [g, g_log, q, k, v, y, log] = [0, 1, 2, 3, 4, 5, 6].map(|i| saved.input(i));
        let mask = (n == 8).then(|| saved.input(7));
        let scale = self.0.scale;
        let of = |i: usize, like: &Var| u[i].clone().unwrap_or_else(|| like.zeros_like());
        let (a, b, c) = (of(0, &q), of(1, &k), of(2, &v));

        let scores = scores(&q, &k, mask.as_ref(), self.0);
        // Where a query sees nothing, its probabilities are 0 and not e^(-inf + inf).
        let none = log.eq(&Var::full(
            &[],
            f64::NEG_INFINITY,
            log.dtype(),
            log.device(),
        ));
        let p = (scores - log.masked_fill(&none, 0.0).unsqueeze(-1)).exp();
        let along = (&g * &y).sum(&[-1]) - g_log;
        let m = g.matmul(&v.t()) - along.unsqueeze(-1);
        let ds = &p * &m;
        // Cotangents of ds, of g v^T (and of `along`, negated), of the scores (and of `log`, negated).
        let e = (a.matmul(&k.t()) + q.matmul(&b.t())) * scale;
        let ep = &e * &p;
        let bend = (e * m + g.matmul(&c.t())) * &p;
        let low = ep.sum(&[-1]);

        let wide = low.unsqueeze(-1);
        let mut out: Ins<Option<Var>> = smallvec![
            Some(ep.matmul(&v) - &wide * y + p.matmul(&c)),
            Some(low),
            Some((bend.matmul(&k) + ds.matmul(&b)) * scale),
            Some((bend.t().matmul(&q) + ds.t().matmul(&a)) * scale),
            Some(ep.t().matmul(&g)),
            Some(-(wide * g)),
            Some(-bend.sum(&[-1])),
        ];
        out.resize(n, None);
        out
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(self.clone(), all_batched(x, batched, n))
    }

    fn attrs(&self) -> Attrs {
        write(self.0)
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        read(a).map(AttentionGrad)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let cases = shapes(rng).into_iter().map(|(how, x)| {
            let y = by_definition(how, &x);
            let mut like = |t: &Tensor| floats(rng, t.shape(), -1.0, 1.0);
            let mut all = vec![like(&y[0]), like(&y[1])];
            all.extend(x[..3].iter().cloned());
            all.extend(y);
            all.extend(x[3..].iter().cloned());
            let n = all.len();
            constant_mask(Case::new(AttentionGrad(how), all), 7, n)
        });
        cases.collect()
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        cost(5, x, y, x[2], x[3])
    }
}

/// `scale q k^T + mask`, with minus infinity where a query does not see a key.
fn scores(q: &Var, k: &Var, mask: Option<&Var>, how: ops::Attention) -> Var {
    let mut scores = q.matmul(&k.t()) * how.scale;
    let r = scores.rank();
    let hidden = |x: &Var, keep: &Var| x.masked_fill(&keep.logical_not(), f64::NEG_INFINITY);
    match mask {
        Some(m) if m.dtype() == DType::Bool => scores = hidden(&scores, m),
        Some(m) => scores = scores + m,
        None => {}
    }
    if how.causal {
        let square = &scores.shape()[r - 2..];
        let below = Var::ones(square, DType::F32, scores.device()).tril(0);
        scores = hidden(&scores, &below.to_dtype(DType::Bool));
    }
    scores
}

/// Attention from other ops, with the whole square: for masks that have a gradient.
fn whole(q: &Var, k: &Var, v: &Var, mask: Option<&Var>, how: ops::Attention) -> Var {
    let scores = scores(q, k, mask, how);
    let low = Var::full(&[], f64::NEG_INFINITY, scores.dtype(), scores.device());
    let seen = scores
        .ne(&low)
        .to_dtype(DType::I64)
        .sum(&[-1])
        .unsqueeze(-1);
    let none = seen.eq(&seen.zeros_like());
    let weights = scores.masked_fill(&none, 0.0).softmax(-1);
    weights.masked_fill(&none, 0.0).matmul(v)
}

/// How [`Var::scaled_dot_product_attention`] weighs the keys.
///
/// ```
/// use lepton_autograd::AttentionOptions;
/// let options = AttentionOptions { causal: true, ..AttentionOptions::default() };
/// assert!(options.mask.is_none() && options.scale.is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Numbers that are added to the scores, or truths of which keys a query sees; `[time, keys]`, with
    /// leading axes where wanted.
    pub mask: Option<Var>,
    /// Whether a query sees the keys up to its own step only.
    pub causal: bool,
    /// What the products are multiplied by: `1 / sqrt(depth)` unless given.
    pub scale: Option<f64>,
}

impl Var {
    /// `softmax(scale q k^T + mask) v` for these queries `[.., time, depth]`, `key [.., keys, depth]` and
    /// `value [.., keys, width]`; leading axes (batch, heads) broadcast. PyTorch's
    /// `F.scaled_dot_product_attention`, in tiles (Dao et al. 2022); a query that sees no key gets 0.
    ///
    /// ```
    /// use lepton_autograd::{AttentionOptions, Var};
    /// let x = Var::new(&[0.0f64, 0.0], &[2, 1]);
    /// let v = Var::new(&[1.0f64, 3.0], &[2, 1]);
    /// let causal = AttentionOptions { causal: true, ..AttentionOptions::default() };
    /// let y = x.scaled_dot_product_attention(&x, &v, &causal);
    /// assert_eq!(y.to_vec::<f64>().unwrap(), [1.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// When the shapes or dtypes do not fit, or depth or width is 0.
    #[track_caller]
    pub fn scaled_dot_product_attention(
        &self,
        key: &Var,
        value: &Var,
        options: &AttentionOptions,
    ) -> Var {
        let all = [self, key, value];
        assert!(
            all.iter().all(|x| x.rank() >= 2),
            "attention: wants q [.., time, depth], k [.., keys, depth] and v [.., keys, width], got {:?}, {:?} and {:?}",
            self.shape(),
            key.shape(),
            value.shape()
        );
        let depth = self.shape()[self.rank() - 1];
        let how = ops::Attention {
            causal: options.causal,
            scale: options.scale.unwrap_or(1.0 / (depth as f64).sqrt()),
        };
        let mut leading = Shape::new();
        for x in all.into_iter().chain(&options.mask) {
            let own = &x.shape()[..x.rank().saturating_sub(2)];
            leading = broadcast_shape("attention", &leading, own).or_panic();
        }
        let wide = |x: &Var, tail: &[usize]| x.expand(&[&leading[..], tail].concat());
        let [q, k, v] = all.map(|x| wide(x, &x.shape()[x.rank() - 2..]));
        let size = [self, key].map(|x| x.shape()[x.rank() - 2]);
        let mask = options.mask.as_ref().map(|m| wide(m, &size));
        // A mask that learns needs the whole square for its gradient.
        if let Some(m) = mask.as_ref().filter(|m| m.dtype().is_float())
            && !m.is_constant()
        {
            return whole(&q, &k, &v, Some(m), how);
        }
        let mut x: Ins<Var> = smallvec![q, k, v];
        x.extend(mask.map(|m| match m.dtype() {
            DType::Bool => m,
            _ => m.to_dtype(self.dtype()),
        }));
        crate::apply(Attention(how), x).or_panic().swap_remove(0)
    }
}
