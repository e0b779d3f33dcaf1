//! Writing a model directory: all of it changes at one moment.
//!
//! Every file is first written whole under a hidden name that is its hash. Then `model.json`, which lists
//! the hashes, is renamed to its name: from this moment on the directory is the new model. Then each
//! file gets its own name. A process that is killed before the moment leaves the old model, one killed
//! after it leaves the new one, since a reader that finds another file under a name takes the hidden one
//! ([`super::ModelFiles`]). The next writer finishes or removes what it finds. A lock keeps writers apart.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lepton_tensor::{Error, Result};
use serde_json::Value;

use super::lock::FolderLock;
use super::model_files::{MODEL, TENSORS, check_name, matching, read};
use super::place::{Place, may_replace, parent, stream};
use super::sealed::{Listed, Listing, is_ours, seal, unseal};
use super::staged::{self, WAITING, waiting};

/// A directory for a model and its documents, proven writable before the long work starts, and replaced
/// as one at its end. Until then nothing is left in it, and no new folder, so work can be broken off.
///
/// ```
/// use lepton_nn::files::{ModelDir, ModelFiles};
/// # let dir = std::env::temp_dir().join(format!("lepton-model-dir-{}", std::process::id()));
/// let run = dir.join("run");
/// let out = ModelDir::prepare(&run, &["CARD.md"], &[])?;
/// assert!(!dir.exists());
///
/// let model = serde_json::Map::new();
/// let files = [("model.safetensors", &b"tensors"[..]), ("CARD.md", b"# Card")];
/// out.write(model, &files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())))?;
/// assert_eq!(ModelFiles::open(&run)?.tensors, b"tensors");
///
/// std::fs::write(run.join("CARD.md"), "# Cart").unwrap();
/// assert!(ModelFiles::open(&run).unwrap_err().to_string().contains("CARD.md"));
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Debug)]
pub struct ModelDir {
    folder: PathBuf,
    inputs: Vec<PathBuf>,
}

impl ModelDir {
    /// Sees that `folder` is there or can be made, and that a model with the documents `names` can be
    /// written there: over files that lepton wrote, but over none of `inputs` and no other file.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or a file in it must not be replaced.
    pub fn prepare(
        folder: impl Into<PathBuf>,
        names: &[&str],
        inputs: &[&Path],
    ) -> Result<ModelDir> {
        let out = ModelDir {
            folder: folder.into(),
            inputs: inputs.iter().map(|i| i.to_path_buf()).collect(),
        };
        let refuse = |what: &str, e: &io::Error| {
            let shown = out.folder.display();
            let hint = "choose a folder that can be written";
            Error::io(format!("cannot {what} the folder `{shown}` ({hint})"), e)
        };
        let _made = NewFolders::make(&out.folder).map_err(|e| refuse("make", &e))?;
        let lock = FolderLock::take(&out.folder).map_err(|e| refuse("write into", &e))?;
        staged::probe(&out.folder).map_err(|e| refuse("write into", &e))?;
        let before = Before::read(&out.folder)?;
        for name in [&[MODEL, TENSORS], names].concat() {
            out.place(name, &before)?;
        }
        drop(lock);
        Ok(out)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Replaces the directory's model: `files` are `model.safetensors` and documents, `model` is what
    /// `model.json` says beside their hashes. Files of the model before that are not among the new ones
    /// are removed. Returns the names written.
    ///
    /// # Errors
    /// When the system refuses, or a file must not be replaced; the model before is then as it was.
    pub fn write(
        self,
        model: serde_json::Map<String, Value>,
        files: &[(String, Vec<u8>)],
    ) -> Result<Vec<String>> {
        let refuse = |e: io::Error| cannot_write(&self.folder, &e);
        let _made = NewFolders::make(&self.folder).map_err(refuse)?;
        let lock = FolderLock::take(&self.folder).map_err(refuse)?;
        let before = Before::read(&self.folder)?;
        let mut regular = Waiting::default();
        let mut streams = Vec::new();
        for (name, bytes) in files {
            check_name(name)?;
            match self.place(name, &before)? {
                Place::File(target) => regular.put(name, target, bytes)?,
                Place::Stream(path) => streams.push((path, bytes)),
            }
        }
        let Place::File(target) = self.place(MODEL, &before)? else {
            unreachable!("`place` refuses a stream for the model")
        };
        let json = seal(model, &regular.listing)?;
        regular.publish(&target, &json)?;
        before.remove_others(&self.folder, &regular.listing);
        drop(lock);
        for (path, bytes) in streams {
            stream(&path, bytes).map_err(|e| cannot_write(&path, &e))?;
        }
        let names = files.iter().map(|f| f.0.clone());
        Ok([MODEL.to_owned()].into_iter().chain(names).collect())
    }

    /// Where the file `name` goes.
    fn place(&self, name: &str, before: &Before) -> Result<Place> {
        let path = self.folder.join(name);
        let refuse = |e: io::Error| cannot_write(&path, &e);
        let place = Place::of(&path).map_err(refuse)?;
        match &place {
            Place::Stream(_) if [MODEL, TENSORS].contains(&name) => {
                let e = io::Error::other("it is a device or a pipe, from which no model is read");
                return Err(refuse(e));
            }
            Place::Stream(_) => {}
            Place::File(target) => {
                may_replace(target, &self.inputs).map_err(refuse)?;
                before.wrote(name, target).map_err(refuse)?;
            }
        }
        Ok(place)
    }
}

/// Folders that were made for a model. Those that are empty when this is dropped go again.
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    /// Makes `folder`, if it is not there.
    fn make(folder: &Path) -> io::Result<NewFolders> {
        let missing = folder.ancestors();
        let missing = missing.take_while(|f| !f.as_os_str().is_empty() && !f.exists());
        let made = NewFolders(missing.map(Path::to_path_buf).collect());
        fs::create_dir_all(folder)?;
        Ok(made)
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // Only empty folders go, so nothing that someone put there meanwhile is lost.
            let _ = fs::remove_dir(folder);
        }
    }
}

