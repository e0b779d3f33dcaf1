//! Fixed cases made by other systems, read from `reference/explain`.
#![allow(dead_code, reason = "each test file uses a part of these helpers")]

use std::path::{Path, PathBuf};

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../reference/explain")
        .join(file)
}

pub(crate) fn json(file: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path(file)).unwrap()).unwrap()
}

/// A CSV of numbers: its header and its values, row after row.
pub(crate) fn csv(file: &str) -> (Vec<String>, Vec<f64>) {
    let text = std::fs::read_to_string(path(file)).unwrap();
    let mut lines = text.lines();
    let names = lines.next().unwrap().split(',').map(String::from).collect();
    let values = lines
        .flat_map(|l| l.split(','))
        .map(|v| v.parse().unwrap())
        .collect();
    (names, values)
}

/// The tensors of a safetensors file whose dtype is F64 or I64, all as `f64`.
pub(crate) struct Tensors {
    header: serde_json::Value,
    bytes: Vec<u8>,
}

pub(crate) fn tensors(file: &str) -> Tensors {
    let mut bytes = std::fs::read(path(file)).unwrap();
    let body = bytes.split_off(8);
    let length = u64::from_le_bytes(bytes.try_into().unwrap()) as usize;
    let header = serde_json::from_slice(&body[..length]).unwrap();
    Tensors {
        header,
        bytes: body[length..].to_vec(),
    }
}

impl Tensors {
    /// The shape and the values of tensor `name`.
    pub(crate) fn get(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let entry = &self.header[name];
        let whole = |v: &serde_json::Value| v.as_u64().unwrap() as usize;
        let shape = entry["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(whole)
            .collect();
        let at = &entry["data_offsets"];
        let read: fn([u8; 8]) -> f64 = match entry["dtype"].as_str() {
            Some("F64") => f64::from_le_bytes,
            Some("I64") => |b| i64::from_le_bytes(b) as f64,
            other => panic!("{name}: dtype {other:?}"),
        };
        let bytes = &self.bytes[whole(&at[0])..whole(&at[1])];
        (
            shape,
            bytes
                .chunks_exact(8)
                .map(|b| read(b.try_into().unwrap()))
                .collect(),
        )
    }
}
