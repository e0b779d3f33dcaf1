//! One pass over memory for a chain of elementwise ops.
//!
//! Ops of a single instruction that follow one another are run in registers ([`arith`]); any other op
//! is a kernel of its own, run on whole tiles in the first cache.

use smallvec::SmallVec;

use super::chain::{LONGEST, Step};
use super::tiles::{self, Input};
use crate::Tensor;
use crate::dtype::Element;
use crate::kernel::tile_load::{GRAIN, TILE};
use crate::simd::arith::{self, Term, With};
use crate::simd::{self, Float, Level, Past};

/// A chain ready to run: its first input, and its parts in order.
pub(crate) struct Pass<'a, T> {
    level: Level,
    first: Input<'a, T>,
    parts: Vec<Part<'a, T>>,
    /// Bytes of the result.
    bytes: usize,
}

/// Ops that run together.
enum Part<'a, T> {
    Arithmetic(Vec<Move<'a, T>>),
    Kernel(&'a Step<T>, Option<Input<'a, T>>),
}

/// An instruction and what it takes beside the value so far.
struct Move<'a, T> {
    op: arith::Op,
    other: Other<'a, T>,
    swapped: bool,
}

enum Other<'a, T> {
    Input(Input<'a, T>),
    Constant(T),
    Itself,
}

/// Room for one task's tiles; what a pass does not need has none.
struct Room<T> {
    /// For the first input, where it does not stand in order.
    first: Vec<T>,
    /// For the value so far, where it may not stand in the result yet.
    value: Vec<T>,
    /// For the other inputs of one part that do not stand in order, a tile each.
    others: Vec<T>,
}

impl<'a, T: Float + Element> Pass<'a, T> {
    /// The pass from `first` through `steps` to a result of `bytes`.
    pub(crate) fn new(
        first: &'a Tensor,
        steps: impl Iterator<Item = &'a Step<T>>,
        bytes: usize,
    ) -> Pass<'a, T> {
        let mut parts = Vec::new();
        steps.for_each(|step| push(&mut parts, step));
        Pass {
            level: simd::level(),
            first: Input::new(first),
            parts,
            bytes,
        }
    }

    /// Computes all of `out`, in parallel.
    pub(crate) fn run(&self, out: &mut [T]) {
        let others = self.parts.iter().map(Part::rooms).max().unwrap_or(0);
        let flat = self.first.flat().is_some() && others == 0;
        // What stands in order and is visited once has nothing to find in the cache again.
        let width = if flat && self.parts.len() == 1 {
            GRAIN
        } else {
            TILE
        };
        let tile = |wanted: usize| vec![T::default(); wanted * TILE];
        tiles::chunks(out, |i, chunk| {
            let past = Past::for_result(self.bytes);
            // Made once a chunk: to clear them for every tile would be half the work of a short chain.
            let mut room = Room {
                first: tile(usize::from(!flat)),
                value: tile(usize::from(past.is_some() && self.parts.len() > 1)),
                others: tile(others),
            };
            for (j, part) in chunk.chunks_mut(width).enumerate() {
                self.tile(i * GRAIN + j * width, part, &mut room, past.as_ref());
            }
        });
    }

    /// The elements of the result from `at` on.
    fn tile(&self, at: usize, out: &mut [T], room: &mut Room<T>, past: Option<&Past>) {
        let x = self.first.tile(at, out.len(), &mut room.first);
        let others = &mut room.others;
        match &self.parts[..] {
            [only] => only.fresh(self.level, x, at, out, others, past),
            [head, between @ .., last] if past.is_some() => {
                let value = &mut room.value[..out.len()];
                head.fresh(self.level, x, at, value, others, None);
                between
                    .iter()
                    .for_each(|p| p.own(self.level, at, value, others));
                last.fresh(self.level, value, at, out, others, past);
            }
            [head, rest @ ..] => {
                head.fresh(self.level, x, at, out, others, None);
                rest.iter().for_each(|p| p.own(self.level, at, out, others));
            }
            [] => unreachable!("a chain has a step"),
        }
    }
}

