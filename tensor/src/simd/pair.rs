//! Two registers as one, for elementwise loops.
//!
//! A function such as `exp` is one long chain, each step of which waits for the one before it. A CPU runs
//! later rounds of the loop meanwhile, but only as far as its queues reach (on Zen some sixty steps); two
//! registers taken step by step together keep twice as many chains within that reach.

use super::register::Reg;

/// Methods that act on each half alone.
macro_rules! both_halves {
    ((self, o) -> $Out:ty: $($name:ident),*) => {$(
        #[inline(always)]
        fn $name(self, o: Self) -> $Out {
            zip(self, o, R::$name)
        }
    )*};
    ((self) -> $Out:ty: $($name:ident),*) => {$(
        #[inline(always)]
        fn $name(self) -> $Out {
            self.map(R::$name)
        }
    )*};
}

impl<R: Reg> Reg for [R; 2] {
    type Elem = R::Elem;
    type Mask = [R::Mask; 2];
    const LANES: usize = 2 * R::LANES;

    #[inline(always)]
    fn splat(x: R::Elem) -> Self {
        [R::splat(x); 2]
    }
    #[inline(always)]
    fn load(x: &[R::Elem]) -> Self {
        [R::load(x), R::load(&x[R::LANES..])]
    }
    #[inline(always)]
    fn store(self, x: &mut [R::Elem]) {
        self[0].store(x);
        self[1].store(&mut x[R::LANES..]);
    }
    #[inline(always)]
    fn stream(self, x: &mut [R::Elem]) {
        self[0].stream(x);
        self[1].stream(&mut x[R::LANES..]);
    }
    both_halves! { (self, o) -> Self: add, sub, mul, div, least, most, and, or, xor }
    both_halves! { (self, o) -> Self::Mask: lt, le, eq }
    both_halves! { (self) -> Self: sqrt, floor, round_even, shift_into_exponent, shift_out_of_exponent }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        [self[0].mul_add(b[0], c[0]), self[1].mul_add(b[1], c[1])]
    }
    #[inline(always)]
    fn both(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        zip(a, b, R::both)
    }
    #[inline(always)]
    fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        zip(a, b, R::either)
    }
    #[inline(always)]
    fn not(mask: Self::Mask) -> Self::Mask {
        mask.map(R::not)
    }
    #[inline(always)]
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
        [
            R::select(mask[0], a[0], b[0]),
            R::select(mask[1], a[1], b[1]),
        ]
    }
    #[inline(always)]
    fn any(mask: Self::Mask) -> bool {
        R::any(R::either(mask[0], mask[1]))
    }
}

#[inline(always)]
fn zip<R: Copy, M>(a: [R; 2], b: [R; 2], f: impl Fn(R, R) -> M) -> [M; 2] {
    [f(a[0], b[0]), f(a[1], b[1])]
}
