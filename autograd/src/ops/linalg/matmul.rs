//! Products of matrices and the singular value decomposition.

use lepton_tensor::ops::{self, Activation};
use lepton_tensor::random::Rng;
use lepton_tensor::{Error, Meta, Result, Shape, Tensor};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Cost, Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::activation::relu::relu_gate;
use crate::ops::create::promotion::match_dtypes;
use crate::ops::shape::reshape::broadcast_shape;

crate::catalogue! {
    pub(crate)
    ops: LinearOp, Matmul
}

/// `a [.., m, k]` times `b [.., k, n]`, with equal batch axes.
#[derive(Clone, Debug)]
pub struct Matmul;

impl Op for Matmul {
    const NAME: &'static str = "matmul";

    fn keeps(&self) -> Keeps {
        Keeps::INPUTS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let (a, b) = (x[0], x[1]);
        let (p, q) = (a.rank(), b.rank());
        if p < 2 || p != q || a.shape[..p - 2] != b.shape[..p - 2] || a.dtype != b.dtype {
            return Err(Error::shape(format!(
                "matmul: {} {:?} and {} {:?} are not batches of matrices of one dtype",
                a.dtype, a.shape, b.dtype, b.shape
            )));
        }
        if a.shape[p - 1] != b.shape[p - 2] {
            let hint = if a.shape[p - 1] == b.shape[p - 1] {
                "; is the right side transposed?"
            } else {
                ""
            };
            return Err(Error::shape(format!(
                "matmul: inner sizes differ: {:?} x {:?} ({} and {}){hint}",
                a.shape,
                b.shape,
                a.shape[p - 1],
                b.shape[p - 2]
            )));
        }
        let mut shape = a.shape.clone();
        shape[p - 1] = b.shape[p - 1];
        lepton_tensor::numel(&shape)?;
        Ok(smallvec![a.with_shape(&shape)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::matmul(&x[0], &x[1], None, Activation::None)])
    }

    fn forward_fast(&self, x: &mut [Tensor]) -> Option<Result<Tensor>> {
        let (a, b) = (&x[0], &x[1]);
        let fits = match (a.shape(), b.shape()) {
            ([m, k], [l, n]) => k == l && lepton_tensor::numel(&[*m, *n]).is_ok(),
            _ => false,
        };
        (fits && a.dtype() == b.dtype() && !a.is_meta() && !b.is_meta())
            .then(|| Ok(ops::matmul(a, b, None, Activation::None)))
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None];
        };
        smallvec![
            k.needs(0).then(|| product(g, &k.input(1).t())),
            k.needs(1).then(|| product(&k.input(0).t(), g))
        ]
    }

    fn jvp(&self, x: &[Var], _: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let left = t[0].as_ref().map(|t| product(t, &x[1]));
        let right = t[1].as_ref().map(|t| product(&x[0], t));
        smallvec![match (left, right) {
            (Some(l), Some(r)) => Some(l + r),
            (l, r) => l.or(r),
        }]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(Matmul, all_batched(x, batched, n))
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Matmul)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |batch: &[usize], m: usize, k: usize, n: usize| {
            let a = floats(rng, &[batch, &[m, k]].concat(), -1.0, 1.0);
            let b = floats(rng, &[batch, &[k, n]].concat(), -1.0, 1.0);
            let want = plain_product(&a.to_f64(), &b.to_f64(), m, k, n);
            let want = Tensor::from_vec(want, &[batch, &[m, n]].concat()).expect("as many");
            Case::new(Matmul, vec![a, b]).want(vec![want]).by_strides()
        };
        vec![
            case(&[], 3, 4, 5),
            case(&[2, 2], 2, 3, 1),
            case(&[], 1, 7, 1),
            case(&[], 17, 9, 19),
            case(&[], 2, 0, 3),
        ]
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        let k = *x[0].shape.last().unwrap_or(&0) as u64;
        let bytes = |m: &Meta| (m.numel() * m.dtype.size()) as u64;
        Cost {
            flops: 2 * k * y[0].numel() as u64,
            bytes: bytes(x[0]) + bytes(x[1]) + bytes(&y[0]),
        }
    }
}

#[track_caller]
fn product(a: &Var, b: &Var) -> Var {
    let ((a, from_a), (b, from_b)) = (a.clone().into_parts(), b.clone().into_parts());
    crate::engine::apply::fast(&Matmul, [a, b], [from_a, from_b])
}

/// Batches of products, by the definition.
fn plain_product(a: &[f64], b: &[f64], m: usize, k: usize, n: usize) -> Vec<f64> {
    let batches = a.len().checked_div(m * k).unwrap_or(1);
    (0..batches * m * n)
        .map(|i| {
            let (row, col, batch) = (i / n, i % n, i / n / m);
            (0..k)
                .map(|j| a[row * k + j] * b[(batch * k + j) * n + col])
                .sum()
        })
        .collect()
}

