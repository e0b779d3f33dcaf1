//! One writer at a time in a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

const NAME: &str = ".lepton-lock";

/// Holds a folder until dropped. A killed process holds nothing: the system gives its locks back.
pub(super) struct FolderLock {
    path: PathBuf,
    _file: File,
}

impl FolderLock {
    /// Waits until nobody else holds `folder`, which is made when it is not there.
    pub(super) fn take(folder: &Path) -> io::Result<FolderLock> {
        let path = folder.join(NAME);
        loop {
            fs::create_dir_all(folder)?;
            let mut options = OpenOptions::new();
            let file = match options.write(true).create(true).truncate(false).open(&path) {
                // Another process has just removed the folder that it made.
                Err(e) if e.kind() == ErrorKind::NotFound && !folder.exists() => continue,
                other => other?,
            };
            match file.lock() {
                // Where files cannot be locked, the hashes still keep models apart.
                Err(e) if e.kind() != ErrorKind::Unsupported => return Err(e),
                _ if is_still_there(&file, &path) => return Ok(FolderLock { path, _file: file }),
                _ => {}
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Removed while it is held: who waits for it sees that it is gone, and makes a new one.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether `path` still names `file`, which its last holder may have removed meanwhile.
#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(held), Ok(named)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    (held.dev(), held.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_still_there(_: &File, _: &Path) -> bool {
    true
}
