//! `model.json`: JSON whose first field is the hash of all bytes after it, so that no byte of the file
//! can change unseen.

use std::collections::BTreeMap;

use lepton_tensor::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::hash::sha256;

/// The format that is written.
pub(super) const FORMAT: &str = "lepton-model-2";
/// The format before files were hashed. It is still read.
const UNHASHED: &str = "lepton-model-1";

/// The first lines up to the hash, and what follows the hash.
const HEAD: &[u8] = b"{\n  \"sha256\": \"";
const AFTER: &[u8] = b"\",\n";
const HASH: usize = 64;

/// What a model says of one of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Listed {
    pub(super) fn of(bytes: &[u8]) -> Listed {
        Listed {
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        }
    }
}

/// The files of a model by name.
pub(super) type Listing = BTreeMap<String, Listed>;

/// What `model.json` holds.
#[derive(Debug)]
pub(super) struct Unsealed {
    pub(super) model: Value,
    /// `None` in a directory from before files were hashed.
    pub(super) listing: Option<Listing>,
}

/// The bytes of `model.json` for `model` and its files.
pub(super) fn seal(mut model: Map<String, Value>, listing: &Listing) -> Result<Vec<u8>> {
    let bad = |e: serde_json::Error| Error::format(format!("model.json: {e}"));
    model.insert("format".into(), FORMAT.into());
    model.insert("files".into(), serde_json::to_value(listing).map_err(bad)?);
    let text = serde_json::to_string_pretty(&model).map_err(bad)? + "\n";
    let rest = &text.as_bytes()[2..]; // after `{` and its line end
    Ok([HEAD, sha256(rest).as_bytes(), AFTER, rest].concat())
}

/// The model in the bytes of `model.json`.
///
/// # Errors
/// When a byte has changed, or the format is another one.
pub(super) fn unseal(bytes: &[u8]) -> Result<Unsealed> {
    let is_sound = bytes.strip_prefix(HEAD).map(|b| {
        let parts = b.split_at_checked(HASH);
        let parts = parts.and_then(|(hash, rest)| Some((hash, rest.strip_prefix(AFTER)?)));
        parts.is_some_and(|(hash, rest)| hash == sha256(rest).as_bytes())
    });
    match (is_sound, serde_json::from_slice::<Value>(bytes)) {
        (Some(true), Ok(model)) => listed(model),
        (None, Ok(model)) if model["format"] != FORMAT => unhashed(model),
        _ => Err(Error::format(
            "it is not as it was written: its SHA-256 is another one; a byte has changed or is lost, so restore \
             the file or train again",
        )),
    }
}

fn listed(model: Value) -> Result<Unsealed> {
    check_format(&model, FORMAT)?;
    let listing = Listing::deserialize(&model["files"])
        .map_err(|e| Error::format(format!("its list of files cannot be read: {e}")))?;
    Ok(Unsealed {
        model,
        listing: Some(listing),
    })
}

fn unhashed(model: Value) -> Result<Unsealed> {
    check_format(&model, UNHASHED)?;
    if model.get("files").is_some() {
        let message = "it lists files, but has no hash of itself; restore the file or train again";
        return Err(Error::format(message));
    }
    Ok(Unsealed {
        model,
        listing: None,
    })
}

fn check_format(model: &Value, want: &str) -> Result<()> {
    match model["format"] == want {
        true => Ok(()),
        false => Err(Error::format(format!(
            "the format is {}, this build reads \"{FORMAT}\" and \"{UNHASHED}\"",
            model["format"]
        ))),
    }
}

/// Whether the bytes are, or were before they were damaged, a `model.json` that lepton wrote.
pub(super) fn is_ours(bytes: &[u8]) -> bool {
    let mark = b"\"lepton-model-";
    bytes.windows(mark.len()).any(|w| w == mark)
}
