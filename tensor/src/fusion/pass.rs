//! One pass over memory for a chain of elementwise ops.

use smallvec::SmallVec;

use super::link::{Link, MAX_LINKS};
use super::tiles::{self, Input};
use crate::Tensor;
use crate::dtype::Element;
use crate::kernel::tile_load::TILE;
use crate::simd::arith::{self, ArithOp, ArithStep, Operand, Term};
use crate::simd::{self, Float, Level, NonTemporal};
use crate::threads::GRAIN;

/// A chain ready to run: its first input, and its stages in order.
pub(super) struct Pass<'a, T> {
    /// The level of all kernels of the pass.
    level: Level,
    /// The chain's first input.
    first: Input<'a, T>,
    /// What is applied, in order.
    stages: Vec<Stage<'a, T>>,
    /// Bytes of the result.
    bytes: usize,
}

/// Links that run together: single instructions in registers, any other link as a kernel on tiles.
enum Stage<'a, T> {
    Registers(Vec<RegisterOp<'a, T>>),
    Kernel(&'a Link<T>, Option<Input<'a, T>>),
}

/// An instruction and its operand beside the value so far.
struct RegisterOp<'a, T> {
    /// The instruction.
    op: ArithOp,
    /// Its operand beside the value so far.
    source: OperandSource<'a, T>,
    /// Whether the operand is the first of the two.
    swapped: bool,
}

/// Where an operand comes from.
enum OperandSource<'a, T> {
    Input(Input<'a, T>),
    Constant(T),
    /// The value so far, once more.
    Value,
}

/// One task's tile buffers; those that a pass does not need are empty.
struct Buffers<T> {
    /// For the first input, where it is strided.
    first: Vec<T>,
    /// For the value so far, where it must not be written to the result yet.
    value: Vec<T>,
    /// For the strided inputs of one stage, a tile each.
    others: Vec<T>,
}

impl<'a, T: Float + Element> Pass<'a, T> {
    /// The pass from `first` through `links` to a result of `bytes`.
    pub(super) fn new(
        first: &'a Tensor,
        links: impl Iterator<Item = &'a Link<T>>,
        bytes: usize,
    ) -> Pass<'a, T> {
        let mut stages = Vec::new();
        links.for_each(|link| push(&mut stages, link));
        Pass {
            level: simd::level(),
            first: Input::new(first),
            stages,
            bytes,
        }
    }

    /// Computes all of `out`, in parallel.
    pub(super) fn run(&self, out: &mut [T]) {
        let others = self.stages.iter().map(Stage::buffers).max().unwrap_or(0);
        let flat = self.first.flat().is_some() && others == 0;
        // A single stage on contiguous inputs visits each element once, so tiles would save nothing.
        let width = if flat && self.stages.len() == 1 {
            GRAIN
        } else {
            TILE
        };
        let tile = |wanted: usize| vec![T::default(); wanted * TILE];
        tiles::chunks(out, |i, chunk| {
            let non_temporal = NonTemporal::for_result(self.bytes);
            // Once a chunk: clearing them for each tile would be half the work of a short chain.
            let mut buffers = Buffers {
                first: tile(usize::from(!flat)),
                value: tile(usize::from(non_temporal.is_some() && self.stages.len() > 1)),
                others: tile(others),
            };
            for (j, part) in chunk.chunks_mut(width).enumerate() {
                let at = i * GRAIN + j * width;
                self.tile(at, part, &mut buffers, non_temporal.as_ref());
            }
        });
    }

    /// The elements of the result from `at` on. A non-temporal store is never read back, so then all stages
    /// but the last one write to a buffer.
    fn tile(
        &self,
        at: usize,
        out: &mut [T],
        buffers: &mut Buffers<T>,
        non_temporal: Option<&NonTemporal>,
    ) {
        let x = self.first.tile(at, out.len(), &mut buffers.first);
        let others = &mut buffers.others;
        match &self.stages[..] {
            [only] => only.apply(self.level, x, at, out, others, non_temporal),
            [head, between @ .., last] if non_temporal.is_some() => {
                let value = &mut buffers.value[..out.len()];
                head.apply(self.level, x, at, value, others, None);
                between
                    .iter()
                    .for_each(|s| s.apply_in_place(self.level, at, value, others));
                last.apply(self.level, value, at, out, others, non_temporal);
            }
            [head, rest @ ..] => {
                head.apply(self.level, x, at, out, others, None);
                rest.iter()
                    .for_each(|s| s.apply_in_place(self.level, at, out, others));
            }
            [] => unreachable!("a chain has a link"),
        }
    }
}

