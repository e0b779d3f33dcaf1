//! Elementwise ops of two inputs, and the operators.

use std::ops::Range;

use lepton_tensor::simd::{Lane, Libm2, Num};

use crate::engine::elementwise::{Binary, Zip};
use crate::engine::node::Saved;
use crate::engine::op::Keeps;
use crate::engine::var::Var;
use crate::ops::create::promotion::match_dtypes;
use crate::ops::shape::reshape::broadcast;

crate::catalogue! {
    pub(crate)
    binary: Add, Div, Maximum, Minimum, Mul, Pow, Sub;
}

const ANY: [Range<f64>; 2] = [-2.0..2.0, -2.0..2.0];

/// `x + y`; keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Add;

impl Binary for Add {
    const NAME: &'static str = "add";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: [Range<f64>; 2] = ANY;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x + y
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x + y
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x + y
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        [k.needs(0).then(|| g.clone()), k.needs(1).then(|| g.clone())]
    }
}

/// `x - y`; keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sub;

impl Binary for Sub {
    const NAME: &'static str = "sub";
    const KEEPS: Keeps = Keeps::NONE;
    const DOMAIN: [Range<f64>; 2] = ANY;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x - y
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x - y
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x - y
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        [k.needs(0).then(|| g.clone()), k.needs(1).then(|| -g)]
    }
}

/// `x * y`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mul;

impl Binary for Mul {
    const NAME: &'static str = "mul";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = ANY;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x * y
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x * y
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x * y
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        [
            k.needs(0).then(|| g * k.input(1)),
            k.needs(1).then(|| g * k.input(0)),
        ]
    }
    fn vjp_consuming(&self, k: &mut Saved<'_>, g: Var) -> [Option<Var>; 2] {
        let to_y = k.needs(1).then(|| &g * k.take_input(0));
        [k.needs(0).then(|| g * k.take_input(1)), to_y]
    }
}

/// `x / y`; keeps both inputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Div;

impl Binary for Div {
    const NAME: &'static str = "div";
    const FLOATS: bool = true;
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = [-2.0..2.0, 0.5..2.0];

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x / y
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x / y
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let y = k.input(1);
        // The quotient first: g / y may be infinite where x is 0.
        [
            k.needs(0).then(|| g / &y),
            k.needs(1).then(|| -(g * (k.input(0) / &y / &y))),
        ]
    }
}

/// The larger of two; at a tie each takes half of the gradient, and NaN wins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Maximum;

impl Binary for Maximum {
    const NAME: &'static str = "maximum";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = ANY;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x.max(y)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x.max(y)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x.max(y)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (x, y) = (k.input(0), k.input(1));
        let share = |a: &Var, b: &Var| {
            g * (a.gt(b).to_dtype(g.dtype()) + a.eq(b).to_dtype(g.dtype()) * 0.5)
        };
        [
            k.needs(0).then(|| share(&x, &y)),
            k.needs(1).then(|| share(&y, &x)),
        ]
    }
}

/// The smaller of two; at a tie each takes half of the gradient, and NaN wins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Minimum;

impl Binary for Minimum {
    const NAME: &'static str = "minimum";
    const KEEPS: Keeps = Keeps::INPUTS;
    const DOMAIN: [Range<f64>; 2] = ANY;
    const INT: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x.min(y)
    }
    #[inline(always)]
    fn int<T: Num>(&self, x: T, y: T) -> T {
        x.min(y)
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x.min(y)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (x, y) = (k.input(0), k.input(1));
        let share = |a: &Var, b: &Var| {
            g * (a.lt(b).to_dtype(g.dtype()) + a.eq(b).to_dtype(g.dtype()) * 0.5)
        };
        [
            k.needs(0).then(|| share(&x, &y)),
            k.needs(1).then(|| share(&y, &x)),
        ]
    }
}

/// `x^y`; `0^0` is 1, and the slope in `y` at `x = 0`, `y >= 0` is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pow;

impl Binary for Pow {
    const NAME: &'static str = "pow";
    const KEEPS: Keeps = Keeps::INPUTS.and(Keeps::OUTPUT);
    const DOMAIN: [Range<f64>; 2] = [0.3..2.0, -2.0..2.0];
    const SCALAR: bool = true;

    #[inline(always)]
    fn f<T: Lane>(&self, x: T, y: T) -> T {
        x.libm2(
            y,
            Libm2 {
                name: "pow",
                f: f64::powf,
            },
        )
    }
    fn reference(&self, x: f64, y: f64) -> f64 {
        x.powf(y)
    }
    fn vjp(&self, k: &Saved<'_>, g: &Var) -> [Option<Var>; 2] {
        let (x, y) = (k.input(0), k.input(1));
        // Branches that are not taken see safe values, so that no NaN reaches higher orders.
        let gx = || {
            let none = y.eq(&y.zeros_like());
            let below = Var::where_(&none, &y.ones_like(), &y) - 1.0;
            g * Var::where_(&none, &y.zeros_like(), &(&y * x.pow(&below)))
        };
        let gy = || {
            let zero = x.zeros_like();
            let flat = x.eq(&zero).logical_and(&y.ge(&zero));
            let log = Var::where_(&flat, &x.ones_like(), &x).log();
            g * Var::where_(&flat, &zero, &(k.output(0) * log))
        };
        [k.needs(0).then(gx), k.needs(1).then(gy)]
    }
}

