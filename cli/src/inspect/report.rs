//! What `inspect` found, as JSON for programs and as a table for people.

use std::fmt;

use lepton::nn::files::safetensors;
use lepton::tabular::{Encoding, Feature, Task};
use serde::Serialize;

use crate::console::columns;

/// What a file holds. Its JSON is an interface: other programs read these names.
#[derive(Serialize)]
#[serde(tag = "format", rename_all = "lowercase")]
pub(super) enum Report {
    Safetensors {
        tensors: Vec<Tensor>,
    },
    Csv {
        rows: usize,
        columns: Vec<Column>,
    },
    #[serde(rename = "lepton-model")]
    Model(Model),
}

/// A model directory.
#[derive(Serialize)]
pub(super) struct Model {
    pub(super) task: &'static str,
    pub(super) target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) classes: Option<Vec<String>>,
    pub(super) columns: Vec<Input>,
    pub(super) files: Vec<String>,
    pub(super) tensors: Vec<Tensor>,
}

/// A column that a model reads.
#[derive(Serialize)]
pub(super) struct Input {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

pub(super) fn feature(f: &Feature) -> Input {
    Input {
        name: f.name.clone(),
        kind: match f.encoding {
            Encoding::Category { .. } => "category",
            _ => "number",
        },
    }
}

pub(super) fn task(task: Task) -> &'static str {
    match task {
        Task::Classification => "classification",
        Task::Regression => "regression",
    }
}

#[derive(Serialize)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dtype: String,
    pub(super) shape: Vec<u64>,
    pub(super) sum: Sum,
}

#[derive(Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) missing: usize,
}

/// A sum; JSON has no number that is not finite, so such a one is a string there. That of complex numbers
/// is a pair, and one that the format does not define is null.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Sum {
    Finite(f64),
    Other(String),
    Pair(Box<[Sum; 2]>),
    Unknown,
}

impl From<f64> for Sum {
    fn from(x: f64) -> Sum {
        match x.is_finite() {
            true => Sum::Finite(x),
            false => Sum::Other(x.to_string()),
        }
    }
}

impl From<safetensors::Sum> for Sum {
    fn from(sum: safetensors::Sum) -> Sum {
        match sum {
            safetensors::Sum::Real(x) => x.into(),
            safetensors::Sum::Complex(re, im) => Sum::Pair(Box::new([re.into(), im.into()])),
            safetensors::Sum::Unknown => Sum::Unknown,
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sum::Finite(x) if *x != 0.0 && !(1e-3..1e12).contains(&x.abs()) => write!(f, "{x:.6e}"),
            Sum::Finite(x) => write!(f, "{x:.6}"),
            Sum::Other(text) => f.write_str(text),
            Sum::Pair(parts) => write!(f, "{} + {} i", parts[0], parts[1]),
            Sum::Unknown => f.write_str("-"),
        }
    }
}

impl Report {
    /// The report for a person; `source` is the file's name.
    pub(super) fn table(&self, source: &str) -> String {
        match self {
            Report::Safetensors { tensors } => {
                let head = format!("{source}: safetensors, {} tensors\n\n", tensors.len());
                head + &tensor_table(tensors)
            }
            Report::Csv { rows, columns } => {
                let head = format!("{source}: csv, {rows} rows, {} columns\n\n", columns.len());
                head + &column_table(columns)
            }
            Report::Model(model) => model.text(source),
        }
    }
}

impl Model {
    fn text(&self, source: &str) -> String {
        let classes = match &self.classes {
            Some(classes) => format!(" as one of {}", classes.join(", ").escape_debug()),
            None => String::new(),
        };
        let mut rows = vec![["column", "read as"].map(String::from).to_vec()];
        for c in &self.columns {
            rows.push(vec![c.name.escape_debug().to_string(), c.kind.into()]);
        }
        format!(
            "{source}: lepton-model, {} of `{}`{classes}\nfiles, each as it was written: {}\n\n{}\n{}",
            self.task,
            self.target.escape_debug(),
            self.files.join(", "),
            columns(&rows, &[false, false]),
            tensor_table(&self.tensors)
        )
    }
}

fn tensor_table(tensors: &[Tensor]) -> String {
    let mut rows = vec![["name", "dtype", "shape", "sum"].map(String::from).to_vec()];
    for t in tensors {
        let name = t.name.escape_debug().to_string();
        let shape = format!("{:?}", t.shape);
        rows.push(vec![name, t.dtype.clone(), shape, t.sum.to_string()]);
    }
    columns(&rows, &[false, false, false, true])
}

fn column_table(found: &[Column]) -> String {
    let mut rows = vec![["column", "type", "missing"].map(String::from).to_vec()];
    for c in found {
        let name = c.name.escape_debug().to_string();
        rows.push(vec![name, c.kind.into(), c.missing.to_string()]);
    }
    columns(&rows, &[false, false, true])
}