/// `activation(x w^T + b)` for `x [m, k]`, `w [n, k]`, `b [n]`: a dense layer in one pass.
#[derive(Clone, Debug)]
pub struct LinearOp {
    /// Whether the rectifier follows.
    pub relu: bool,
}

impl LinearOp {
    fn activation(&self) -> Activation {
        if self.relu {
            Activation::Relu
        } else {
            Activation::None
        }
    }

    /// The same from other ops, for jvp and batches.
    fn parts(&self, x: &[Var]) -> Var {
        let y = x[0].matmul(&x[1].t());
        let y = if x.len() == 3 { y + &x[2] } else { y };
        if self.relu { y.relu() } else { y }
    }
}

impl Op for LinearOp {
    const NAME: &'static str = "linear";

    fn keeps(&self) -> Keeps {
        if self.relu {
            Keeps::INPUTS.and(Keeps::OUTPUT)
        } else {
            Keeps::INPUTS
        }
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        let (a, w) = (x[0], x[1]);
        a.dtype.want_float("linear")?;
        if let Some(other) = x.iter().find(|m| m.dtype != a.dtype) {
            return Err(Error::dtype(format!(
                "linear: x is {}, but the weight or bias {}; cast one first: x.to_dtype(..)",
                a.dtype, other.dtype
            )));
        }
        let fits = a.rank() == 2 && w.rank() == 2 && a.shape[1] == w.shape[1];
        if !fits || x.get(2).is_some_and(|b| b.shape[..] != w.shape[..1]) {
            let shapes: Vec<&Shape> = x.iter().map(|m| &m.shape).collect();
            return Err(Error::shape(format!(
                "linear: wants x [rows, in], w [out, in] and b [out] of one dtype; the shapes are {shapes:?}"
            )));
        }
        Ok(smallvec![a.with_shape(&[a.shape[0], w.shape[0]])])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let y = ops::linear(&x[0], &x[1], x.get(2), self.activation());
        Ok(smallvec![y])
    }

    fn forward_fast(&self, x: &mut [Tensor]) -> Option<Result<Tensor>> {
        let (a, w, bias) = (&x[0], &x[1], x.get(2));
        let fits = matches!((a.shape(), w.shape()), ([_, k], [_, l]) if k == l)
            && bias.is_none_or(|b| b.shape() == &w.shape()[..1]);
        let alike = x.iter().all(|t| t.dtype() == a.dtype() && !t.is_meta());
        (fits && alike && a.dtype().is_float())
            .then(|| Ok(ops::linear(a, w, bias, self.activation())))
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return (0..k.inputs()).map(|_| None).collect();
        };
        let g = if self.relu {
            relu_gate(g, &k.output(0))
        } else {
            g.clone()
        };
        let mut out: Ins<Option<Var>> = smallvec![
            k.needs(0).then(|| product(&g, &k.input(1))),
            k.needs(1).then(|| product(&g.t(), &k.input(0))),
        ];
        if k.inputs() == 3 {
            out.push(k.needs(2).then(|| g.sum(&[0])));
        }
        out
    }

    fn jvp(&self, x: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let mut sum: Option<Var> = None;
        let mut add = |v: Var| sum = Some(sum.take().map_or(v.clone(), |s| s + v));
        if let Some(t) = &t[0] {
            add(product(t, &x[1].t()));
        }
        if let Some(t) = &t[1] {
            add(product(&x[0], &t.t()));
        }
        if let Some(Some(t)) = t.get(2) {
            add(t.expand(y[0].shape()));
        }
        smallvec![sum.map(|s| if self.relu { relu_gate(&s, &y[0]) } else { s })]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        // Shared weights: the batch is more rows of one product.
        if batched[1..].iter().all(|b| !b) {
            let (rows, out) = (x[0].shape()[1], x[1].shape()[0]);
            let mut ins: Ins<Var> = smallvec![x[0].reshape(&[n * rows, x[0].shape()[2]])];
            ins.extend(x[1..].iter().cloned());
            let y = crate::apply(self.clone(), ins)?;
            return Ok(smallvec![y[0].reshape(&[n, rows, out])]);
        }
        let mut x = all_batched(x, batched, n);
        if let Some(b) = x.get_mut(2) {
            *b = b.unsqueeze(1);
        }
        Ok(smallvec![self.parts(&x)])
    }

    crate::fields!(relu);

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let mut case = |relu: bool, bias: bool, [m, k, n]: [usize; 3]| {
            let mut x = vec![
                floats(rng, &[m, k], -1.0, 1.0),
                floats(rng, &[n, k], -1.0, 1.0),
            ];
            if bias {
                x.push(floats(rng, &[n], -1.0, 1.0));
            }
            let wt = x[1].permute(&[1, 0]).expect("an order").to_f64();
            let mut y = plain_product(&x[0].to_f64(), &wt, m, k, n);
            let b = x.get(2).map_or(vec![0.0; n], Tensor::to_f64);
            y.iter_mut().enumerate().for_each(|(i, v)| {
                *v = if relu {
                    (*v + b[i % n]).max(0.0)
                } else {
                    *v + b[i % n]
                }
            });
            Case::new(LinearOp { relu }, x)
                .want(vec![Tensor::from_vec(y, &[m, n]).expect("as many")])
                .by_strides()
        };
        vec![
            case(false, true, [3, 4, 5]),
            case(true, true, [3, 4, 2]),
            case(false, false, [1, 2, 3]),
            case(true, true, [0, 2, 3]),
        ]
    }

    fn cost(&self, x: &[&Meta], y: &[Meta]) -> Cost {
        Matmul.cost(x, y)
    }
}

