//! The short forms: an elementwise op is its function, its derivative and what that keeps.

use std::fmt::Debug;
use std::ops::Range;

use lepton_tensor::ops::{self, IntMap, IntZip};
use lepton_tensor::random::Rng;
use lepton_tensor::simd::{Lane, MapBody, Num, ZipBody};
use lepton_tensor::{DType, Error, Meta, Result, Tensor};
use smallvec::smallvec;

use crate::engine::attrs::Attrs;
use crate::engine::case::{Case, floats};
use crate::engine::catalogue::Listed;
use crate::engine::node::Saved;
use crate::engine::op::{Ins, Keeps, Op, Outs};
use crate::engine::var::Var;

/// A function of one number, applied to each element.
pub trait Unary: Copy + Debug + Default + Send + Sync + 'static {
    /// The name in programs and messages.
    const NAME: &'static str;
    /// What `vjp` reads.
    const KEEPS: Keeps;
    /// Where the derived tests draw inputs: where the function is smooth.
    const DOMAIN: Range<f64>;
    /// True when integers have the op as well, see [`Unary::int`].
    const INT: bool = false;
    /// True when `f` takes each element through the standard library (`Lane::libm`): it is compiled for
    /// one SIMD level, since the others would gain nothing.
    const SCALAR: bool = false;

    /// The value at `x`, for scalars and vectors of every level.
    fn f<T: Lane>(&self, x: T) -> T;
    /// The value at an integer `x`.
    fn int<T: Num>(&self, x: T) -> T {
        x
    }
    /// Fails unless integers of `dtype` can be what the op's constants are.
    ///
    /// # Errors
    /// When a constant has a fraction or is too large.
    fn suits(&self, _dtype: DType) -> Result<()> {
        Ok(())
    }
    /// The value at `x` by plainer means, for the tests.
    fn reference(&self, x: f64) -> f64;
    /// The cotangent of the input.
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> Var;
    /// The attributes.
    fn attrs(&self) -> Attrs {
        Attrs::new()
    }
    /// The op with these attributes.
    ///
    /// # Errors
    /// When an attribute is missing or of another kind.
    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Self::default())
    }
}

/// A function of two numbers, applied to each pair of elements of two equal shapes.
pub trait Binary: Copy + Debug + Default + Send + Sync + 'static {
    /// The name in programs and messages.
    const NAME: &'static str;
    /// What `vjp` reads.
    const KEEPS: Keeps;
    /// Where the derived tests draw each input.
    const DOMAIN: [Range<f64>; 2];
    /// True when integers have the op as well.
    const INT: bool = false;
    /// True when `f` takes each element through the standard library (`Lane::libm`): it is compiled for
    /// one SIMD level, since the others would gain nothing.
    const SCALAR: bool = false;

    /// True when the result is a float whatever the inputs: [`Var`]'s methods make integers f32.
    const FLOATS: bool = false;

    /// The value at `x`, `y`.
    fn f<T: Lane>(&self, x: T, y: T) -> T;
    /// The value at integers `x`, `y`.
    fn int<T: Num>(&self, x: T, _y: T) -> T {
        x
    }
    /// The value by plainer means, for the tests.
    fn reference(&self, x: f64, y: f64) -> f64;
    /// The cotangents of both inputs; the caller drops what is not needed.
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2];
    /// The same where the node is freed and `g` is not needed afterwards, see [`Op::vjp_consuming`].
    fn vjp_consuming(&self, k: &mut Saved<'_>, g: Var) -> [Option<Var>; 2] {
        self.vjp(k, &g)
    }
}

/// [`Unary`] as an [`Op`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Map<U>(pub U);

/// [`Binary`] as an [`Op`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Zip<B>(pub B);

impl<U: Unary + Listed> Listed for Map<U> {}
impl<B: Binary + Listed> Listed for Zip<B> {}

/// An op's function as the body of a kernel.
#[derive(Clone, Copy)]
pub(crate) struct Body<F>(pub(crate) F);

impl<U: Unary> MapBody for Body<U> {
    const SCALAR: bool = U::SCALAR;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T) -> T {
        self.0.f(x)
    }
}

impl<U: Unary> IntMap for Body<U> {
    const INT: bool = U::INT;
    #[inline(always)]
    fn int<T: Num>(&self, x: T) -> T {
        self.0.int(x)
    }
}

impl<B: Binary> ZipBody for Body<B> {
    const SCALAR: bool = B::SCALAR;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        self.0.f(x, y)
    }
}

impl<B: Binary> IntZip for Body<B> {
    const INT: bool = B::INT;
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        self.0.int(x, y)
    }
}

// What follows is not generic: it is compiled once instead of for every op.

fn infer_map(name: &str, int: bool, x: &[&Meta]) -> Result<Outs<Meta>> {
    if !int {
        x[0].dtype.want_float(name)?;
    }
    Ok(smallvec![x[0].clone()])
}

fn infer_zip(name: &str, int: bool, x: &[&Meta]) -> Result<Outs<Meta>> {
    let (a, b) = (x[0], x[1]);
    if !int {
        a.dtype.want_float(name)?;
    }
    if a != b {
        return Err(Error::shape(format!(
            "{name}: {:?} {:?} and {:?} {:?} differ; broadcast and cast first",
            a.dtype, a.shape, b.dtype, b.shape
        )));
    }
    Ok(smallvec![a.clone()])
}

/// The image of the one cotangent or tangent, where it is there.
fn each(g: &Option<Var>, image: &dyn Fn(&Var) -> Var) -> Ins<Option<Var>> {
    smallvec![g.as_ref().map(image)]
}

