//! Arithmetic given as a list of steps, run in registers.
//!
//! A kernel for each op reads and writes memory, or the first cache, once an op. Ops of a single
//! instruction are known by name here ([`trace`] finds the name), so a chain of them is one pass: each
//! block of vectors is loaded once, goes through all steps, and is stored once. Choosing the step
//! for eight vectors at a time costs less than a cache line takes to arrive.

mod trace;

pub(crate) use trace::{Instruction, Term, of_map, of_zip};

use super::slice::{load, store};
use super::{Float, Kernel, Lane, Level, Num, Past, Simd, Vector};

/// Vectors that go through the steps together: with one more for the other side, half of AVX2's
/// registers.
const BLOCK: usize = 8;

/// An instruction's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
    Neg,
    Abs,
    Sqrt,
}

/// The other side of an instruction, beside the value so far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum With<'a, T> {
    /// An element for each.
    Elements(&'a [T]),
    /// The same number for all.
    Constant(T),
    /// The value itself; ops of one input take this.
    Itself,
}

/// One instruction: `op(value, with)`, or `op(with, value)` when `swapped`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a, T> {
    pub(crate) op: Op,
    pub(crate) with: With<'a, T>,
    pub(crate) swapped: bool,
}

/// `out[i]` = the steps, in order, applied to `x[i]`; past the caches where `past` gives leave.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn run<T: Float>(
    level: Level,
    steps: &[Step<'_, T>],
    x: &[T],
    out: &mut [T],
    past: Option<&Past>,
) {
    assert_eq!(x.len(), out.len(), "arithmetic: lengths differ");
    let (x, out, len) = (x.as_ptr(), out.as_mut_ptr(), out.len());
    dispatch(
        level,
        Run {
            steps,
            x,
            out,
            len,
            past: past.is_some(),
        },
    );
}

/// `x[i]` = the steps, in order, applied to `x[i]`.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn run_in_place<T: Float>(level: Level, steps: &[Step<'_, T>], x: &mut [T]) {
    let (out, len) = (x.as_mut_ptr(), x.len());
    dispatch(
        level,
        Run {
            steps,
            x: out,
            out,
            len,
            past: false,
        },
    );
}

fn dispatch<T: Float>(level: Level, run: Run<'_, T>) {
    for step in run.steps {
        if let With::Elements(y) = step.with {
            assert_eq!(y.len(), run.len, "arithmetic: lengths differ");
        }
    }
    level.streaming().dispatch(run);
}

/// `x` and `out` hold `len` elements each and are apart or the same; so do the steps' slices.
struct Run<'a, T> {
    steps: &'a [Step<'a, T>],
    x: *const T,
    out: *mut T,
    len: usize,
    past: bool,
}

impl<T: Float> Kernel for Run<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let lanes = T::Vec::<S>::LANES;
        let mut i = 0;
        while i + BLOCK * lanes <= self.len {
            // SAFETY: `BLOCK` vectors from `i` on are inside.
            unsafe { self.block::<S, BLOCK>(i, lanes) };
            i += BLOCK * lanes;
        }
        while i < self.len {
            let n = lanes.min(self.len - i);
            // SAFETY: `n` elements from `i` on are inside.
            unsafe { self.block::<S, 1>(i, n) };
            i += n;
        }
    }
}

impl<T: Float> Run<'_, T> {
    /// `U` vectors of `n` elements from `i` on.
    ///
    /// # Safety
    /// They are inside, `n <= LANES`, and `n` is `LANES` where `U > 1`.
    #[inline(always)]
    unsafe fn block<S: Simd, const U: usize>(&self, i: usize, n: usize) {
        let mut v = [Vector::repeat(T::default()); U];
        for u in 0..U {
            // SAFETY: the caller vouches for the place.
            v[u] = unsafe { load::<T, S>(self.x.add(i + u * n), n) };
        }
        for step in self.steps {
            // SAFETY: as above; the steps' slices are as long as `x`.
            unsafe { advance::<T, S, U>(step, &mut v, i, n) };
        }
        for u in 0..U {
            // SAFETY: as above; what stood there was read already.
            unsafe {
                let at = self.out.add(i + u * n);
                match self.past && n == T::Vec::<S>::LANES {
                    true => v[u].stream(std::slice::from_raw_parts_mut(at, n)),
                    false => store::<T, S>(v[u], at, n),
                }
            }
        }
    }
}

