//! The header of a safetensors file, checked before a byte of data is believed.
//!
//! A file is 8 bytes of length, that many bytes of JSON, then the data. Nothing here allocates by what
//! the file claims: the header must fit into the file, every shape's size is multiplied with a check,
//! and the tensors must tile the data exactly, with no gap, no overlap and no byte left over.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::Read;
use std::ops::Range;

use lepton_tensor::{Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

pub use super::stored::Stored;

/// The format's own limit on the header, in bytes.
const MAX_HEADER: u64 = 100_000_000;

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub stored: Stored,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Its bytes, counted from the start of the file.
    pub bytes: Range<u64>,
}

/// What a safetensors file says about itself.
///
/// ```
/// use lepton_nn::files::safetensors::Header;
/// let json = br#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
/// let file = [&(json.len() as u64).to_le_bytes()[..], json, &[0; 8]].concat();
/// let header = Header::read(&file[..], file.len() as u64)?;
/// assert_eq!(header.tensors[0].shape, [2]);
/// assert!(Header::read(&file[..], file.len() as u64 - 1).is_err()); // cut short
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The tensors in the order of their bytes.
    pub tensors: Vec<Entry>,
    /// The free text under `__metadata__`.
    pub metadata: BTreeMap<String, String>,
}

impl Header {
    /// Reads and checks the header of a file of `file_len` bytes; `reader` stands at its start.
    ///
    /// # Errors
    /// When the bytes are not a safetensors header that fits such a file.
    pub fn read(mut reader: impl Read, file_len: u64) -> Result<Header> {
        let broken = |e: std::io::Error| Error::io("the safetensors header cannot be read", &e);
        let mut length = [0; 8];
        if file_len < 8 {
            let message = format!("{file_len} bytes are too few for a safetensors file");
            return Err(Error::format(message));
        }
        reader.read_exact(&mut length).map_err(broken)?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER || length > file_len - 8 {
            return Err(Error::format(format!(
                "the safetensors header claims {length} bytes, in a file of {file_len}"
            )));
        }
        let mut json = Vec::new();
        reader.take(length).read_to_end(&mut json).map_err(broken)?;
        let raw: Raw = serde_json::from_slice(&json)
            .map_err(|e| Error::format(format!("the safetensors header is not sound: {e}")))?;
        raw.check(8 + length, file_len)
    }
}

/// The header as the file writes it, in its order, with names that may stand twice.
#[derive(Default)]
struct Raw {
    tensors: Vec<(String, RawEntry)>,
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Raw, D::Error> {
        deserializer.deserialize_map(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Raw, A::Error> {
        let mut raw = Raw::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "__metadata__" => raw.metadata = map.next_value()?,
                _ => raw.tensors.push((name, map.next_value()?)),
            }
        }
        Ok(raw)
    }
}

impl Raw {
    fn check(self, data_start: u64, file_len: u64) -> Result<Header> {
        let mut names = HashSet::new();
        let mut tensors = Vec::new();
        for (name, raw) in self.tensors {
            let entry = raw.entry(&name, data_start);
            let entry = entry.map_err(|e| e.at(format!("tensor `{}`", name.escape_debug())))?;
            if !names.insert(name) {
                let message = format!("two tensors are named `{}`", entry.name.escape_debug());
                return Err(Error::format(message));
            }
            tensors.push(entry);
        }
        tensors.sort_by_key(|t| (t.bytes.start, t.bytes.end));
        let mut end = data_start;
        for t in &tensors {
            if t.bytes.start != end {
                let (name, start) = (t.name.escape_debug(), t.bytes.start);
                return Err(Error::format(format!(
                    "tensor `{name}` starts at byte {start}, but the one before it ends at {end}"
                )));
            }
            end = t.bytes.end;
        }
        if end != file_len {
            return Err(Error::format(format!(
                "the tensors end at byte {end}, but the file has {file_len}; is it cut short?"
            )));
        }
        Ok(Header {
            tensors,
            metadata: self.metadata,
        })
    }
}

impl RawEntry {
    fn entry(self, name: &str, data_start: u64) -> Result<Entry> {
        let stored: Stored = self.dtype.parse()?;
        let (start, end) = self.data_offsets;
        let size = stored.size_of(&self.shape)?;
        let (from, to) = (data_start.checked_add(start), data_start.checked_add(end));
        match (from, to) {
            (Some(from), Some(to)) if end.checked_sub(start) == Some(size) => Ok(Entry {
                name: name.to_string(),
                stored,
                shape: self.shape,
                bytes: from..to,
            }),
            _ => Err(Error::format(format!(
                "its offsets are {start} to {end}, but {stored} of shape {:?} takes {size} bytes",
                self.shape
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(json: &str, data: usize) -> Vec<u8> {
        [
            &(json.len() as u64).to_le_bytes()[..],
            json.as_bytes(),
            &vec![0; data],
        ]
        .concat()
    }

    fn read(json: &str, data: usize) -> Result<Header> {
        let file = file(json, data);
        Header::read(&file[..], file.len() as u64)
    }

    #[test]
    fn tensors_come_in_the_order_of_their_bytes() {
        let header = read(
            r#"{"__metadata__":{"format":"pt"},
                "b":{"dtype":"F16","shape":[2,1],"data_offsets":[1,5]},
                "a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]},
                "none":{"dtype":"I64","shape":[0,3],"data_offsets":[1,1]}} "#,
            5,
        )
        .unwrap();
        let names: Vec<&str> = header.tensors.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["a", "none", "b"]);
        assert_eq!(header.metadata["format"], "pt");
        assert_eq!(read("{}", 0).unwrap().tensors, []);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let huge = u64::MAX / 2;
        let cases = [
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#.to_string(), 4),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#.to_string(), 8),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#.to_string(), 4),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_string(), 5),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_string(), 3),
            (r#"{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#.to_string(), 4),
            (r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#.to_string(), 4),
            (r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#.to_string(), 1),
            (format!(r#"{{"a":{{"dtype":"U8","shape":[{huge},8],"data_offsets":[0,0]}}}}"#), 0),
            (format!(r#"{{"a":{{"dtype":"U8","shape":[{huge}],"data_offsets":[{huge},18446744073709551615]}}}}"#), 0),
            (
                r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#.to_string(),
                2,
            ),
            ("[".repeat(100_000), 0),
            ("[]".to_string(), 0),
            (String::new(), 0),
        ];
        for (json, data) in cases {
            let e = read(&json, data).expect_err(&json).to_string();
            assert!(!e.contains('\n') && e.len() < 400, "{e}");
        }
        let claim = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        assert!(Header::read(&claim[..], 10).is_err());
        assert!(Header::read(&b"abc"[..], 3).is_err());
    }

    proptest! {
        /// Any byte of a sound header may change: the answer is a header that tiles the file, or an error.
        #[test]
        fn mutated_headers_are_judged(at in 0usize..150, byte in any::<u8>()) {
            let mut file = file(
                r#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}}"#,
                19,
            );
            let at = at % file.len();
            file[at] = byte;
            if let Ok(header) = Header::read(&file[..], file.len() as u64) {
                let bytes: u64 = header.tensors.iter().map(|t| t.bytes.end - t.bytes.start).sum();
                prop_assert!(bytes <= file.len() as u64);
            }
        }
    }
}
