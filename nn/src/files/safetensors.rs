//! The header of a safetensors file, checked before a byte of data is believed.
//!
//! A file is 8 bytes of length, that many bytes of JSON, then the data. Nothing here allocates by what
//! the file claims: the header must fit into the file, every shape's size is multiplied with a check,
//! and the tensors must tile the data exactly, with no gap, no overlap and no byte left over.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::{ErrorKind, Read};
use std::ops::Range;

use lepton_tensor::{Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

pub use super::stored::{Stored, Sum};

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
    /// Where the tensors end, counted from the start of the file.
    end: u64,
}

impl Header {
    /// Reads and checks the header of a file of `file_len` bytes; `reader` stands at its start.
    ///
    /// # Errors
    /// When the bytes are not a safetensors header that fits such a file.
    pub fn read(reader: impl Read, file_len: u64) -> Result<Header> {
        let header = Header::parse(reader, Some(file_len))?;
        match header.end.cmp(&file_len) {
            Ordering::Equal => Ok(header),
            Ordering::Greater => Err(cut_short(header.end, file_len)),
            Ordering::Less => Err(too_long(header.end, Some(file_len))),
        }
    }

    /// Reads and checks the header of a file of unknown length, such as a pipe. Whoever has read the
    /// tensors' bytes calls [`Header::finish`].
    ///
    /// # Errors
    /// When the bytes are not a safetensors header.
    pub fn stream(reader: impl Read) -> Result<Header> {
        Header::parse(reader, None)
    }

    /// Sees that `reader`, which has read all tensors, stands at the end of the file.
    ///
    /// # Errors
    /// When a byte follows, or the file cannot be read.
    pub fn finish(&self, mut reader: impl Read) -> Result<()> {
        match reader.read_exact(&mut [0]) {
            Ok(()) => Err(too_long(self.end, None)),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(()),
            Err(e) => Err(Error::io("the file cannot be read to its end", &e)),
        }
    }

    fn parse(mut reader: impl Read, file_len: Option<u64>) -> Result<Header> {
        let broken = |e: std::io::Error| Error::io("the safetensors header cannot be read", &e);
        let mut start = Vec::new();
        (&mut reader)
            .take(8)
            .read_to_end(&mut start)
            .map_err(broken)?;
        let Ok(length) = start.as_slice().try_into().map(u64::from_le_bytes) else {
            let message = format!("{} bytes are too few for a safetensors file", start.len());
            return Err(Error::format(message));
        };
        let claims = |found: u64| {
            Error::format(format!(
                "the safetensors header claims {length} bytes, in a file of {found}; is it cut short, or no \
                 safetensors file?"
            ))
        };
        match file_len {
            _ if length > MAX_HEADER => {
                return Err(Error::format(format!(
                    "the safetensors header claims {length} bytes, and the format allows {MAX_HEADER}"
                )));
            }
            Some(found) if length > found.saturating_sub(8) => return Err(claims(found)),
            _ => {}
        }
        let mut json = Vec::new();
        reader.take(length).read_to_end(&mut json).map_err(broken)?;
        if (json.len() as u64) < length {
            return Err(claims(8 + json.len() as u64));
        }
        let raw: Raw = serde_json::from_slice(&json)
            .map_err(|e| Error::format(format!("the safetensors header is not sound: {e}")))?;
        raw.check(8 + length)
    }
}

fn cut_short(end: u64, found: u64) -> Error {
    Error::format(format!(
        "the tensors end at byte {end}, but the file has {found}; is it cut short?"
    ))
}

fn too_long(end: u64, found: Option<u64>) -> Error {
    let behind = match found {
        Some(found) => format!("{} bytes follow", found - end),
        None => "more bytes follow".to_owned(),
    };
    Error::format(format!(
        "the tensors end at byte {end}, but {behind} them, which belong to no tensor; the file is too long"
    ))
}

/// The header as the file writes it, in its order, with names that may stand twice.
#[derive(Default)]
struct Raw {
    tensors: Vec<(String, RawEntry)>,
    metadata: Option<Option<BTreeMap<String, String>>>,
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
                "__metadata__" if raw.metadata.is_some() => {
                    return Err(serde::de::Error::duplicate_field("__metadata__"));
                }
                // The reference reader takes `null` for no metadata.
                "__metadata__" => raw.metadata = Some(map.next_value()?),
                _ => raw.tensors.push((name, map.next_value()?)),
            }
        }
        Ok(raw)
    }
}

impl Raw {
    fn check(self, data_start: u64) -> Result<Header> {
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
        tensors.sort_by_key(|t: &Entry| (t.bytes.start, t.bytes.end));
        let end = tiled(&tensors, data_start)?;
        Ok(Header {
            tensors,
            metadata: self.metadata.flatten().unwrap_or_default(),
            end,
        })
    }
}

/// Where the tensors end that lie side by side from `start` on.
fn tiled(tensors: &[Entry], start: u64) -> Result<u64> {
    let mut end = start;
    let mut before = "the header".to_owned();
    for t in tensors {
        let name = format!("tensor `{}`", t.name.escape_debug());
        let from = t.bytes.start;
        match from.cmp(&end) {
            Ordering::Equal => {}
            Ordering::Less => {
                return Err(Error::format(format!(
                    "{name} and {before} overlap: {name} starts at byte {from}, but {before} ends at {end}"
                )));
            }
            Ordering::Greater => {
                return Err(Error::format(format!(
                    "there is a hole between {before}, which ends at byte {end}, and {name}, which starts at \
                     {from}"
                )));
            }
        }
        end = t.bytes.end;
        before = name;
    }
    Ok(end)
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
mod tests;