/// Applies `op` after bringing both sides to one dtype and one shape.
#[track_caller]
pub(crate) fn zip<B: Binary>(op: B, x: Var, y: Var) -> Var
where
    Zip<B>: crate::Listed,
{
    if B::FLOATS && !x.dtype().is_float() && !y.dtype().is_float() {
        return zip(op, x.float(), y.float());
    }
    let (mut x, mut y) = (x, y);
    if x.meta() != y.meta() {
        (x, y) = matched(B::NAME, x, y);
    }
    let ((x, from_x), (y, from_y)) = (x.into_parts(), y.into_parts());
    crate::engine::apply::fast(&Zip(op), [x, y], [from_x, from_y])
}

/// Both sides of one dtype and one shape; apart, so that it is compiled once.
#[track_caller]
fn matched(what: &str, x: Var, y: Var) -> (Var, Var) {
    let (x, y) = match_dtypes(x, y);
    broadcast(what, x, y)
}

impl Var {
    /// `self^exponent`, element by element, broadcasting.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[2.0f32, 3.0], &[2]).pow(&Var::new(&[3.0f32, 2.0], &[2])).to_vec::<f32>()?, [8.0, 9.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn pow(&self, exponent: &Var) -> Var {
        zip(Pow, self.clone(), exponent.clone())
    }

    /// The larger of each pair, broadcasting; NaN wins.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 5.0], &[2]).maximum(&Var::new(&[3.0f32], &[1])).to_vec::<f32>()?, [3.0, 5.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn maximum(&self, other: &Var) -> Var {
        zip(Maximum, self.clone(), other.clone())
    }

    /// The smaller of each pair, broadcasting; NaN wins.
    ///
    /// ```
    /// use lepton_autograd::Var;
    /// assert_eq!(Var::new(&[1.0f32, 5.0], &[2]).minimum(&Var::new(&[3.0f32], &[1])).to_vec::<f32>()?, [1.0, 3.0]);
    /// # Ok::<(), lepton_autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn minimum(&self, other: &Var) -> Var {
        zip(Minimum, self.clone(), other.clone())
    }
}

// `x op y` for values and references on either side, and for a number, with or without a fraction, on
// either side.
macro_rules! operators {
    ($($Trait:ident, $method:ident, $Op:ident, |$x:ident, $c:ident| $right:expr, |$d:ident, $y:ident| $left:expr;)*) => {$(
        operators!(@pair $Trait, $method, $Op, Var, Var, |v| v, |v| v);
        operators!(@pair $Trait, $method, $Op, &Var, Var, |v: &Var| v.clone(), |v| v);
        operators!(@pair $Trait, $method, $Op, Var, &Var, |v| v, |v: &Var| v.clone());
        operators!(@pair $Trait, $method, $Op, &Var, &Var, |v: &Var| v.clone(), |v: &Var| v.clone());
        operators!(@number $Trait, $method, Var, |v| v, |$x, $c| $right, |$d, $y| $left);
        operators!(@number $Trait, $method, &Var, |v: &Var| v.clone(), |$x, $c| $right, |$d, $y| $left);
        operators!(@whole $Trait, $method, $Op, Var, |v| v);
        operators!(@whole $Trait, $method, $Op, &Var, |v: &Var| v.clone());
    )*};
    (@pair $Trait:ident, $method:ident, $Op:ident, $A:ty, $B:ty, $own_a:expr, $own_b:expr) => {
        impl std::ops::$Trait<$B> for $A {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: $B) -> Var {
                zip($Op, $own_a(self), $own_b(other))
            }
        }
    };
    (@number $Trait:ident, $method:ident, $A:ty, $own:expr, |$x:ident, $c:ident| $right:expr, |$d:ident, $y:ident| $left:expr) => {
        impl std::ops::$Trait<f64> for $A {
            type Output = Var;
            #[track_caller]
            fn $method(self, $c: f64) -> Var {
                let $x: Var = $own(self);
                $right
            }
        }
        impl std::ops::$Trait<$A> for f64 {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: $A) -> Var {
                let ($d, $y): (f64, Var) = (self, $own(other));
                $left
            }
        }
    };
    (@whole $Trait:ident, $method:ident, $Op:ident, $A:ty, $own:expr) => {
        impl std::ops::$Trait<i64> for $A {
            type Output = Var;
            #[track_caller]
            fn $method(self, c: i64) -> Var {
                let x: Var = $own(self);
                if x.dtype().is_float() {
                    return std::ops::$Trait::$method(x, c as f64);
                }
                let (x, c) = x.beside_whole($Op::NAME, c);
                zip($Op, x, c)
            }
        }
        impl std::ops::$Trait<$A> for i64 {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: $A) -> Var {
                let y: Var = $own(other);
                if y.dtype().is_float() {
                    return std::ops::$Trait::$method(self as f64, y);
                }
                let (y, c) = y.beside_whole($Op::NAME, self);
                zip($Op, c, y)
            }
        }
    };
}
operators! {
    Add, add, Add, |x, c| x.add_scalar(c), |c, y| y.add_scalar(c);
    Sub, sub, Sub, |x, c| x.add_scalar(-c), |c, y| (-y.float()).add_scalar(c);
    Mul, mul, Mul, |x, c| x.mul_scalar(c), |c, y| y.mul_scalar(c);
    Div, div, Div, |x, c| x.div_scalar(c), |c, y| y.divide_number(c);
}

impl std::ops::Neg for Var {
    type Output = Var;
    fn neg(self) -> Var {
        self.negative()
    }
}

impl std::ops::Neg for &Var {
    type Output = Var;
    fn neg(self) -> Var {
        self.clone().negative()
    }
}
