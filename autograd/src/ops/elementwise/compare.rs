//! Comparisons, logic and choice. Their results carry no gradient; `where` passes it on.

use lepton_tensor::ops::{self, CompareBody};
use lepton_tensor::random::Rng;
use lepton_tensor::simd::Num;
use lepton_tensor::{DType, Error, Meta, Result, Tensor};
use smallvec::smallvec;

use crate::engine::apply::OrPanic;
use crate::engine::attrs::{Attr, Attrs};
use crate::engine::case::{Case, floats, truths};
use crate::engine::lift::all_batched;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;
use crate::ops::create::promotion::match_dtypes;
use crate::ops::shape::reshape::{broadcast, broadcast_shape};

crate::catalogue! {
    pub(crate)
    ops: Compare, Where
}

/// Which comparison, on numbers; or which connective, on truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `x == y`.
    Eq,
    /// `x != y`; true where either is NaN.
    Ne,
    /// `x < y`.
    Lt,
    /// `x <= y`.
    Le,
    /// Both are non-zero.
    And,
    /// Either is non-zero.
    Or,
    /// Exactly one is non-zero.
    Xor,
}

const NAMES: [(Relation, &str); 7] = [
    (Relation::Eq, "eq"),
    (Relation::Ne, "ne"),
    (Relation::Lt, "lt"),
    (Relation::Le, "le"),
    (Relation::And, "and"),
    (Relation::Or, "or"),
    (Relation::Xor, "xor"),
];

impl CompareBody for Relation {
    #[inline(always)]
    fn f<T: Num>(&self, x: T, y: T) -> T::Mask {
        let truth = |x: T| !x.eq(T::splat(0.0));
        match self {
            Relation::Eq => x.eq(y),
            Relation::Ne => !x.eq(y),
            Relation::Lt => x.lt(y),
            Relation::Le => x.le(y),
            Relation::And => truth(x) & truth(y),
            Relation::Or => truth(x) | truth(y),
            Relation::Xor => (truth(x) | truth(y)) & !(truth(x) & truth(y)),
        }
    }
}

/// A comparison of two equal shapes, as bool.
#[derive(Clone, Debug)]
pub struct Compare {
    /// Which one.
    pub relation: Relation,
}

impl Op for Compare {
    const NAME: &'static str = "compare";

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        if x[0] != x[1] {
            return Err(Error::shape(format!(
                "{:?}: {} {:?} and {} {:?} differ; broadcast and cast first",
                self.relation, x[0].dtype, x[0].shape, x[1].dtype, x[1].shape
            )));
        }
        Ok(smallvec![x[0].with_dtype(DType::Bool)])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::compare(&x[0], &x[1], &self.relation)])
    }

    fn vjp(&self, _: &Saved<'_>, _: &[Option<Var>]) -> Ins<Option<Var>> {
        smallvec![None, None]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(self.clone(), all_batched(x, batched, n))
    }

    fn attrs(&self) -> Attrs {
        let name = NAMES
            .iter()
            .find(|n| n.0 == self.relation)
            .expect("every relation has a name")
            .1;
        Attrs::new().put("relation", Attr::Text(name.to_owned()))
    }

    fn from_attrs(a: &Attrs) -> Result<Self> {
        let name = a.get_text("relation")?;
        let found = NAMES.iter().find(|n| n.1 == name);
        let relation = found
            .ok_or_else(|| Error::format(format!("compare: unknown relation '{name}'")))?
            .0;
        Ok(Compare { relation })
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        NAMES
            .iter()
            .map(|&(relation, _)| {
                let whole = |t: Tensor| {
                    Tensor::from_vec(t.to_f64().iter().map(|v| v.round()).collect(), &[4, 5])
                        .expect("as many")
                };
                let (x, y) = (
                    whole(floats(rng, &[4, 5], -1.4, 1.4)),
                    whole(floats(rng, &[4, 5], -1.4, 1.4)),
                );
                let plain = |(x, y): (f64, f64)| match relation {
                    Relation::Eq => x == y,
                    Relation::Ne => x != y,
                    Relation::Lt => x < y,
                    Relation::Le => x <= y,
                    Relation::And => x != 0.0 && y != 0.0,
                    Relation::Or => x != 0.0 || y != 0.0,
                    Relation::Xor => (x != 0.0) != (y != 0.0),
                };
                let want: Vec<bool> = x.to_f64().into_iter().zip(y.to_f64()).map(plain).collect();
                Case::new(Compare { relation }, vec![x, y])
                    .want(vec![Tensor::from_vec(want, &[4, 5]).expect("as many")])
            })
            .collect()
    }
}

