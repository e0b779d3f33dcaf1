//! Symbolic execution of a body, to learn whether it is one arithmetic instruction.
//!
//! Bodies select and never branch, so a lane that only records what is done with it sees all of a body.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::ArithOp;
use crate::simd::{Lane, Libm, Libm2, MapBody, Num, ZipBody};

/// An operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Term {
    /// The body's first input.
    X,
    /// The body's second input.
    Y,
    /// The same number everywhere.
    Constant(f64),
}

/// A body that is one instruction, `op(lhs, rhs)`; one of a single input has it on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SingleOp {
    /// The instruction.
    pub(crate) op: ArithOp,
    /// Its first operand.
    pub(crate) lhs: Term,
    /// Its second operand.
    pub(crate) rhs: Term,
}

impl SingleOp {
    /// The operand beside `value`, and whether it is the first of the two; `None` where `value` is not used.
    pub(crate) fn beside(self, value: Term) -> Option<(Term, bool)> {
        match self {
            SingleOp { lhs, rhs, .. } if lhs == value => Some((rhs, false)),
            SingleOp { lhs, rhs, .. } if rhs == value => Some((lhs, true)),
            _ => None,
        }
    }
}

/// The one instruction that `f` is, if it is one.
pub(crate) fn of_map(f: &impl MapBody) -> Option<SingleOp> {
    f.f(Symbolic::Term(Term::X)).single_op()
}

/// The one instruction that `f` is, if it is one.
pub(crate) fn of_zip(f: &impl ZipBody) -> Option<SingleOp> {
    f.f(Symbolic::Term(Term::X), Symbolic::Term(Term::Y))
        .single_op()
}

/// What is known of a value.
#[derive(Clone, Copy)]
enum Symbolic {
    Term(Term),
    One(SingleOp),
    More,
}

impl Symbolic {
    fn single_op(self) -> Option<SingleOp> {
        match self {
            Symbolic::One(op) => Some(op),
            _ => None,
        }
    }

    fn join(op: ArithOp, lhs: Symbolic, rhs: Symbolic) -> Symbolic {
        match (lhs, rhs) {
            (Symbolic::Term(lhs), Symbolic::Term(rhs)) => Symbolic::One(SingleOp { op, lhs, rhs }),
            _ => Symbolic::More,
        }
    }
}

/// The operators and their names as methods.
macro_rules! operators {
    ($($Op:ident $f:ident),*) => {$(
        impl $Op for Symbolic {
            type Output = Symbolic;
            fn $f(self, o: Symbolic) -> Symbolic {
                Symbolic::join(ArithOp::$Op, self, o)
            }
        }
    )*};
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Symbolic {
    type Output = Symbolic;
    fn neg(self) -> Symbolic {
        Symbolic::join(ArithOp::Neg, self, self)
    }
}

impl Num for Symbolic {
    type Mask = bool;

    fn splat(x: f64) -> Symbolic {
        Symbolic::Term(Term::Constant(x))
    }
    fn lt(self, _: Symbolic) -> bool {
        true
    }
    fn le(self, _: Symbolic) -> bool {
        true
    }
    fn eq(self, _: Symbolic) -> bool {
        true
    }
    fn select(_: bool, _: Symbolic, _: Symbolic) -> Symbolic {
        Symbolic::More
    }
    fn max(self, o: Symbolic) -> Symbolic {
        Symbolic::join(ArithOp::Max, self, o)
    }
    fn min(self, o: Symbolic) -> Symbolic {
        Symbolic::join(ArithOp::Min, self, o)
    }
    fn abs(self) -> Symbolic {
        Symbolic::join(ArithOp::Abs, self, self)
    }
}

/// Methods that are more than an instruction.
macro_rules! more {
    ($($f:ident($($input:ty),*);)*) => {$(
        fn $f(self, $(_: $input),*) -> Symbolic {
            Symbolic::More
        }
    )*};
}

impl Lane for Symbolic {
    fn sqrt(self) -> Symbolic {
        Symbolic::join(ArithOp::Sqrt, self, self)
    }
    fn frexp(self) -> (Symbolic, Symbolic) {
        (Symbolic::More, Symbolic::More)
    }
    fn normal(self) -> [Symbolic; 2] {
        [Symbolic::More, Symbolic::More]
    }
    /// Always true, so that the trace sees both branches.
    fn any(_: bool) -> bool {
        true
    }
    fn pow2(_: Symbolic) -> Symbolic {
        Symbolic::More
    }
    more! {
        mul_add(Symbolic, Symbolic);
        floor();
        round_even();
        copysign(Symbolic);
        scale(Symbolic);
        libm(Libm);
        libm2(Symbolic, Libm2);
        exp();
        exp2();
        ln();
        tanh();
        erf();
        normal_cdf();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Bodies(u8);

    impl MapBody for Bodies {
        fn f<T: Lane>(&self, x: T) -> T {
            match self.0 {
                0 => -x,
                1 => T::splat(2.0) - x,
                2 => x * x,
                3 => x.max(T::splat(0.0)),
                4 => x.sqrt(),
                5 => x,
                6 => T::splat(1.0) / x.sqrt(),
                7 => T::select(x.lt(T::splat(0.0)), x, x + x),
                _ => x.exp(),
            }
        }
    }

    #[test]
    fn one_instruction_is_known_and_more_are_not() {
        use Term::{Constant, X};
        let one = |op, lhs, rhs| Some(SingleOp { op, lhs, rhs });
        let want = [
            one(ArithOp::Neg, X, X),
            one(ArithOp::Sub, Constant(2.0), X),
            one(ArithOp::Mul, X, X),
            one(ArithOp::Max, X, Constant(0.0)),
            one(ArithOp::Sqrt, X, X),
            None,
            None,
            None,
            None,
        ];
        for (i, want) in want.into_iter().enumerate() {
            assert_eq!(of_map(&Bodies(i as u8)), want, "body {i}");
        }
    }
}