/// Takes `v` through one step.
///
/// # Safety
/// As for `block`; the step's slice holds those places.
#[inline(always)]
unsafe fn advance<T: Float, S: Simd, const U: usize>(
    step: &Step<'_, T>,
    v: &mut [T::Vec<S>; U],
    i: usize,
    n: usize,
) {
    /// The step's form for one op, written out for each kind of other side.
    macro_rules! each {
        ($a:ident, $b:ident => $f:expr) => {
            match step.with {
                With::Elements(y) => {
                    for u in 0..U {
                        // SAFETY: the caller vouches for the place.
                        let $b = unsafe { load::<T, S>(y.as_ptr().add(i + u * n), n) };
                        let $a = v[u];
                        v[u] = $f;
                    }
                }
                With::Constant(c) => {
                    let $b: T::Vec<S> = Vector::repeat(c);
                    for u in 0..U {
                        let $a = v[u];
                        v[u] = $f;
                    }
                }
                With::Itself => {
                    for u in 0..U {
                        let ($a, $b) = (v[u], v[u]);
                        v[u] = $f;
                    }
                }
            }
        };
    }
    /// The same for an op of one input.
    macro_rules! own {
        ($a:ident => $f:expr) => {
            for u in 0..U {
                let $a = v[u];
                v[u] = $f;
            }
        };
    }
    match (step.op, step.swapped) {
        (Op::Add, _) => each!(a, b => a + b),
        (Op::Mul, _) => each!(a, b => a * b),
        (Op::Sub, false) => each!(a, b => a - b),
        (Op::Sub, true) => each!(a, b => b - a),
        (Op::Div, false) => each!(a, b => a / b),
        (Op::Div, true) => each!(a, b => b / a),
        (Op::Max, false) => each!(a, b => a.max(b)),
        (Op::Max, true) => each!(a, b => b.max(a)),
        (Op::Min, false) => each!(a, b => a.min(b)),
        (Op::Min, true) => each!(a, b => b.min(a)),
        (Op::Neg, _) => own!(a => -a),
        (Op::Abs, _) => own!(a => a.abs()),
        (Op::Sqrt, _) => own!(a => a.sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The step by the scalar lane, which the vectors' lanes agree with bit by bit.
    fn plain(step: &Step<'_, f32>, x: f32, i: usize) -> f32 {
        let y = match step.with {
            With::Elements(y) => y[i],
            With::Constant(c) => c,
            With::Itself => x,
        };
        let (a, b) = if step.swapped { (y, x) } else { (x, y) };
        match step.op {
            Op::Add => a + b,
            Op::Sub => a - b,
            Op::Mul => a * b,
            Op::Div => a / b,
            Op::Max => Num::max(a, b),
            Op::Min => Num::min(a, b),
            Op::Neg => -x,
            Op::Abs => x.abs(),
            Op::Sqrt => x.sqrt(),
        }
    }

    const OPS: [Op; 9] = [
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::Div,
        Op::Max,
        Op::Min,
        Op::Neg,
        Op::Abs,
        Op::Sqrt,
    ];

    fn numbers(n: usize, seed: usize) -> Vec<f32> {
        let number = |i: usize| match (i * 31 + seed * 17) % 23 {
            0 => -0.0,
            1 => 0.0,
            2 => f32::INFINITY,
            k => (k as f32 - 11.0) / 4.0,
        };
        (0..n).map(number).collect()
    }

    #[test]
    fn every_step_is_that_of_a_scalar_at_every_level_and_length() {
        let bits = |x: &[f32]| {
            x.iter()
                .map(|v| if v.is_nan() { 0 } else { v.to_bits() })
                .collect::<Vec<_>>()
        };
        for n in (0..40).chain([63, 64, 65, 127, 128, 129, 500]) {
            let (x, y) = (numbers(n, 1), numbers(n, 2));
            for op in OPS {
                for with in [
                    With::Elements(&y[..]),
                    With::Constant(-0.75),
                    With::Constant(0.0),
                    With::Itself,
                ] {
                    for swapped in [false, true] {
                        let steps = [
                            Step { op, with, swapped },
                            Step {
                                op: Op::Sub,
                                with: With::Elements(&x[..]),
                                swapped,
                            },
                        ];
                        let want: Vec<f32> = (0..n)
                            .map(|i| steps.iter().fold(x[i], |v, s| plain(s, v, i)))
                            .collect();
                        for level in Level::available() {
                            for past in [None, Some(&Past::new())] {
                                let mut got = vec![9.0; n];
                                run(level, &steps, &x, &mut got, past);
                                assert_eq!(bits(&got), bits(&want), "{steps:?} {level:?}");
                            }
                            let mut own = x.clone();
                            run_in_place(level, &steps, &mut own);
                            assert_eq!(bits(&own), bits(&want), "{steps:?} {level:?} in place");
                        }
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "lengths differ")]
    fn a_side_of_another_length_is_refused() {
        let step = Step {
            op: Op::Add,
            with: With::Elements(&[1.0f32][..]),
            swapped: false,
        };
        run(Level::Portable, &[step], &[1.0, 2.0], &mut [0.0; 2], None);
    }
}