/// The second input where the first (bool) holds, else the third; all of one shape.
#[derive(Clone, Debug)]
pub struct Where;

impl Op for Where {
    const NAME: &'static str = "where";

    fn keeps(&self) -> Keeps {
        Keeps::INPUT
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        if x[0].dtype != DType::Bool || x[1] != x[2] || x[0].shape != x[1].shape {
            return Err(Error::shape(format!(
                "where: wants a bool condition and two values of its shape and one dtype, got {} {:?}, {} {:?} and {} {:?}",
                x[0].dtype, x[0].shape, x[1].dtype, x[1].shape, x[2].dtype, x[2].shape
            )));
        }
        Ok(smallvec![x[1].clone()])
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::select(&x[0], &x[1], &x[2])])
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        let Some(g) = &g[0] else {
            return smallvec![None, None, None];
        };
        let (cond, zero) = (k.input(0), g.zeros_like());
        smallvec![
            None,
            k.needs(1).then(|| Var::where_(&cond, g, &zero)),
            k.needs(2).then(|| Var::where_(&cond, &zero, g)),
        ]
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::apply(Where, all_batched(x, batched, n))
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Where)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let (c, x, y) = (
            truths(rng, &[3, 4]),
            floats(rng, &[3, 4], -1.0, 1.0),
            floats(rng, &[3, 4], -1.0, 1.0),
        );
        let pick: Vec<f64> = (0..12)
            .map(|i| {
                if c.to_f64()[i] != 0.0 {
                    x.to_f64()[i]
                } else {
                    y.to_f64()[i]
                }
            })
            .collect();
        vec![
            Case::new(Where, vec![c, x, y])
                .want(vec![Tensor::from_vec(pick, &[3, 4]).expect("as many")]),
        ]
    }
}

/// Fails, in the name of `what`, unless `mask` is bool.
pub(crate) fn want_mask(what: &str, mask: &Var) -> Result<()> {
    if mask.dtype() == DType::Bool {
        return Ok(());
    }
    Err(Error::dtype(format!(
        "{what}: the mask is {}, must be bool; compare first: x.ne(..)",
        mask.dtype()
    )))
}

impl Var {
    #[track_caller]
    fn compare(&self, what: &str, other: &Var, relation: Relation) -> Var {
        let (x, y) = match_dtypes(self.clone(), other.clone());
        let (x, y) = broadcast(what, x, y);
        crate::engine::apply::one(Compare { relation }, smallvec![x, y])
    }