pub(super) fn cannot_write(path: &Path, e: &io::Error) -> Error {
    Error::io(format!("cannot write `{}`", path.display()), e)
}

/// The model that a directory had before.
enum Before {
    /// None that can be read.
    Nothing,
    /// One from before files were hashed, or a damaged one: which files belong to it is not known.
    Unlisted,
    /// One that lists its files.
    Listed(Listing),
}

impl Before {
    /// Finishes what a killed writer left, and says what there is. The caller holds the folder's lock.
    fn read(folder: &Path) -> Result<Before> {
        staged::remove_leftovers(folder);
        let path = folder.join(MODEL);
        // What cannot be read is nobody's, and `wrote` will refuse to replace it.
        let bytes = read(&path).unwrap_or_default();
        let before = match unseal(&bytes) {
            Ok(found) => found.listing.map_or(Before::Unlisted, Before::Listed),
            Err(_) if is_ours(&bytes) => Before::Unlisted,
            Err(_) => Before::Nothing,
        };
        before
            .settle(folder)
            .map_err(|e| cannot_write(folder, &e))?;
        Ok(before)
    }

    /// Gives the files that wait for their names these names, and removes those that nobody lists.
    fn settle(&self, folder: &Path) -> io::Result<()> {
        let mut folders = vec![folder.to_path_buf()];
        if let Before::Listed(listing) = self {
            for (name, listed) in listing.iter().filter(|(name, _)| check_name(name).is_ok()) {
                let Ok(Place::File(target)) = Place::of(&folder.join(name)) else {
                    continue;
                };
                let hidden = waiting(&target, &listed.sha256);
                if matching(&hidden, listed)?.is_some() {
                    fs::rename(&hidden, &target)?;
                }
                folders.push(parent(&target).to_path_buf());
            }
        }
        let hidden = folders
            .iter()
            .flat_map(|f| staged::hidden_files(f, WAITING));
        hidden.for_each(|path| drop(fs::remove_file(path)));
        Ok(())
    }

    /// Refuses to replace a file that was not written with this model.
    fn wrote(&self, name: &str, target: &Path) -> io::Result<()> {
        let is_ours = match self {
            _ if !target.exists() => true,
            Before::Nothing => false,
            Before::Unlisted => true,
            Before::Listed(_) if name == MODEL => true,
            Before::Listed(listing) => match listing.get(name) {
                Some(listed) => matching(target, listed)?.is_some(),
                None => false,
            },
        };
        match is_ours {
            true => Ok(()),
            false => Err(io::Error::other(
                "the file there was not written by lepton, or has changed since, and would be lost; move or \
                 remove it, or choose another folder",
            )),
        }
    }

    /// Removes the files of this model that are not in `listing`.
    fn remove_others(&self, folder: &Path, listing: &Listing) {
        let Before::Listed(old) = self else { return };
        for (name, listed) in old.iter().filter(|(name, _)| !listing.contains_key(*name)) {
            let path = folder.join(name);
            if check_name(name).is_ok() && matches!(matching(&path, listed), Ok(Some(_))) {
                // A file that stays behind is listed nowhere, and so is not read.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Whole files that wait for their names; those that still do are removed on drop.
#[derive(Default)]
struct Waiting {
    listing: Listing,
    /// Hidden names by target.
    hidden: BTreeMap<PathBuf, PathBuf>,
}

impl Waiting {
    /// Writes the file `name` whole, but not yet under its name.
    fn put(&mut self, name: &str, target: PathBuf, bytes: &[u8]) -> Result<()> {
        let listed = Listed::of(bytes);
        self.hide(&target, &listed.sha256, bytes)?;
        self.listing.insert(name.to_owned(), listed);
        Ok(())
    }

    fn hide(&mut self, target: &Path, hash: &str, bytes: &[u8]) -> Result<()> {
        let refuse = |e: io::Error| cannot_write(target, &e);
        let hidden = waiting(target, hash);
        let mut file = staged::create_new(&hidden, target.exists()).map_err(refuse)?;
        self.hidden.insert(target.to_path_buf(), hidden);
        staged::fill(&mut file, target, bytes).map_err(refuse)?;
        step();
        Ok(())
    }

    /// Renames `model.json`, which makes the model the new one, and then the others.
    fn publish(&mut self, model: &Path, json: &[u8]) -> Result<()> {
        self.hide(model, &Listed::of(json).sha256, json)?;
        self.sync();
        let rename = |hidden: &Path, target: &Path| {
            step();
            fs::rename(hidden, target).map_err(|e| cannot_write(target, &e))
        };
        rename(&self.hidden[model], model)?;
        // From here on the hidden files are the model's, and stay if a rename fails.
        let rest = std::mem::take(&mut self.hidden);
        staged::sync_folder(parent(model));
        for (target, hidden) in rest.iter().filter(|(target, _)| *target != model) {
            rename(hidden, target)?;
        }
        step();
        Ok(())
    }

    fn sync(&self) {
        let folders = self.hidden.keys().map(|t| parent(t));
        folders.for_each(staged::sync_folder);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        for hidden in self.hidden.values() {
            let _ = fs::remove_file(hidden);
        }
    }
}

/// A place between two changes of the directory; tests kill the process here.
fn step() {
    #[cfg(test)]
    tests::step();
}

#[cfg(test)]
mod tests;
