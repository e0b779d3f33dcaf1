//! Programs as JSON: `{"inputs": .., "tensors": .., "instructions": .., "outputs": ..}`.

use std::collections::BTreeMap;

use lepton_autograd::{Attr, Attrs, DType, Error, Result, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::form::{Instruction, Program, Size};

/// Values that one program may have: far above any model, far below trouble.
const MAX_VALUES: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct File {
    inputs: Vec<InputFile>,
    tensors: Vec<(usize, String)>,
    instructions: Vec<StepFile>,
    outputs: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
struct InputFile {
    value: usize,
    dtype: String,
    shape: Vec<SizeFile>,
}

/// A number, or `{"batch": k}`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum SizeFile {
    Fixed(usize),
    Batch { batch: usize },
}

#[derive(Serialize, Deserialize)]
struct StepFile {
    op: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attrs: Vec<(String, AttrFile)>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AttrFile {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Infinities and NaN, which JSON numbers are not.
    Special(String),
    Ints(Vec<i64>),
    Shape(Vec<SizeFile>),
    Text(String),
}

fn size_out(s: Size) -> SizeFile {
    match s {
        Size::Fixed(n) => SizeFile::Fixed(n),
        Size::Batch(batch) => SizeFile::Batch { batch },
    }
}

fn size_in(s: SizeFile) -> Size {
    match s {
        SizeFile::Fixed(n) => Size::Fixed(n),
        SizeFile::Batch { batch } => Size::Batch(batch),
    }
}

/// The sizes of a shape attribute, with the batch where it is named.
fn sizes(name: &str, shape: &[usize], batch: &[(String, usize, Size)]) -> Vec<Size> {
    let named = |i: usize| batch.iter().find(|b| b.0 == name && b.1 == i).map(|b| b.2);
    shape
        .iter()
        .enumerate()
        .map(|(i, &n)| named(i).unwrap_or(Size::Fixed(n)))
        .collect()
}

fn attr_out(name: &str, attr: &Attr, batch: &[(String, usize, Size)]) -> AttrFile {
    match attr {
        Attr::Bool(v) => AttrFile::Bool(*v),
        Attr::Int(v) => AttrFile::Int(*v),
        Attr::Float(v) if v.is_finite() => AttrFile::Float(*v),
        Attr::Float(v) => AttrFile::Special(v.to_string()),
        Attr::Ints(v) => AttrFile::Ints(v.clone()),
        Attr::Shape(v) => {
            AttrFile::Shape(sizes(name, v, batch).into_iter().map(size_out).collect())
        }
        Attr::Text(v) => AttrFile::Text(v.clone()),
    }
}

/// An attribute as the printed form of a program shows it.
pub(super) fn show(name: &str, attr: &Attr, batch: &[(String, usize, Size)]) -> String {
    match attr {
        Attr::Bool(v) => v.to_string(),
        Attr::Int(v) => v.to_string(),
        Attr::Float(v) => v.to_string(),
        Attr::Ints(v) => format!("{v:?}"),
        Attr::Shape(v) => {
            let all: Vec<String> = sizes(name, v, batch).iter().map(Size::to_string).collect();
            format!("[{}]", all.join(", "))
        }
        Attr::Text(v) => v.clone(),
    }
}

pub(super) fn write(p: &Program) -> Value {
    let input = |(value, dtype, shape): &(usize, DType, Vec<Size>)| InputFile {
        value: *value,
        dtype: dtype.name().to_owned(),
        shape: shape.iter().copied().map(size_out).collect(),
    };
    let step = |s: &Instruction| StepFile {
        op: s.op.clone(),
        attrs: s
            .attrs
            .iter()
            .map(|(n, a)| (n.to_owned(), attr_out(n, a, &s.batch)))
            .collect(),
        inputs: s.inputs.clone(),
        outputs: s.outputs.clone(),
    };
    let file = File {
        inputs: p.inputs.iter().map(input).collect(),
        tensors: p.names.clone(),
        instructions: p.instructions.iter().map(step).collect(),
        outputs: p.outputs.clone(),
    };
    serde_json::to_value(file).expect("a program has nothing that JSON lacks")
}

pub(super) fn read(value: &Value, tensors: BTreeMap<String, Tensor>) -> Result<Program> {
    let file = File::deserialize(value).map_err(|e| Error::format(format!("program: {e}")))?;
    let ids = file
        .instructions
        .iter()
        .flat_map(|s| s.inputs.iter().chain(&s.outputs));
    let ids = ids
        .chain(file.tensors.iter().map(|t| &t.0))
        .chain(file.inputs.iter().map(|i| &i.value))
        .chain(&file.outputs);
    if let Some(id) = ids.copied().find(|&id| id >= MAX_VALUES) {
        return Err(Error::format(format!(
            "program: value {id} is beyond the {MAX_VALUES} a program may have"
        )));
    }
    let input = |i: &InputFile| {
        let dtype = DType::from_name(&i.dtype)
            .ok_or_else(|| Error::format(format!("program: unknown dtype '{}'", i.dtype)))?;
        Ok((
            i.value,
            dtype,
            i.shape.iter().copied().map(size_in).collect(),
        ))
    };
    Ok(Program {
        inputs: file.inputs.iter().map(input).collect::<Result<_>>()?,
        names: file.tensors,
        tensors,
        instructions: file
            .instructions
            .into_iter()
            .map(step_in)
            .collect::<Result<_>>()?,
        outputs: file.outputs,
    })
}

fn step_in(s: StepFile) -> Result<Instruction> {
    let mut batch = Vec::new();
    let mut attrs = Attrs::new();
    for (name, attr) in s.attrs {
        let attr = match attr {
            AttrFile::Bool(v) => Attr::Bool(v),
            AttrFile::Int(v) => Attr::Int(v),
            AttrFile::Float(v) => Attr::Float(v),
            AttrFile::Special(v) => Attr::Float(
                v.parse()
                    .map_err(|_| Error::format(format!("program: '{v}' is not a number")))?,
            ),
            AttrFile::Ints(v) => Attr::Ints(v),
            AttrFile::Text(v) => Attr::Text(v),
            AttrFile::Shape(v) => {
                let sizes: Vec<Size> = v.into_iter().map(size_in).collect();
                let named = sizes
                    .iter()
                    .enumerate()
                    .filter(|(_, s)| matches!(s, Size::Batch(_)));
                batch.extend(named.map(|(i, s)| (name.clone(), i, *s)));
                Attr::Shape(sizes.iter().map(|s| s.at(2)).collect())
            }
        };
        attrs = attrs.put(&name, attr);
    }
    Ok(Instruction {
        batch,
        ..Instruction::new(&s.op, attrs, s.inputs, s.outputs)
    })
}
