//! Files: the one room of this crate that opens them. Everything else works on bytes and readers.

mod hash;
mod lock;
mod model_dir;
mod model_files;
mod output;
mod place;
pub mod safetensors;
mod sealed;
mod staged;
mod stored;
pub mod weights;

use std::fs::File;
use std::path::Path;

use lepton_tensor::{Error, Result};

pub use hash::{Hashed, sha256};
pub use lepton_tabular::{Foreign, HEAD, foreign};
pub use model_dir::ModelDir;
pub use model_files::ModelFiles;
pub use output::{Output, write_atomic};

use lepton_tabular::{ReadOptions, Table};

/// Opens a file to read it.
///
/// # Errors
/// When there is none, it is a folder, or the system refuses.
pub fn open(path: impl AsRef<Path>) -> Result<File> {
    let path = path.as_ref();
    let refuse = |e: std::io::Error| Error::io(format!("cannot read `{}`", path.display()), &e);
    let file = File::open(path).map_err(refuse)?;
    // Opening a folder succeeds on Unix, and only reading it fails, in the system's words.
    if file.metadata().map_err(refuse)?.is_dir() {
        let message = format!(
            "cannot read `{}`: it is a folder, not a file",
            path.display()
        );
        return Err(Error::format(message));
    }
    Ok(file)
}

/// Reads the CSV file at `path`, as [`Table::read`] does.
///
/// # Errors
/// As [`open`] and [`Table::read`].
pub fn read_csv(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Table> {
    let path = path.as_ref();
    Table::read(open(path)?, &path.display().to_string(), options)
}

/// A new empty folder for one test.
#[cfg(test)]
pub(crate) fn test_folder(name: &str) -> std::path::PathBuf {
    let name = format!("lepton-nn-test-{}-{name}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
