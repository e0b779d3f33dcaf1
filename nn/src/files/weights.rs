//! Tensors by name as safetensors, written in one order and read with nothing believed.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use lepton_tensor::dtype::Element;
use lepton_tensor::{DType, Error, Result, Tensor, match_dtype, numel};
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::safetensors::{Entry, Header, Stored};

/// The tensors as the bytes of a safetensors file, names in order.
///
/// ```
/// use std::collections::BTreeMap;
/// use lepton_nn::files::weights;
/// use lepton_tensor::Tensor;
/// let w = BTreeMap::from([("w".to_owned(), Tensor::from_vec(vec![1.5f32, -2.0], &[2])?)]);
/// let back = weights::read(&weights::write(&w)?[..])?;
/// assert_eq!(back["w"].to_vec::<f32>()?, [1.5, -2.0]);
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
///
/// # Errors
/// When a tensor has no elements to write (device `Meta`).
pub fn write(tensors: &BTreeMap<String, Tensor>) -> Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> = tensors.values().map(little_endian).collect::<Result<_>>()?;
    let view = |((name, t), data)| {
        let view = TensorView::new(stored(Tensor::dtype(t)), t.shape().to_vec(), data);
        view.map(|v| (name, v))
            .map_err(|e| Error::format(format!("safetensors: '{name}': {e}")))
    };
    let pairs = tensors.iter().zip(bytes.iter().map(Vec::as_slice));
    let views: Vec<(&String, TensorView<'_>)> = pairs.map(view).collect::<Result<_>>()?;
    serialize(views, None).map_err(|e| Error::format(format!("safetensors: {e}")))
}

/// The tensors of a safetensors file.
///
/// # Errors
/// When the bytes are not a sound safetensors file, or hold a dtype lepton does not compute with.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let header = Header::read(bytes, bytes.len() as u64)?;
    header
        .tensors
        .iter()
        .map(|e| Ok((e.name.clone(), tensor(e, bytes)?)))
        .collect()
}

/// The tensors of the safetensors file at `path`.
///
/// # Errors
/// When the file cannot be read, or as [`read`].
pub fn open(path: impl AsRef<Path>) -> Result<BTreeMap<String, Tensor>> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    let mut file = super::open(path)?;
    file.read_to_end(&mut bytes)
        .map_err(|e| Error::io(path.display(), &e))?;
    read(&bytes).map_err(|e| e.at(path.display()))
}

fn stored(dtype: DType) -> Dtype {
    match dtype {
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I8 => Dtype::I8,
        DType::U8 => Dtype::U8,
        _ => Dtype::BOOL,
    }
}

fn little_endian(t: &Tensor) -> Result<Vec<u8>> {
    Ok(match t.dtype() {
        DType::F32 => t
            .to_vec::<f32>()?
            .into_iter()
            .flat_map(f32::to_le_bytes)
            .collect(),
        DType::F64 => t
            .to_vec::<f64>()?
            .into_iter()
            .flat_map(f64::to_le_bytes)
            .collect(),
        DType::I64 => t
            .to_vec::<i64>()?
            .into_iter()
            .flat_map(i64::to_le_bytes)
            .collect(),
        DType::I32 => t
            .to_vec::<i32>()?
            .into_iter()
            .flat_map(i32::to_le_bytes)
            .collect(),
        DType::I8 => t
            .to_vec::<i8>()?
            .into_iter()
            .flat_map(i8::to_le_bytes)
            .collect(),
        DType::U8 => t.to_vec::<u8>()?,
        _ => t.to_vec::<bool>()?.into_iter().map(u8::from).collect(),
    })
}

fn tensor(entry: &Entry, bytes: &[u8]) -> Result<Tensor> {
    let here = |e: Error| e.at(format_args!("tensor '{}'", entry.name.escape_debug()));
    let refused = || {
        Error::unsupported(format!(
            "tensor '{}': lepton does not compute with {}",
            entry.name.escape_debug(),
            entry.stored
        ))
    };
    let dtype = dtype(entry.stored).ok_or_else(refused)?;
    let size = |d: &u64| {
        usize::try_from(*d).map_err(|_| {
            Error::shape(format!(
                "tensor '{}' is too large",
                entry.name.escape_debug()
            ))
        })
    };
    let shape: Vec<usize> = entry.shape.iter().map(size).collect::<Result<_>>()?;
    // `Header` has checked that the range lies in the file and that the sizes agree.
    let data = &bytes[entry.bytes.start as usize..entry.bytes.end as usize];
    let n = numel(&shape).map_err(here)?;
    if n * dtype.size() != data.len() {
        return Err(here(Error::format(format!(
            "{} bytes do not hold {dtype} {shape:?}",
            data.len()
        ))));
    }
    Ok(match_dtype!(dtype, T => fill::<T>(&shape, data)))
}

fn fill<T: Element + FromBytes>(shape: &[usize], data: &[u8]) -> Tensor {
    Tensor::build(shape, |out: &mut [T]| {
        out.iter_mut()
            .zip(data.chunks_exact(size_of::<T>()))
            .for_each(|(x, b)| *x = T::from_le(b));
    })
}

fn dtype(stored: Stored) -> Option<DType> {
    let name = stored.to_string().to_ascii_lowercase();
    DType::from_name(&name)
}

/// An element from its little-endian bytes.
trait FromBytes {
    fn from_le(bytes: &[u8]) -> Self;
}

macro_rules! from_bytes {
    ($($t:ty),*) => {$(
        impl FromBytes for $t {
            fn from_le(bytes: &[u8]) -> $t {
                <$t>::from_le_bytes(bytes.try_into().expect("chunks of the element's size"))
            }
        }
    )*};
}
from_bytes!(f32, f64, i64, i32, i8, u8);

impl FromBytes for bool {
    /// Any non-zero byte is true, as NumPy reads it.
    fn from_le(bytes: &[u8]) -> bool {
        bytes[0] != 0
    }
}