    /// Where the elements are equal, broadcasting; NaN equals nothing.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).eq(&Var::new(&[2.0f32], &[1])).to_vec::<bool>()?, [false, true, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn eq(&self, other: &Var) -> Var {
        self.compare("eq", other, Relation::Eq)
    }
    /// Where the elements differ.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).ne(&Var::new(&[2.0f32], &[1])).to_vec::<bool>()?, [true, false, true]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn ne(&self, other: &Var) -> Var {
        self.compare("ne", other, Relation::Ne)
    }
    /// Where `self < other`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).lt(&Var::new(&[2.0f32], &[1])).to_vec::<bool>()?, [true, false, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn lt(&self, other: &Var) -> Var {
        self.compare("lt", other, Relation::Lt)
    }
    /// Where `self <= other`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).le(&Var::new(&[2.0f32], &[1])).to_vec::<bool>()?, [true, true, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn le(&self, other: &Var) -> Var {
        self.compare("le", other, Relation::Le)
    }
    /// Where `self > other`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).gt(&Var::new(&[2.0f32], &[1])).to_vec::<bool>()?, [false, false, true]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn gt(&self, other: &Var) -> Var {
        other.compare("gt", self, Relation::Lt)
    }
    /// Where `self >= other`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).ge(&Var::new(&[2.0f32], &[1])).to_vec::<bool>()?, [false, true, true]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn ge(&self, other: &Var) -> Var {
        other.compare("ge", self, Relation::Le)
    }
    /// Where the elements are above `c`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).gt_scalar(2.0).to_vec::<bool>()?, [false, false, true]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn gt_scalar(&self, c: f64) -> Var {
        let (x, c) = self.and_number(c, f64::floor);
        x.gt(&c)
    }
    /// Where the elements are below `c`.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 2.0, 3.0], &[3]).lt_scalar(2.0).to_vec::<bool>()?, [true, false, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn lt_scalar(&self, c: f64) -> Var {
        let (x, c) = self.and_number(c, f64::ceil);
        x.lt(&c)
    }
    /// Where both are non-zero.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (a, b) = (Var::new(&[true, true, false], &[3]), Var::new(&[true, false, false], &[3]));
    /// assert_eq!(a.logical_and(&b).to_vec::<bool>()?, [true, false, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn logical_and(&self, other: &Var) -> Var {
        self.compare("logical_and", other, Relation::And)
    }
    /// Where either is non-zero.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (a, b) = (Var::new(&[true, true, false], &[3]), Var::new(&[true, false, false], &[3]));
    /// assert_eq!(a.logical_or(&b).to_vec::<bool>()?, [true, true, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn logical_or(&self, other: &Var) -> Var {
        self.compare("logical_or", other, Relation::Or)
    }
    /// Where exactly one is non-zero.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let (a, b) = (Var::new(&[true, true, false], &[3]), Var::new(&[true, false, false], &[3]));
    /// assert_eq!(a.logical_xor(&b).to_vec::<bool>()?, [false, true, false]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn logical_xor(&self, other: &Var) -> Var {
        self.compare("logical_xor", other, Relation::Xor)
    }
    /// Where the element is 0 or false.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[true, false], &[2]).logical_not().to_vec::<bool>()?, [false, true]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn logical_not(&self) -> Var {
        self.eq(&self.constant(0.0))
    }
    /// Where the element is NaN.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, f32::NAN], &[2]).isnan().to_vec::<bool>()?, [false, true]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    pub fn isnan(&self) -> Var {
        self.ne(self)
    }

    /// `x` where `cond` (bool) holds, else `y`, broadcasting.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let c = Var::new(&[true, false], &[2]);
    /// let y = Var::where_(&c, &Var::scalar(1.0f32), &Var::scalar(2.0f32));
    /// assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// When the condition is not bool, or the shapes do not broadcast.
    #[track_caller]
    pub fn where_(cond: &Var, x: &Var, y: &Var) -> Var {
        let (x, y) = match_dtypes(x.clone(), y.clone());
        let (x, y) = broadcast("where", x, y);
        let (cond, x) = broadcast("where", cond.clone(), x);
        let (_, y) = broadcast("where", cond.clone(), y);
        crate::engine::apply::one(Where, smallvec![cond, x, y])
    }

    /// `value` where `mask` (bool) holds, else this variable; integers become f32 where their dtype
    /// cannot hold the value.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// let x = Var::new(&[1.0f32, 2.0, 3.0], &[3]);
    /// assert_eq!(x.masked_fill(&x.gt_scalar(1.5), 0.0).to_vec::<f32>()?, [1.0, 0.0, 0.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the mask is not bool, or the shapes do not broadcast.
    #[track_caller]
    pub fn masked_fill(&self, mask: &Var, value: f64) -> Var {
        want_mask("masked_fill", mask).or_panic();
        broadcast_shape("masked_fill", self.shape(), mask.shape()).or_panic();
        let x = self.beside(&[value]);
        Var::where_(mask, &x.constant(value), &x)
    }
}
