//! What an index tuple names: positions in row-major order, by the rules of PyTorch.

use lepton_tensor::{DType, Error, Result, layout};

use crate::engine::var::Var;
use crate::ops::index::gather::want_index;
use crate::ops::shape::rearrange::index_of;
use crate::ops::shape::reshape::broadcast_shape;

/// One entry of an index tuple.
#[derive(Clone, Debug)]
pub enum Index {
    /// One element of an axis, which vanishes; negative counts from the end.
    At(isize),
    /// Start, end and step (positive) of an axis; negative ones count from the end, and what lies
    /// outside is cut off.
    Range(Option<isize>, Option<isize>, usize),
    /// As many whole axes as are left.
    Rest,
    /// A new axis of size 1.
    New,
    /// Elements of an axis by an integer tensor, or of as many axes as a mask (bool, or u8) has.
    Of(Var),
}

/// The positions, in row-major order, of the elements that a tuple names in `shape`.
pub(crate) fn positions(what: &str, shape: &[usize], tuple: &[Index]) -> Result<Var> {
    let numbers = index_of(&[layout::numel(shape)?], |i| i as i64).reshape(shape);
    let mut walk = Walk {
        what,
        numbers,
        axis: 0,
        rest: axes_left(what, shape, tuple)?,
        advanced: Vec::new(),
    };
    tuple.iter().try_for_each(|entry| walk.entry(entry))?;
    walk.end()
}

/// u8 stands for truth values, as in PyTorch.
fn is_mask(v: &Var) -> bool {
    matches!(v.dtype(), DType::Bool | DType::U8)
}

/// How many axes no entry takes, so that `Rest` stands for them.
fn axes_left(what: &str, shape: &[usize], tuple: &[Index]) -> Result<usize> {
    let takes = |i: &Index| match i {
        Index::Of(v) if is_mask(v) => v.rank(),
        Index::At(_) | Index::Range(..) | Index::Of(_) => 1,
        Index::Rest | Index::New => 0,
    };
    let used: usize = tuple.iter().map(takes).sum();
    let rests = tuple.iter().filter(|i| matches!(i, Index::Rest)).count();
    if rests > 1 {
        return Err(Error::index(format!(
            "{what}: {rests} times Rest; it can stand for the axes left over once"
        )));
    }
    shape.len().checked_sub(used).ok_or_else(|| {
        Error::index(format!(
            "{what}: the entries take {used} axes of the {} of {shape:?}",
            shape.len()
        ))
    })
}

/// A tuple half read: numbers of the elements, cut by the entries so far.
struct Walk<'a> {
    what: &'a str,
    numbers: Var,
    /// The axis of `numbers` that the next entry takes.
    axis: usize,
    rest: usize,
    /// Axes of `numbers` with the tensors that pick from them.
    advanced: Vec<(usize, Var)>,
}

impl Walk<'_> {
    fn entry(&mut self, entry: &Index) -> Result<()> {
        match entry {
            Index::At(i) => self.one(*i),
            Index::Range(start, end, step) => self.range([*start, *end], *step),
            Index::Rest => {
                self.axis += self.rest;
                Ok(())
            }
            Index::New => {
                self.numbers = self.numbers.unsqueeze(self.axis as isize);
                self.axis += 1;
                Ok(())
            }
            Index::Of(v) if is_mask(v) => self.mask(v),
            Index::Of(v) => {
                want_index(self.what, v.meta())?;
                self.pick(v.to_dtype(DType::I64))
            }
        }
    }

    fn size(&self) -> usize {
        self.numbers.shape()[self.axis]
    }

    fn one(&mut self, i: isize) -> Result<()> {
        let d = self.size() as isize;
        if !(-d..d).contains(&i) {
            return Err(self.outside(i as i64));
        }
        self.numbers = self.numbers.select(self.axis as isize, i);
        Ok(())
    }

    fn outside(&self, i: i64) -> Error {
        Error::index(format!(
            "{}: {i} is out of range for an axis of size {}",
            self.what,
            self.size()
        ))
    }

    fn range(&mut self, [start, end]: [Option<isize>; 2], step: usize) -> Result<()> {
        if step == 0 || step > isize::MAX as usize {
            return Err(Error::index(format!(
                "{}: a range by steps of {step}; the step must be 1 or more",
                self.what
            )));
        }
        let d = self.size() as isize;
        let clip = |i: isize| if i < 0 { i.saturating_add(d) } else { i }.clamp(0, d);
        let (a, b) = (start.map_or(0, clip), end.map_or(d, clip));
        let len = ((b - a).max(0) as usize).div_ceil(step);
        self.numbers = self
            .numbers
            .slice(self.axis, a as usize, len, step as isize);
        self.axis += 1;
        Ok(())
    }

    /// A mask picks from its axes together; one without axes from a new axis of size 1.
    fn mask(&mut self, mask: &Var) -> Result<()> {
        let axes = &self.numbers.shape()[self.axis..];
        if !axes.starts_with(mask.shape()) {
            return Err(Error::index(format!(
                "{}: a mask of {:?} does not fit axes of {axes:?}; they must agree",
                self.what,
                mask.shape()
            )));
        }
        let places = mask.nonzero()?;
        if mask.rank() == 0 {
            self.numbers = self.numbers.unsqueeze(self.axis as isize);
            return self.pick(index_of(&[places.shape()[0]], |_| 0));
        }
        (0..mask.rank()).try_for_each(|a| self.pick(places.select(1, a as isize)))
    }

    /// Elements of the next axis by a tensor of whole numbers.
    fn pick(&mut self, index: Var) -> Result<()> {
        let d = self.size() as i64;
        if let Some(&i) = index
            .to_vec::<i64>()?
            .iter()
            .find(|i| !(-d..d).contains(*i))
        {
            return Err(self.outside(i));
        }
        self.advanced.push((self.axis, index));
        self.axis += 1;
        Ok(())
    }

    /// The numbers that the tensors pick: their axes stand in the place of the first one when they are
    /// neighbours, else in front.
    fn end(self) -> Result<Var> {
        let (numbers, advanced) = (self.numbers, self.advanced);
        if advanced.is_empty() {
            return Ok(numbers);
        }
        let mut shape: Vec<usize> = Vec::new();
        for (_, index) in &advanced {
            shape = broadcast_shape(self.what, &shape, index.shape())?.to_vec();
        }
        let axes: Vec<usize> = advanced.iter().map(|a| a.0).collect();
        let rest: Vec<usize> = (0..numbers.rank()).filter(|a| !axes.contains(a)).collect();
        // One number for the axes together, built from the first one down.
        let size = |a: usize| numbers.shape()[a];
        let flat = advanced
            .iter()
            .fold(index_of(&shape, |_| 0), |flat, (axis, index)| {
                flat * size(*axis) as i64 + index.wrap_negative(size(*axis)).expand(&shape)
            });
        let tail: Vec<usize> = rest.iter().map(|&a| size(a)).collect();
        let together = axes.iter().map(|&a| size(a)).product();
        let picked = numbers
            .permute(&[&axes[..], &rest].concat())
            .reshape(&[&[together], &tail[..]].concat())
            .index_select(0, &flat.reshape(&[flat.numel()]))
            .reshape(&[&shape[..], &tail].concat());
        if axes.windows(2).any(|w| w[1] != w[0] + 1) {
            return Ok(picked);
        }
        let from: Vec<isize> = (0..shape.len() as isize).collect();
        let to: Vec<isize> = from.iter().map(|i| i + axes[0] as isize).collect();
        Ok(picked.move_axes(&from, &to))
    }
}
