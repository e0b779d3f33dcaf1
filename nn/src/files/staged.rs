//! A file that is whole before it has its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::hash::sha256;
use super::place::parent;

/// How the hidden names of unfinished files begin and end.
const PREFIX: &str = ".lepton-";
const SUFFIX: &str = ".tmp";

/// A file that is whole under a hidden name, and gone when dropped before [`Staged::publish`].
pub(super) struct Staged {
    hidden: PathBuf,
    target: PathBuf,
    /// Its lock says that the process which writes the file is alive.
    file: File,
}

impl Staged {
    /// Writes `bytes` beside `target`, with the mode of the file that it will replace.
    pub(super) fn write(target: &Path, bytes: &[u8]) -> io::Result<Staged> {
        let folder = parent(target);
        remove_leftovers(folder);
        let (hidden, file) = hidden(target)?;
        // From here on the drop removes what was begun.
        let mut staged = Staged {
            hidden,
            target: target.to_path_buf(),
            file,
        };
        fill(&mut staged.file, target, bytes)?;
        Ok(staged)
    }

    /// Gives the file its name.
    pub(super) fn publish(self) -> io::Result<()> {
        fs::rename(&self.hidden, &self.target)?;
        sync_folder(parent(&self.target));
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After `publish` the name is free; a failure here can only leave a hidden file.
        let _ = fs::remove_file(&self.hidden);
    }
}

/// Writes `bytes` into the new file `file`, which then has the owner and mode of the one at `target`.
pub(super) fn fill(file: &mut File, target: &Path, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    match fs::metadata(target) {
        Ok(old) => look_like(file, &old)?,
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    file.sync_all()
}

/// A new file at `path`. One that replaces another is private until it has that one's mode.
pub(super) fn create_new(path: &Path, replaces: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if replaces {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = replaces;
    options.open(path)
}

#[cfg(unix)]
fn look_like(file: &File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may give a file away; for others the file is theirs, as any new one.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn look_like(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// A new locked file for `target`, under a name that nobody has.
fn hidden(target: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let process = std::process::id();
    loop {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent(target).join(format!("{PREFIX}{process}-{n}{SUFFIX}"));
        match create_new(&path, target.exists()) {
            // Where files cannot be locked, nobody removes leftovers either.
            Ok(file) => match file.try_lock() {
                Err(fs::TryLockError::WouldBlock) => {} // someone takes it for a leftover
                _ if path.exists() => return Ok((path, file)),
                _ => {}
            },
            // Left behind by another process that had this id.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}

/// Proves that files can be made in `folder`.
pub(super) fn probe(folder: &Path) -> io::Result<()> {
    let (path, _file) = hidden(&folder.join("probe"))?;
    fs::remove_file(path)
}

/// Removes what killed processes left in `folder`: unfinished files that nobody holds.
pub(super) fn remove_leftovers(folder: &Path) {
    for path in hidden_files(folder, SUFFIX) {
        let Ok(file) = File::open(&path) else {
            continue;
        };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

/// The hidden files in `folder` whose names end in `suffix`.
pub(super) fn hidden_files(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(PREFIX) && name.ends_with(suffix)
    };
    let paths = entries.filter_map(|e| Some(e.ok()?.path()));
    paths.filter(ours).filter(|p| p.is_file()).collect()
}

/// The hidden name under which a file with this hash waits for the name `target`, in the same folder.
pub(super) fn waiting(target: &Path, hash: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().as_encoded_bytes();
    let both = sha256(&[name, b"/", hash.as_bytes()].concat());
    parent(target).join(format!("{PREFIX}{both}{WAITING}"))
}

/// How the names of files end that are whole and wait for their names.
pub(super) const WAITING: &str = ".new";

/// Makes renames in `folder` last. Not every file system offers it, and the files are whole anyway.
pub(super) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
