//! A program as data: values by number, tensors by path, and the ops in order.

use std::collections::BTreeMap;
use std::fmt;

use lepton_autograd::{AnyOp, Attrs, DType, Tensor};

/// A size: fixed, or so many times the number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A number.
    Fixed(usize),
    /// The number of rows times this.
    Batch(usize),
}

impl Size {
    /// The size for `rows` rows.
    pub fn at(&self, rows: usize) -> usize {
        match self {
            Size::Fixed(n) => *n,
            Size::Batch(k) => k * rows,
        }
    }

    /// What gives `a` for two rows and `b` for three.
    pub(super) fn between(a: usize, b: usize) -> Option<Size> {
        if a == b {
            return Some(Size::Fixed(a));
        }
        let k = b.checked_sub(a)?;
        (a == 2 * k).then_some(Size::Batch(k))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Fixed(n) => write!(f, "{n}"),
            Size::Batch(1) => f.write_str("batch"),
            Size::Batch(k) => write!(f, "{k} batch"),
        }
    }
}

/// One op of a program.
#[derive(Debug)]
pub struct Instruction {
    /// The op's name in a catalogue.
    pub op: String,
    /// Its attributes.
    pub attrs: Attrs,
    /// Sizes in the attributes that name the batch: attribute, position, size.
    pub batch: Vec<(String, usize, Size)>,
    /// The values it reads.
    pub inputs: Vec<usize>,
    /// The values it makes.
    pub outputs: Vec<usize>,
    pub(super) made: Option<Box<dyn AnyOp>>,
}

impl Clone for Instruction {
    fn clone(&self) -> Instruction {
        Instruction {
            op: self.op.clone(),
            attrs: self.attrs.clone(),
            batch: self.batch.clone(),
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            made: self.made.as_ref().map(|op| op.boxed()),
        }
    }
}

impl Instruction {
    /// The op `name` with `attrs`, none of which names the batch.
    pub fn new(op: &str, attrs: Attrs, inputs: Vec<usize>, outputs: Vec<usize>) -> Instruction {
        Instruction {
            op: op.to_owned(),
            attrs,
            batch: Vec::new(),
            inputs,
            outputs,
            made: None,
        }
    }
}

/// A module as data: values by number, tensors by path, and the ops in order.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The inputs: value, dtype, and shape with the batch as `None`.
    pub inputs: Vec<(usize, DType, Vec<Size>)>,
    /// Parameters and constants: value and path.
    pub names: Vec<(usize, String)>,
    /// Their elements.
    pub tensors: BTreeMap<String, Tensor>,
    /// The ops.
    pub instructions: Vec<Instruction>,
    /// The outputs' values.
    pub outputs: Vec<usize>,
}

impl Program {
    /// The first number that no value has.
    pub fn next_value(&self) -> usize {
        let steps = self
            .instructions
            .iter()
            .flat_map(|s| s.outputs.iter().chain(&s.inputs).copied());
        let given = self
            .inputs
            .iter()
            .map(|i| i.0)
            .chain(self.names.iter().map(|n| n.0));
        steps
            .chain(given)
            .chain(self.outputs.iter().copied())
            .max()
            .map_or(0, |id| id + 1)
    }

    /// The path of the tensor that value `id` stands for.
    pub fn name(&self, id: usize) -> Option<&str> {
        self.names.iter().find(|n| n.0 == id).map(|n| n.1.as_str())
    }

    /// Adds a tensor under `path` and gives it a value; replaces elements of an old one.
    pub fn add_tensor(&mut self, path: &str, tensor: Tensor) -> usize {
        self.tensors.insert(path.to_owned(), tensor);
        if let Some(found) = self.names.iter().find(|n| n.1 == path) {
            return found.0;
        }
        let id = self.next_value();
        self.names.push((id, path.to_owned()));
        id
    }

    /// Drops tensors that no instruction reads.
    pub fn drop_unused(&mut self) {
        let read = |id: usize, p: &Program| {
            p.outputs.contains(&id) || p.instructions.iter().any(|s| s.inputs.contains(&id))
        };
        let keep: Vec<bool> = self.names.iter().map(|n| read(n.0, self)).collect();
        let mut keep = keep.into_iter();
        self.names.retain(|_| keep.next().unwrap_or(true));
        let names: Vec<&String> = self.names.iter().map(|n| &n.1).collect();
        self.tensors.retain(|path, _| names.contains(&path));
    }

    /// Bytes of all tensors.
    pub fn bytes(&self) -> usize {
        self.tensors
            .values()
            .map(|t| t.numel() * t.dtype().size())
            .sum()
    }
}
