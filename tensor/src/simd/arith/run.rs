//! The steps, run in registers on blocks of vectors.

use super::ArithOp;
use crate::simd::slice::{load, store};
use crate::simd::{Float, Kernel, Lane, Level, NonTemporal, Num, Simd, Vector};

/// Vectors that go through the steps together: operand one more for the other side, half of AVX2's
/// registers.
const BLOCK: usize = 8;

/// The other operand of an instruction, beside the value so far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operand<'a, T> {
    /// An element for each.
    Elements(&'a [T]),
    /// The same number for all.
    Constant(T),
    /// The value so far, once more; instructions of one input take this.
    Value,
}

/// One instruction: `op(value, operand)`, or `op(operand, value)` where `swapped`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArithStep<'a, T> {
    /// The instruction.
    pub(crate) op: ArithOp,
    /// What it takes beside the value so far.
    pub(crate) operand: Operand<'a, T>,
    /// Whether that comes first.
    pub(crate) swapped: bool,
}

/// `out[i]` = the steps, in order, applied to `x[i]`; by non-temporal stores where permitted.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn run<T: Float>(
    level: Level,
    steps: &[ArithStep<'_, T>],
    x: &[T],
    out: &mut [T],
    non_temporal: Option<&NonTemporal>,
) {
    assert_eq!(x.len(), out.len(), "arithmetic: lengths differ");
    let (x, out, len) = (x.as_ptr(), out.as_mut_ptr(), out.len());
    dispatch(
        level,
        RunSteps {
            steps,
            x,
            out,
            len,
            non_temporal: non_temporal.is_some(),
        },
    );
}

/// `x[i]` = the steps, in order, applied to `x[i]`.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn run_in_place<T: Float>(level: Level, steps: &[ArithStep<'_, T>], x: &mut [T]) {
    let (out, len) = (x.as_mut_ptr(), x.len());
    dispatch(
        level,
        RunSteps {
            steps,
            x: out,
            out,
            len,
            non_temporal: false,
        },
    );
}

/// Checks the operands' lengths, and runs at the level that suits memory.
fn dispatch<T: Float>(level: Level, run: RunSteps<'_, T>) {
    for step in run.steps {
        if let Operand::Elements(y) = step.operand {
            assert_eq!(y.len(), run.len, "arithmetic: lengths differ");
        }
    }
    level.streaming().dispatch(run);
}

/// `x` and `out` hold `len` elements each and are apart or the same; so do the steps' slices.
struct RunSteps<'a, T> {
    steps: &'a [ArithStep<'a, T>],
    x: *const T,
    out: *mut T,
    len: usize,
    non_temporal: bool,
}

impl<T: Float> Kernel for RunSteps<'_, T> {
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

impl<T: Float> RunSteps<'_, T> {
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
                match self.non_temporal && n == T::Vec::<S>::LANES {
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
    step: &ArithStep<'_, T>,
    v: &mut [T::Vec<S>; U],
    i: usize,
    n: usize,
) {
    /// The step's form for one op, written out for each kind of operand.
    macro_rules! each {
        ($a:ident, $b:ident => $f:expr) => {
            match step.operand {
                Operand::Elements(y) => {
                    for u in 0..U {
                        // SAFETY: the caller vouches for the place.
                        let $b = unsafe { load::<T, S>(y.as_ptr().add(i + u * n), n) };
                        let $a = v[u];
                        v[u] = $f;
                    }
                }
                Operand::Constant(c) => {
                    let $b: T::Vec<S> = Vector::repeat(c);
                    for u in 0..U {
                        let $a = v[u];
                        v[u] = $f;
                    }
                }
                Operand::Value => {
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
        (ArithOp::Add, _) => each!(a, b => a + b),
        (ArithOp::Mul, _) => each!(a, b => a * b),
        (ArithOp::Sub, false) => each!(a, b => a - b),
        (ArithOp::Sub, true) => each!(a, b => b - a),
        (ArithOp::Div, false) => each!(a, b => a / b),
        (ArithOp::Div, true) => each!(a, b => b / a),
        (ArithOp::Max, false) => each!(a, b => a.max(b)),
        (ArithOp::Max, true) => each!(a, b => b.max(a)),
        (ArithOp::Min, false) => each!(a, b => a.min(b)),
        (ArithOp::Min, true) => each!(a, b => b.min(a)),
        (ArithOp::Neg, _) => own!(a => -a),
        (ArithOp::Abs, _) => own!(a => a.abs()),
        (ArithOp::Sqrt, _) => own!(a => a.sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The step by the scalar lane, which the vectors' lanes agree with bit by bit.
    fn plain(step: &ArithStep<'_, f32>, x: f32, i: usize) -> f32 {
        let y = match step.operand {
            Operand::Elements(y) => y[i],
            Operand::Constant(c) => c,
            Operand::Value => x,
        };
        let (a, b) = if step.swapped { (y, x) } else { (x, y) };
        match step.op {
            ArithOp::Add => a + b,
            ArithOp::Sub => a - b,
            ArithOp::Mul => a * b,
            ArithOp::Div => a / b,
            ArithOp::Max => Num::max(a, b),
            ArithOp::Min => Num::min(a, b),
            ArithOp::Neg => -x,
            ArithOp::Abs => x.abs(),
            ArithOp::Sqrt => x.sqrt(),
        }
    }

    const OPS: [ArithOp; 9] = [
        ArithOp::Add,
        ArithOp::Sub,
        ArithOp::Mul,
        ArithOp::Div,
        ArithOp::Max,
        ArithOp::Min,
        ArithOp::Neg,
        ArithOp::Abs,
        ArithOp::Sqrt,
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
                for operand in [
                    Operand::Elements(&y[..]),
                    Operand::Constant(-0.75),
                    Operand::Constant(0.0),
                    Operand::Value,
                ] {
                    for swapped in [false, true] {
                        let steps = [
                            ArithStep {
                                op,
                                operand,
                                swapped,
                            },
                            ArithStep {
                                op: ArithOp::Sub,
                                operand: Operand::Elements(&x[..]),
                                swapped,
                            },
                        ];
                        let want: Vec<f32> = (0..n)
                            .map(|i| steps.iter().fold(x[i], |v, s| plain(s, v, i)))
                            .collect();
                        for level in Level::available() {
                            for non_temporal in [None, Some(&NonTemporal::new())] {
                                let mut got = vec![9.0; n];
                                run(level, &steps, &x, &mut got, non_temporal);
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
        let step = ArithStep {
            op: ArithOp::Add,
            operand: Operand::Elements(&[1.0f32][..]),
            swapped: false,
        };
        run(Level::Portable, &[step], &[1.0, 2.0], &mut [0.0; 2], None);
    }
}
