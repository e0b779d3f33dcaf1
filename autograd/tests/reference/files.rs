//! Where the cases are, and how their tensors are read.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lepton_autograd::Tensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;

use crate::report::{Stop, lacks, wrong};

/// The folder of an area: below `$LEPTON_REFERENCE`, or the project's own copy.
pub(crate) fn root(area: &str) -> PathBuf {
    match std::env::var_os("LEPTON_REFERENCE") {
        Some(dir) => Path::new(&dir).join(area),
        None => Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../reference")
            .join(area),
    }
}

/// A JSON file.
///
/// # Panics
/// When it cannot be read or is not JSON: without its index an area has no cases.
pub(crate) fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The tensors of one file by key; those of a dtype that lepton lacks have its name instead.
pub(crate) type Tensors = HashMap<String, Result<Tensor, String>>;

/// An area with an index.
pub(crate) struct Area {
    pub(crate) index: Value,
    root: PathBuf,
    open: RefCell<HashMap<String, Rc<Tensors>>>,
}

impl Area {
    pub(crate) fn open(area: &str) -> Area {
        let root = root(area);
        Area {
            index: json(&root.join("index.json")),
            root,
            open: RefCell::default(),
        }
    }

    /// The tensors of `file`, read once.
    pub(crate) fn tensors(&self, file: &str) -> Result<Rc<Tensors>, Stop> {
        if let Some(found) = self.open.borrow().get(file) {
            return Ok(found.clone());
        }
        let path = self.root.join(file);
        let bytes = std::fs::read(&path).or_else(|e| wrong(format!("{}: {e}", path.display())))?;
        let parsed = SafeTensors::deserialize(&bytes)
            .or_else(|e| wrong(format!("{}: {e}", path.display())))?;
        let all = parsed
            .tensors()
            .into_iter()
            .map(|(key, view)| (key, read(&view)))
            .collect();
        let all = Rc::new(all);
        self.open
            .borrow_mut()
            .insert(file.to_owned(), Rc::clone(&all));
        Ok(all)
    }
}

/// The tensor `key`.
pub(crate) fn find(tensors: &Tensors, key: &str) -> Result<Tensor, Stop> {
    match tensors.get(key) {
        Some(Ok(t)) => Ok(t.clone()),
        Some(Err(dtype)) => lacks(format!("dtype {dtype}")),
        None => wrong(format!("the file has no tensor '{key}'")),
    }
}

fn read(view: &TensorView<'_>) -> Result<Tensor, String> {
    macro_rules! numbers {
        ($t:ty) => {
            Tensor::from_vec(
                view.data()
                    .chunks_exact(size_of::<$t>())
                    .map(|c| <$t>::from_le_bytes(c.try_into().expect("a whole chunk")))
                    .collect::<Vec<$t>>(),
                view.shape(),
            )
        };
    }
    let tensor = match view.dtype() {
        Dtype::F64 => numbers!(f64),
        Dtype::F32 => numbers!(f32),
        Dtype::I64 => numbers!(i64),
        Dtype::I32 => numbers!(i32),
        Dtype::I8 => numbers!(i8),
        Dtype::U8 => numbers!(u8),
        Dtype::BOOL => Tensor::from_vec(
            view.data().iter().map(|&b| b != 0).collect::<Vec<bool>>(),
            view.shape(),
        ),
        other => return Err(format!("{other:?}")),
    };
    tensor.map_err(|e| e.to_string())
}