/// The sum of what both tangents give.
fn sum_of_parts(t: &[Option<Var>], part: &dyn Fn(usize, &Var) -> Option<Var>) -> Outs<Option<Var>> {
    let of = |i: usize| part(i, t[i].as_ref()?);
    smallvec![match (of(0), of(1)) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }]
}

impl<U: Unary> Op for Map<U> {
    const NAME: &'static str = U::NAME;

    fn keeps(&self) -> Keeps {
        U::KEEPS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        if U::INT {
            self.0.suits(x[0].dtype)?;
        }
        infer_map(U::NAME, U::INT, x)
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        Ok(smallvec![ops::map(&mut x[0], &Body(self.0))])
    }

    fn forward_fast(&self, x: &mut [Tensor]) -> Option<Result<Tensor>> {
        let dtype = x[0].dtype();
        let fits = dtype.is_float() || (U::INT && self.0.suits(dtype).is_ok());
        (fits && !x[0].is_meta()).then(|| Ok(ops::map(&mut x[0], &Body(self.0))))
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        each(&g[0], &|g| self.0.vjp(k, g))
    }

    /// The Jacobian is diagonal, so it is its own transpose.
    fn jvp(&self, x: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let saved = Saved::of_vars(U::KEEPS, x, y, &[true]);
        each(&t[0], &|t| self.0.vjp(&saved, t))
            .into_iter()
            .collect()
    }

    fn batch(&self, x: &[Var], _: &[bool], _: usize) -> Result<Outs<Var>> {
        crate::engine::apply::apply_any(self, x.iter().cloned().collect())
    }

    fn attrs(&self) -> Attrs {
        self.0.attrs()
    }

    fn from_attrs(attrs: &Attrs) -> Result<Self> {
        U::from_attrs(attrs).map(Map)
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let one = |rng: &mut Rng, shape: &[usize]| {
            let op = U::default();
            let x = floats(rng, shape, U::DOMAIN.start, U::DOMAIN.end);
            let y = Tensor::from_vec(
                x.to_f64().into_iter().map(|v| op.reference(v)).collect(),
                shape,
            );
            Case::new(Map(op), vec![x]).want(vec![y.expect("as many")])
        };
        vec![
            one(rng, &[3, 5]),
            one(rng, &[]),
            one(rng, &[67]),
            one(rng, &[2, 0]),
        ]
    }
}

impl<B: Binary> Op for Zip<B> {
    const NAME: &'static str = B::NAME;

    fn keeps(&self) -> Keeps {
        B::KEEPS
    }

    fn infer(&self, x: &[&Meta]) -> Result<Outs<Meta>> {
        infer_zip(B::NAME, B::INT, x)
    }

    fn forward(&self, x: &mut [Tensor], _: &[Meta]) -> Result<Outs<Tensor>> {
        let [a, b] = x else {
            unreachable!("two inputs")
        };
        Ok(smallvec![ops::zip(a, b, &Body(self.0))])
    }

    fn forward_fast(&self, x: &mut [Tensor]) -> Option<Result<Tensor>> {
        let [a, b] = x else {
            unreachable!("two inputs")
        };
        let fits = a.meta() == b.meta() && (B::INT || a.dtype().is_float());
        let here = !a.is_meta() && !b.is_meta();
        (fits && here).then(|| Ok(ops::zip(a, b, &Body(self.0))))
    }

    fn vjp(&self, k: &Saved<'_>, g: &[Option<Var>]) -> Ins<Option<Var>> {
        match &g[0] {
            Some(g) => self.0.vjp(k, g).into(),
            None => smallvec![None, None],
        }
    }

    fn vjp_consuming(&self, k: &mut Saved<'_>, g: &mut [Option<Var>]) -> Ins<Option<Var>> {
        match g[0].take() {
            Some(g) => self.0.vjp_consuming(k, g).into(),
            None => smallvec![None, None],
        }
    }

    /// Both Jacobians are diagonal: their products with the tangents add up.
    fn jvp(&self, x: &[Var], y: &[Var], t: &[Option<Var>]) -> Outs<Option<Var>> {
        let part = |i: usize, t: &Var| {
            let saved = Saved::of_vars(B::KEEPS, x, y, [&[true, false], &[false, true]][i]);
            let [a, b] = self.0.vjp(&saved, t);
            if i == 0 { a } else { b }
        };
        sum_of_parts(t, &part)
    }

    fn batch(&self, x: &[Var], batched: &[bool], n: usize) -> Result<Outs<Var>> {
        crate::engine::apply::apply_any(self, crate::engine::lift::all_batched(x, batched, n))
    }

    fn from_attrs(_: &Attrs) -> Result<Self> {
        Ok(Zip(B::default()))
    }

    #[inline]
    fn cases(rng: &mut Rng) -> Vec<Case<Self>> {
        let [dx, dy] = B::DOMAIN;
        let one = |rng: &mut Rng, shape: &[usize]| {
            let op = B::default();
            let (x, y) = (
                floats(rng, shape, dx.start, dx.end),
                floats(rng, shape, dy.start, dy.end),
            );
            let want = x
                .to_f64()
                .into_iter()
                .zip(y.to_f64())
                .map(|(x, y)| op.reference(x, y))
                .collect();
            let want = Tensor::from_vec(want, shape).expect("as many");
            Case::new(Zip(op), vec![x, y]).want(vec![want])
        };
        vec![
            one(rng, &[3, 5]),
            one(rng, &[]),
            one(rng, &[67]),
            one(rng, &[2, 0]),
        ]
    }
}
