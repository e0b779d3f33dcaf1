//! One file of results.

use std::io;
use std::path::{Path, PathBuf};

use lepton_tensor::Result;

use super::model_dir::cannot_write;
use super::place::{Place, may_replace, parent, stream};
use super::staged::Staged;

/// A place for one file of results, seen to be fit before the work starts. Links are followed, a regular
/// file is replaced as a whole and keeps its mode, and a device or a pipe is written to.
///
/// ```
/// use lepton_nn::files::Output;
/// # let dir = std::env::temp_dir().join(format!("lepton-output-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// let rows = dir.join("rows.csv");
/// std::fs::write(&rows, "x\n1\n").unwrap();
/// let answers = Output::prepare(dir.join("answers.csv"), &[&rows])?;
/// answers.write(b"prediction\n2\n")?;
/// assert!(Output::prepare(&rows, &[&rows]).unwrap_err().to_string().contains("it is the input"));
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), lepton_tensor::Error>(())
/// ```
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    inputs: Vec<PathBuf>,
}

impl Output {
    /// Sees that `path` can be written, and is none of `inputs`.
    ///
    /// # Errors
    /// When it is an input or a folder, may not be written, or lies in no folder.
    pub fn prepare(path: impl Into<PathBuf>, inputs: &[&Path]) -> Result<Output> {
        let out = Output {
            path: path.into(),
            inputs: inputs.iter().map(|i| i.to_path_buf()).collect(),
        };
        out.place().map_err(|e| cannot_write(&out.path, &e))?;
        Ok(out)
    }

    /// Writes `bytes`, so that at any moment, also after a crash or on a full disk, a regular file is
    /// the old one or the new one, never half of it.
    ///
    /// # Errors
    /// When the system refuses; a regular file is then as it was before.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let written = self.place().and_then(|place| match place {
            Place::File(target) => Staged::write(&target, bytes)?.publish(),
            Place::Stream(path) => stream(&path, bytes),
        });
        written.map_err(|e| cannot_write(&self.path, &e))
    }

    fn place(&self) -> io::Result<Place> {
        let place = Place::of(&self.path)?;
        if let Place::File(target) = &place {
            may_replace(target, &self.inputs)?;
            parent(target).metadata()?;
        }
        Ok(place)
    }
}

/// Writes `bytes` to `path` as [`Output`] does.
///
/// # Errors
/// When the system refuses; a regular file is then as it was before.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    Output::prepare(path.as_ref(), &[])?.write(bytes)
}
