//! The cases of a file: arrays as tensors, scalars from the index.

use std::collections::BTreeMap;
use std::path::Path;

use lepton_tensor::Tensor;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// One file of the folder with its part of the index.
pub(crate) struct File {
    arrays: BTreeMap<String, Tensor>,
    scalars: Value,
}

impl File {
    pub(crate) fn open(name: &str) -> File {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference/compress");
        let bytes = std::fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let array = |(key, view): (String, safetensors::tensor::TensorView<'_>)| {
            (key, tensor(view.dtype(), view.shape(), view.data()))
        };
        let index = std::fs::read_to_string(folder.join("cases.json")).unwrap();
        let index: Value = serde_json::from_str(&index).unwrap();
        File {
            arrays: file.tensors().into_iter().map(array).collect(),
            scalars: index[name].clone(),
        }
    }

    /// Names of the cases that start with one of `prefixes` and store the array `what`.
    pub(crate) fn cases(&self, prefixes: &[&str], what: &str) -> Vec<String> {
        let stem = |key: &String| key.strip_suffix(&format!(".{what}")).map(str::to_owned);
        let mut cases: Vec<String> = self.arrays.keys().filter_map(stem).collect();
        cases.retain(|c| prefixes.iter().any(|p| c.starts_with(p)));
        assert!(!cases.is_empty(), "no cases of {prefixes:?}");
        cases
    }

    pub(crate) fn find(&self, case: &str, what: &str) -> Option<Tensor> {
        self.arrays.get(&format!("{case}.{what}")).cloned()
    }

    pub(crate) fn array(&self, case: &str, what: &str) -> Tensor {
        self.find(case, what)
            .unwrap_or_else(|| panic!("no array {case}.{what}"))
    }

    pub(crate) fn number(&self, case: &str, what: &str) -> f64 {
        let value = self.scalar(case, what);
        value
            .as_f64()
            .unwrap_or_else(|| panic!("{case}: {what} is {value}"))
    }

    pub(crate) fn whole(&self, case: &str, what: &str) -> i32 {
        self.number(case, what) as i32
    }

    pub(crate) fn scalar(&self, case: &str, what: &str) -> &Value {
        &self.scalars[case][what]
    }
}

/// Codes are stored in more widths than lepton computes with: 16 bits become 32.
fn tensor(dtype: Dtype, shape: &[usize], data: &[u8]) -> Tensor {
    fn each<const N: usize, T: lepton_tensor::dtype::Element>(
        shape: &[usize],
        data: &[u8],
        read: impl Fn([u8; N]) -> T,
    ) -> Tensor {
        let (parts, _) = data.as_chunks::<N>();
        Tensor::from_vec(parts.iter().map(|b| read(*b)).collect(), shape).unwrap()
    }
    match dtype {
        Dtype::F32 => each(shape, data, f32::from_le_bytes),
        Dtype::F64 => each(shape, data, f64::from_le_bytes),
        Dtype::I64 => each(shape, data, i64::from_le_bytes),
        Dtype::I32 => each(shape, data, i32::from_le_bytes),
        Dtype::I16 => each(shape, data, |b| i32::from(i16::from_le_bytes(b))),
        Dtype::I8 => each(shape, data, i8::from_le_bytes),
        Dtype::U8 => each(shape, data, |[b]| b),
        other => panic!("no reader for {other:?}"),
    }
}

/// Fails unless both have the same shape and numbers.
#[track_caller]
pub(crate) fn same(what: &str, got: &Tensor, want: &Tensor) {
    assert_eq!(got.shape(), want.shape(), "{what}");
    let (got, want) = (got.to_f64(), want.to_f64());
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        assert!(g == w, "{what}: element {i} is {g}, must be {w}");
    }
}

/// Fails unless the numbers are within `share` of the largest wanted one.
#[track_caller]
pub(crate) fn close(what: &str, got: &Tensor, want: &Tensor, share: f64) {
    assert_eq!(got.shape(), want.shape(), "{what}");
    let (got, want) = (got.to_f64(), want.to_f64());
    let slack = share * want.iter().fold(0.0f64, |m, w| m.max(w.abs()));
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        assert!(
            (g - w).abs() <= slack,
            "{what}: element {i} is {g}, must be {w} within {slack}"
        );
    }
}
