//! What `inspect` found, as JSON for programs and as a table for people.

use serde::Serialize;

use crate::console::columns;

/// What a file holds. Its JSON is an interface: other programs read these names.
#[derive(Serialize)]
#[serde(tag = "format", rename_all = "lowercase")]
pub(super) enum Report {
    Safetensors { tensors: Vec<Tensor> },
    Csv { rows: usize, columns: Vec<Column> },
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

/// A sum; JSON has no number that is not finite, so such a one is a string there.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Sum {
    Finite(f64),
    Other(String),
}

impl From<f64> for Sum {
    fn from(x: f64) -> Sum {
        match x.is_finite() {
            true => Sum::Finite(x),
            false => Sum::Other(x.to_string()),
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
        }
    }
}

fn tensor_table(tensors: &[Tensor]) -> String {
    let mut rows = vec![["name", "dtype", "shape", "sum"].map(String::from).to_vec()];
    for t in tensors {
        let sum = match &t.sum {
            Sum::Finite(x) if *x != 0.0 && !(1e-3..1e12).contains(&x.abs()) => format!("{x:.6e}"),
            Sum::Finite(x) => format!("{x:.6}"),
            Sum::Other(text) => text.clone(),
        };
        let name = t.name.escape_debug().to_string();
        rows.push(vec![name, t.dtype.clone(), format!("{:?}", t.shape), sum]);
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
