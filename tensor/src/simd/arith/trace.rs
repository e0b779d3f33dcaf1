//! A body run on names instead of numbers, to learn whether it is one arithmetic instruction.
//!
//! Bodies select and never branch, so a lane that only notes what is done with it sees all of a body.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Op;
use crate::simd::{Lane, Libm, Libm2, MapBody, Num, ZipBody};

/// What an instruction takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Term {
    /// The body's first input.
    X,
    /// The body's second input.
    Y,
    /// The same number everywhere.
    Constant(f64),
}

/// `op(left, right)`; an op of one input has it on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Instruction {
    pub(crate) op: Op,
    pub(crate) left: Term,
    pub(crate) right: Term,
}

impl Instruction {
    /// What stands beside `value`, and whether on the left of it; `None` where `value` is not used.
    pub(crate) fn beside(self, value: Term) -> Option<(Term, bool)> {
        match self {
            Instruction { left, right, .. } if left == value => Some((right, false)),
            Instruction { left, right, .. } if right == value => Some((left, true)),
            _ => None,
        }
    }
}

/// The one instruction that `f` is, if it is one.
pub(crate) fn of_map(f: &impl MapBody) -> Option<Instruction> {
    f.f(Trace::Term(Term::X)).instruction()
}

/// The one instruction that `f` is, if it is one.
pub(crate) fn of_zip(f: &impl ZipBody) -> Option<Instruction> {
    f.f(Trace::Term(Term::X), Trace::Term(Term::Y))
        .instruction()
}

/// What is known of a value.
#[derive(Clone, Copy)]
enum Trace {
    Term(Term),
    One(Instruction),
    More,
}

impl Trace {
    fn instruction(self) -> Option<Instruction> {
        match self {
            Trace::One(instruction) => Some(instruction),
            _ => None,
        }
    }

    fn join(op: Op, left: Trace, right: Trace) -> Trace {
        match (left, right) {
            (Trace::Term(left), Trace::Term(right)) => Trace::One(Instruction { op, left, right }),
            _ => Trace::More,
        }
    }
}

/// The operators and their names as methods.
macro_rules! operators {
    ($($Op:ident $f:ident),*) => {$(
        impl $Op for Trace {
            type Output = Trace;
            fn $f(self, o: Trace) -> Trace {
                Trace::join(Op::$Op, self, o)
            }
        }
    )*};
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Trace {
    type Output = Trace;
    fn neg(self) -> Trace {
        Trace::join(Op::Neg, self, self)
    }
}

impl Num for Trace {
    type Mask = bool;

    fn splat(x: f64) -> Trace {
        Trace::Term(Term::Constant(x))
    }
    fn lt(self, _: Trace) -> bool {
        true
    }
    fn le(self, _: Trace) -> bool {
        true
    }
    fn eq(self, _: Trace) -> bool {
        true
    }
    fn select(_: bool, _: Trace, _: Trace) -> Trace {
        Trace::More
    }
    fn max(self, o: Trace) -> Trace {
        Trace::join(Op::Max, self, o)
    }
    fn min(self, o: Trace) -> Trace {
        Trace::join(Op::Min, self, o)
    }
    fn abs(self) -> Trace {
        Trace::join(Op::Abs, self, self)
    }
}

/// Methods that are more than an instruction.
macro_rules! more {
    ($($f:ident($($input:ty),*);)*) => {$(
        fn $f(self, $(_: $input),*) -> Trace {
            Trace::More
        }
    )*};
}

impl Lane for Trace {
    fn sqrt(self) -> Trace {
        Trace::join(Op::Sqrt, self, self)
    }
    fn frexp(self) -> (Trace, Trace) {
        (Trace::More, Trace::More)
    }
    fn normal(self) -> [Trace; 2] {
        [Trace::More, Trace::More]
    }
    /// What is left out where no lane asks for it is the more that there is to see.
    fn any(_: bool) -> bool {
        true
    }
    fn pow2(_: Trace) -> Trace {
        Trace::More
    }
    more! {
        mul_add(Trace, Trace);
        floor();
        round_even();
        copysign(Trace);
        scale(Trace);
        libm(Libm);
        libm2(Trace, Libm2);
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
        let one = |op, left, right| Some(Instruction { op, left, right });
        let want = [
            one(Op::Neg, X, X),
            one(Op::Sub, Constant(2.0), X),
            one(Op::Mul, X, X),
            one(Op::Max, X, Constant(0.0)),
            one(Op::Sqrt, X, X),
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
