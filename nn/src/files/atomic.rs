//! Files that are whole or not there: written beside their place, flushed, then renamed onto it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use lepton_tensor::{Error, Result};

/// Writes `bytes` to `path`, so that at any moment, also after a crash or on a full disk, the file is
/// the old one or the new one, never half of it.
///
/// # Errors
/// When the system refuses; the file is then as it was before.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("lepton-atomic-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// let path = dir.join("notes.txt");
/// lepton_nn::files::write_atomic(&path, b"one")?;
/// lepton_nn::files::write_atomic(&path, b"two")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"two");
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    Staged::write(path, bytes)?.publish()?;
    sync_folder(parent(path));
    Ok(())
}

/// The folder that `path` lies in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A whole file under another name, gone when dropped before it was published.
struct Staged {
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    fn write(path: &Path, bytes: &[u8]) -> Result<Staged> {
        let refuse = |e: io::Error| cannot_write(path, &e);
        let Some(name) = path.file_name() else {
            let e = io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
            return Err(refuse(e));
        };
        if path.is_dir() {
            let e = io::Error::new(io::ErrorKind::IsADirectory, "a folder has this name");
            return Err(refuse(e));
        }
        let (temporary, mut file) = temporary(parent(path), name).map_err(refuse)?;
        // From here on the drop of `staged` removes what was begun.
        let staged = Staged {
            temporary,
            path: path.to_path_buf(),
        };
        file.write_all(bytes).map_err(refuse)?;
        file.sync_all().map_err(refuse)?;
        Ok(staged)
    }

    fn publish(self) -> Result<()> {
        fs::rename(&self.temporary, &self.path).map_err(|e| cannot_write(&self.path, &e))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After `publish` the name is free; a failure here can only leave a hidden temporary file.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn cannot_write(path: &Path, e: &io::Error) -> Error {
    Error::io(format!("cannot write `{}`", path.display()), e)
}

/// A new hidden file in `folder`, under a name that nobody has.
fn temporary(folder: &Path, name: &std::ffi::OsStr) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let process = std::process::id();
    loop {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".{}.{process}.{n}.tmp", name.to_string_lossy());
        let path = folder.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            // Left behind by another process that had this id.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}

/// Makes renames in `folder` last. Not every file system offers it, and the files are whole anyway.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// A folder for a group of results, proven writable before the long work starts, and filled at its end
/// all at once: [`OutDir::put`] writes a file whole under a hidden name, [`OutDir::publish`] renames
/// them all. Dropped unpublished it leaves nothing behind, not even folders that it made.
///
/// ```
/// use lepton_nn::files::OutDir;
/// # let dir = std::env::temp_dir().join(format!("lepton-out-{}", std::process::id()));
/// let mut out = OutDir::prepare(dir.join("run"))?;
/// out.put("model.json", b"{}")?;
/// drop(out); // something failed
/// assert!(!dir.exists());
///
/// let mut out = OutDir::prepare(dir.join("run"))?;
/// out.put("model.json", b"{}")?;
/// out.publish()?;
/// assert!(dir.join("run/model.json").exists());
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
pub struct OutDir {
    folder: PathBuf,
    /// The folders that `prepare` made, the innermost first.
    made: Vec<PathBuf>,
    staged: Vec<Staged>,
}

impl OutDir {
    /// Makes `folder`, if it is not there, and writes a file in it to see that it can be done.
    ///
    /// # Errors
    /// When the folder cannot be made or written.
    pub fn prepare(folder: impl Into<PathBuf>) -> Result<OutDir> {
        let folder = folder.into();
        let missing = folder.ancestors();
        let missing = missing.take_while(|f| !f.as_os_str().is_empty() && !f.exists());
        let mut out = OutDir {
            made: missing.map(Path::to_path_buf).collect(),
            staged: Vec::new(),
            folder,
        };
        let shown = out.folder.display();
        let hint = "choose a folder that can be written";
        fs::create_dir_all(&out.folder)
            .map_err(|e| Error::io(format!("cannot make the folder `{shown}` ({hint})"), &e))?;
        let (probe, file) = temporary(&out.folder, "probe".as_ref()).map_err(|e| {
            Error::io(
                format!("cannot write into the folder `{shown}` ({hint})"),
                &e,
            )
        })?;
        drop(file);
        fs::remove_file(&probe).map_err(|e| Error::io(probe.display(), &e))?;
        out.made.retain(|f| f.exists());
        Ok(out)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes the file `name` whole, but not yet under its name.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.staged
            .push(Staged::write(&self.folder.join(name), bytes)?);
        Ok(())
    }

    /// Gives every file its name, replacing older ones.
    ///
    /// # Errors
    /// When the system refuses a rename; files already renamed then stay.
    pub fn publish(mut self) -> Result<()> {
        self.made.clear();
        for staged in self.staged.drain(..) {
            staged.publish()?;
        }
        sync_folder(&self.folder);
        Ok(())
    }
}

impl Drop for OutDir {
    fn drop(&mut self) {
        self.staged.clear();
        for folder in &self.made {
            // Only empty folders go, so nothing that someone else put there meanwhile is lost.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::test_folder;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_group_appears_at_once_or_not_at_all() {
        let folder = test_folder("group");
        fs::write(folder.join("a"), "old").unwrap();
        let mut out = OutDir::prepare(&folder).unwrap();
        out.put("a", b"new").unwrap();
        out.put("b", b"new").unwrap();
        assert_eq!(fs::read(folder.join("a")).unwrap(), b"old");
        assert!(!folder.join("b").exists());
        drop(out);
        assert_eq!(names(&folder), ["a"]);

        let mut out = OutDir::prepare(&folder).unwrap();
        out.put("a", b"new").unwrap();
        out.put("b", b"new").unwrap();
        out.publish().unwrap();
        assert_eq!(names(&folder), ["a", "b"]);
        assert_eq!(fs::read(folder.join("a")).unwrap(), b"new");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_folders_made_here_go_again() {
        let folder = test_folder("made");
        drop(OutDir::prepare(folder.join("x/y")).unwrap());
        assert!(names(&folder).is_empty());
        let out = OutDir::prepare(folder.join("x/y")).unwrap();
        fs::write(folder.join("x/other"), "").unwrap();
        drop(out);
        assert_eq!(names(&folder.join("x")), ["other"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn refusals_are_sentences_and_leave_nothing() {
        let folder = test_folder("refused");
        fs::write(folder.join("file"), "").unwrap();
        let e = OutDir::prepare(folder.join("file/run")).err().unwrap();
        assert!(e.to_string().starts_with("cannot make the folder"), "{e}");
        let e = OutDir::prepare(folder.join("file")).err().unwrap();
        assert!(e.to_string().starts_with("cannot make the folder"), "{e}");
        fs::create_dir(folder.join("taken")).unwrap();
        let e = write_atomic(folder.join("taken"), b"x").unwrap_err();
        assert!(e.to_string().contains("a folder has this name"), "{e}");
        assert!(write_atomic(folder.join("no/file"), b"x").is_err());
        assert!(write_atomic("", b"x").is_err());
        assert_eq!(names(&folder), ["file", "taken"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