/// Adds `step`: to the arithmetic before it where it is such.
fn push<'a, T: Float + Element>(parts: &mut Vec<Part<'a, T>>, step: &'a Step<T>) {
    let (instruction, value, other) = match step {
        Step::Map(f) => (f.instruction(), Term::X, None),
        Step::Left(f, y) => (f.instruction(), Term::X, Some(Input::new(y))),
        Step::Right(f, y) => (f.instruction(), Term::Y, Some(Input::new(y))),
    };
    let Some((op, (term, swapped))) = instruction.and_then(|i| Some((i.op, i.beside(value)?)))
    else {
        return parts.push(Part::Kernel(step, other));
    };
    let other = match (term, other) {
        (Term::Constant(c), _) => Other::Constant(T::splat(c)),
        (term, Some(input)) if term != value => match input.constant() {
            Some(c) => Other::Constant(c),
            None => Other::Input(input),
        },
        _ => Other::Itself,
    };
    let next = Move { op, other, swapped };
    match parts.last_mut() {
        Some(Part::Arithmetic(moves)) => moves.push(next),
        _ => parts.push(Part::Arithmetic(vec![next])),
    }
}

impl<T: Float + Element> Part<'_, T> {
    /// Tiles that it needs for inputs which do not stand in order.
    fn rooms(&self) -> usize {
        let scattered = |input: &Input<'_, T>| input.flat().is_none();
        match self {
            Part::Kernel(_, other) => usize::from(other.as_ref().is_some_and(scattered)),
            Part::Arithmetic(moves) => {
                let needs = |m: &&Move<'_, T>| matches!(&m.other, Other::Input(x) if scattered(x));
                moves.iter().filter(needs).count()
            }
        }
    }

    /// From the tile `x` to `out`, both at the elements from `at` on.
    fn fresh(
        &self,
        level: Level,
        x: &[T],
        at: usize,
        out: &mut [T],
        rooms: &mut [T],
        past: Option<&Past>,
    ) {
        let n = out.len();
        match self {
            Part::Arithmetic(moves) => arith::run(level, &steps(moves, at, n, rooms), x, out, past),
            Part::Kernel(Step::Map(f), _) => f.fresh(x, out, past),
            Part::Kernel(Step::Left(f, _), y) => f.fresh(x, beside(y, at, n, rooms), out, past),
            Part::Kernel(Step::Right(f, _), y) => f.fresh(beside(y, at, n, rooms), x, out, past),
        }
    }

    /// Over the tile `x`, the elements from `at` on.
    fn own(&self, level: Level, at: usize, x: &mut [T], rooms: &mut [T]) {
        let n = x.len();
        match self {
            Part::Arithmetic(moves) => arith::run_in_place(level, &steps(moves, at, n, rooms), x),
            Part::Kernel(Step::Map(f), _) => f.own(x),
            Part::Kernel(Step::Left(f, _), y) => f.left(x, beside(y, at, n, rooms)),
            Part::Kernel(Step::Right(f, _), y) => f.right(beside(y, at, n, rooms), x),
        }
    }
}

/// The other input's elements from `at` on.
fn beside<'t, T: Element>(
    other: &'t Option<Input<'_, T>>,
    at: usize,
    n: usize,
    rooms: &'t mut [T],
) -> &'t [T] {
    let other = other.as_ref().expect("a step of two inputs");
    other.tile(at, n, rooms)
}

/// The instructions with their inputs' elements from `at` on.
fn steps<'t, T: Element>(
    moves: &'t [Move<'_, T>],
    at: usize,
    n: usize,
    rooms: &'t mut [T],
) -> SmallVec<[arith::Step<'t, T>; LONGEST]> {
    let mut rooms = rooms.chunks_exact_mut(TILE);
    let step = |m: &'t Move<'_, T>| arith::Step {
        op: m.op,
        with: match &m.other {
            Other::Itself => With::Itself,
            Other::Constant(c) => With::Constant(*c),
            Other::Input(x) if x.flat().is_some() => With::Elements(x.tile(at, n, &mut [])),
            Other::Input(x) => {
                let room = rooms.next().expect("`Part::rooms` counted them");
                With::Elements(x.tile(at, n, room))
            }
        },
        swapped: m.swapped,
    };
    moves.iter().map(step).collect()
}