/// Adds `link`: to the register ops before it where it is a single instruction.
fn push<'a, T: Float + Element>(stages: &mut Vec<Stage<'a, T>>, link: &'a Link<T>) {
    let (single, value, other) = match link {
        Link::Map(f) => (f.single_op(), Term::X, None),
        Link::ZipLhs(f, y) => (f.single_op(), Term::X, Some(Input::new(y))),
        Link::ZipRhs(f, y) => (f.single_op(), Term::Y, Some(Input::new(y))),
    };
    let Some((op, (term, swapped))) = single.and_then(|s| Some((s.op, s.beside(value)?))) else {
        return stages.push(Stage::Kernel(link, other));
    };
    let source = match (term, other) {
        (Term::Constant(c), _) => OperandSource::Constant(T::splat(c)),
        (term, Some(input)) if term != value => match input.constant() {
            Some(c) => OperandSource::Constant(c),
            None => OperandSource::Input(input),
        },
        _ => OperandSource::Value,
    };
    let next = RegisterOp {
        op,
        source,
        swapped,
    };
    match stages.last_mut() {
        Some(Stage::Registers(ops)) => ops.push(next),
        _ => stages.push(Stage::Registers(vec![next])),
    }
}

impl<T: Float + Element> Stage<'_, T> {
    /// Tile buffers that it needs for strided inputs.
    fn buffers(&self) -> usize {
        let strided = |input: &Input<'_, T>| input.flat().is_none();
        match self {
            Stage::Kernel(_, other) => usize::from(other.as_ref().is_some_and(strided)),
            Stage::Registers(ops) => {
                let needs = |m: &&RegisterOp<'_, T>| matches!(&m.source, OperandSource::Input(x) if strided(x));
                ops.iter().filter(needs).count()
            }
        }
    }

    /// From the tile `x` to `out`, both at the elements from `at` on.
    fn apply(
        &self,
        level: Level,
        x: &[T],
        at: usize,
        out: &mut [T],
        buffers: &mut [T],
        non_temporal: Option<&NonTemporal>,
    ) {
        let n = out.len();
        match self {
            Stage::Registers(ops) => {
                arith::run(level, &steps(ops, at, n, buffers), x, out, non_temporal)
            }
            Stage::Kernel(Link::Map(f), _) => f.apply(x, out, non_temporal),
            Stage::Kernel(Link::ZipLhs(f, _), y) => {
                f.apply(x, other_tile(y, at, n, buffers), out, non_temporal)
            }
            Stage::Kernel(Link::ZipRhs(f, _), y) => {
                f.apply(other_tile(y, at, n, buffers), x, out, non_temporal)
            }
        }
    }

    /// Over the tile `x`, the elements from `at` on.
    fn apply_in_place(&self, level: Level, at: usize, x: &mut [T], buffers: &mut [T]) {
        let n = x.len();
        match self {
            Stage::Registers(ops) => arith::run_in_place(level, &steps(ops, at, n, buffers), x),
            Stage::Kernel(Link::Map(f), _) => f.apply_in_place(x),
            Stage::Kernel(Link::ZipLhs(f, _), y) => {
                f.apply_to_lhs(x, other_tile(y, at, n, buffers))
            }
            Stage::Kernel(Link::ZipRhs(f, _), y) => {
                f.apply_to_rhs(other_tile(y, at, n, buffers), x)
            }
        }
    }
}

/// The other input's elements from `at` on.
fn other_tile<'t, T: Element>(
    other: &'t Option<Input<'_, T>>,
    at: usize,
    n: usize,
    buffers: &'t mut [T],
) -> &'t [T] {
    let other = other.as_ref().expect("a link of two inputs");
    other.tile(at, n, buffers)
}

/// The instructions with their inputs' elements from `at` on.
fn steps<'t, T: Element>(
    ops: &'t [RegisterOp<'_, T>],
    at: usize,
    n: usize,
    buffers: &'t mut [T],
) -> SmallVec<[ArithStep<'t, T>; MAX_LINKS]> {
    let mut buffers = buffers.chunks_exact_mut(TILE);
    let step = |m: &'t RegisterOp<'_, T>| ArithStep {
        op: m.op,
        operand: match &m.source {
            OperandSource::Value => Operand::Value,
            OperandSource::Constant(c) => Operand::Constant(*c),
            OperandSource::Input(x) if x.flat().is_some() => {
                Operand::Elements(x.tile(at, n, &mut []))
            }
            OperandSource::Input(x) => {
                let buffer = buffers.next().expect("`Stage::buffers` counted them");
                Operand::Elements(x.tile(at, n, buffer))
            }
        },
        swapped: m.swapped,
    };
    ops.iter().map(step).collect()
}