#[track_caller]
fn dense(x: Var, w: Var, b: Option<Var>, relu: bool) -> Var {
    let op = LinearOp { relu };
    let ((x, from_x), (w, from_w)) = (x.into_parts(), w.into_parts());
    match b.map(Var::into_parts) {
        Some((b, from_b)) => crate::engine::apply::fast(&op, [x, w, b], [from_x, from_w, from_b]),
        None => crate::engine::apply::fast(&op, [x, w], [from_x, from_w]),
    }
}

impl Var {
    /// Matrix product with PyTorch's rules: vectors count as rows or columns, batch axes broadcast.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let a = Var::new(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// let v = Var::new(&[1.0f32, 1.0], &[2]);
    /// assert_eq!(a.matmul(&v).to_vec::<f32>().unwrap(), [3.0, 7.0]);
    /// ```
    ///
    /// # Panics
    /// When a side has no axes, the inner sizes differ, or the batch axes do not broadcast.
    #[track_caller]
    pub fn matmul(&self, other: &Var) -> Var {
        let (a, b) = match_dtypes(self.clone(), other.clone());
        assert!(
            a.rank() > 0 && b.rank() > 0,
            "matmul: wants vectors or matrices, got shapes {:?} and {:?}",
            a.shape(),
            b.shape()
        );
        if a.rank() == 1 {
            return a
                .unsqueeze(0)
                .matmul(&b)
                .squeeze(if b.rank() == 1 { 0 } else { -2 });
        }
        if b.rank() == 1 {
            return a.matmul(&b.unsqueeze(1)).squeeze(-1);
        }
        // One matrix on the right of many: all their rows are one product.
        if b.rank() == 2 && a.rank() > 2 {
            let (head, k) = (&a.shape()[..a.rank() - 1], a.shape()[a.rank() - 1]);
            let rows = head.iter().product();
            return product(&a.reshape(&[rows, k]), &b).reshape(&[head, &[b.shape()[1]]].concat());
        }
        let heads = (&a.shape()[..a.rank() - 2], &b.shape()[..b.rank() - 2]);
        if heads.0 == heads.1 {
            return product(&a, &b);
        }
        let batch = broadcast_shape("matmul", heads.0, heads.1).or_panic();
        let stretch = |x: &Var| x.expand(&[&batch[..], &x.shape()[x.rank() - 2..]].concat());
        product(&stretch(&a), &stretch(&b))
    }

    /// `self w^T + b` over the last axis, with the rectifier when `relu`: a dense layer in one pass.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0], &[1, 2]);
    /// let w = Var::new(&[1.0f32, 0.0, 0.0, -1.0], &[2, 2]); // [outputs, inputs]
    /// let b = Var::new(&[10.0f32, 0.0], &[2]);
    /// assert_eq!(x.linear(&w, Some(&b), false).to_vec::<f32>()?, [11.0, -2.0]);
    /// assert_eq!(x.linear(&w, Some(&b), true).to_vec::<f32>()?, [11.0, 0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the last axis is not the second of `w`, or `b` is not as long as the first.
    #[track_caller]
    pub fn linear(&self, w: &Var, b: Option<&Var>, relu: bool) -> Var {
        if self.rank() == 2 {
            return dense(self.clone(), w.clone(), b.cloned(), relu);
        }
        let (head, k) = self.shape().split_at(self.rank().saturating_sub(1));
        let rows = head.iter().product();
        let flat = self.reshape(&[rows, k.first().copied().unwrap_or(1)]);
        let y = dense(flat, w.clone(), b.cloned(), relu);
        y.reshape(&[head, &[w.shape()[0]]].concat())
    }

    /// The identity matrix.
    ///
    /// ```
    /// use lepton_autograd::{DType, Device, Var};
    /// let i = Var::eye(2, DType::F32, Device::Cpu);
    /// assert_eq!(i.to_vec::<f32>()?, [1.0, 0.0, 0.0, 1.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn eye(n: usize, dtype: lepton_tensor::DType, device: lepton_tensor::Device) -> Var {
        let mut x = Var::zeros(&[n, n], dtype, device).reshape(&[n * n]);
        if n > 0 {
            x = x.slice_assign(&[(0, n, n as isize + 1)], &Var::ones(&[n], dtype, device));
        }
        x.reshape(&[n, n])
    }
}
