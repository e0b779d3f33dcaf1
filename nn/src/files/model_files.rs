//! Reading a model directory: every file is the one that was written with the others.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use lepton_tensor::{Error, Result};
use serde_json::Value;

use super::place::Place;
use super::sealed::{Listed, Unsealed, unseal};
use super::staged::waiting;

/// The file of everything but the tensors. Its rename is the moment at which a model becomes the new one.
pub(super) const MODEL: &str = "model.json";
/// The file of the tensors.
pub(super) const TENSORS: &str = "model.safetensors";

/// How often a directory is read anew because another process replaces it meanwhile.
const ATTEMPTS: usize = 100;

/// The checked contents of a model directory, as [`super::ModelDir::write`] wrote them.
#[derive(Debug)]
pub struct ModelFiles {
    folder: PathBuf,
    /// What `model.json` says.
    pub model: Value,
    /// The bytes of `model.safetensors`.
    pub tensors: Vec<u8>,
    names: Vec<String>,
}

impl ModelFiles {
    /// Reads the model directory `folder`. Each file that the model lists must have the hash that it had
    /// when it was written; only `model.safetensors` must be there. When another process replaces the
    /// model meanwhile, the answer is the old model or the new one.
    ///
    /// # Errors
    /// When a file is missing, or is not as it was written.
    pub fn open(folder: impl AsRef<Path>) -> Result<ModelFiles> {
        let folder = folder.as_ref();
        let mut json = read(&folder.join(MODEL))?;
        for _ in 1..ATTEMPTS {
            let found = gather(folder, &json);
            let now = read(&folder.join(MODEL))?;
            if now == json {
                return found;
            }
            json = now;
        }
        gather(folder, &json)
    }

    /// The paths of the files that this model consists of.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.names.iter().map(|n| self.folder.join(n)).collect()
    }

    /// The path of `model.json`, for messages.
    pub fn model_path(&self) -> PathBuf {
        self.folder.join(MODEL)
    }

    /// The path of `model.safetensors`, for messages.
    pub fn tensors_path(&self) -> PathBuf {
        self.folder.join(TENSORS)
    }
}

fn gather(folder: &Path, json: &[u8]) -> Result<ModelFiles> {
    let path = folder.join(MODEL);
    let Unsealed { model, listing } = unseal(json).map_err(|e| e.at(path.display()))?;
    let mut found = ModelFiles {
        folder: folder.to_path_buf(),
        model,
        tensors: Vec::new(),
        names: vec![MODEL.to_owned(), TENSORS.to_owned()],
    };
    let Some(listing) = listing else {
        found.tensors = read(&folder.join(TENSORS))?;
        return Ok(found);
    };
    if !listing.contains_key(TENSORS) {
        let message = format!("{}: it lists no `{TENSORS}`", path.display());
        return Err(Error::format(message));
    }
    for (name, listed) in &listing {
        check_name(name).map_err(|e| e.at(path.display()))?;
        match verified(&folder.join(name), listed)? {
            Some(bytes) if name == TENSORS => found.tensors = bytes,
            // Who copies a model to use it may leave its documents behind.
            None if name == TENSORS => return Err(missing(&folder.join(name))),
            _ => {}
        }
    }
    found.names = listing.into_keys().chain([MODEL.to_owned()]).collect();
    Ok(found)
}

/// A file's name, which leads nowhere else.
pub(super) fn check_name(name: &str) -> Result<()> {
    let parts: Vec<_> = Path::new(name).components().collect();
    match parts.as_slice() {
        [std::path::Component::Normal(only)] if *only == name => Ok(()),
        _ => Err(Error::format(format!(
            "`{}` is not the name of a file in the model directory",
            name.escape_debug()
        ))),
    }
}

/// The bytes of the file at `path`, which are those listed; `None` when there is no file.
fn verified(path: &Path, listed: &Listed) -> Result<Option<Vec<u8>>> {
    let refuse = |e: std::io::Error| Error::io(format!("cannot read `{}`", path.display()), &e);
    let Ok(Place::File(target)) = Place::of(path) else {
        return Err(Error::format(format!(
            "cannot read `{}`: it is not a regular file",
            path.display()
        )));
    };
    // After its turn to be replaced has come, a file has its own name; before, a hidden one.
    for candidate in [&target, &waiting(&target, &listed.sha256), &target] {
        if let Some(bytes) = matching(candidate, listed).map_err(refuse)? {
            return Ok(Some(bytes));
        }
    }
    match target.exists() {
        true => Err(changed(path)),
        false => Ok(None),
    }
}

/// The bytes of the file at `path` when they are those listed.
pub(super) fn matching(path: &Path, listed: &Listed) -> std::io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if file.metadata()?.len() != listed.bytes {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(listed.bytes).read_to_end(&mut bytes)?;
    Ok((Listed::of(&bytes) == *listed).then_some(bytes))
}

fn changed(path: &Path) -> Error {
    let hint = match path.ends_with(TENSORS) {
        true => "restore it, or remove it and train again",
        false => "restore it, or remove it, since predictions do without it",
    };
    Error::format(format!(
        "{}: it is not the file that was written with this model: its SHA-256 is not the one in {MODEL}; {hint}",
        path.display()
    ))
}

fn missing(path: &Path) -> Error {
    let cause = std::io::Error::from(ErrorKind::NotFound);
    Error::io(format!("cannot read `{}`", path.display()), &cause)
}

/// The bytes of the regular file at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let message = format!("cannot read `{}`: it is not a regular file", path.display());
        return Err(Error::format(message));
    }
    let mut bytes = Vec::new();
    let read = super::open(path)?.read_to_end(&mut bytes);
    read.map_err(|e| Error::io(format!("cannot read `{}`", path.display()), &e))?;
    Ok(bytes)
}
