//! Where the story is written: a directory of the model that is explained, with the documents beside
//! it, and in it a directory for each model.

use std::path::Path;

use lepton::nn::TabularModel;
use lepton::nn::files::ModelDir;
use lepton::{Error, Result};

/// The models of the story, and the directory of each.
pub(crate) const MODELS: [&str; 5] = ["central", "private", "distilled", "pruned", "int8"];

/// The directories, proven writable: a minute of work must not end at one that is not.
pub(crate) struct Folders {
    models: Vec<ModelDir>,
    whole: ModelDir,
}

impl Folders {
    /// Makes them below `out`, where `documents` will stand, too.
    pub(crate) fn prepare(out: &Path, documents: &[&str]) -> Result<Folders> {
        let whole = ModelDir::prepare(out, documents, &[])?;
        let models = MODELS.map(|name| ModelDir::prepare(out.join(name), &[], &[]));
        Ok(Folders {
            models: models.into_iter().collect::<Result<_>>()?,
            whole,
        })
    }

    /// Writes `models`, in the order of [`MODELS`]: how many bytes the files of each take.
    pub(crate) fn models(&mut self, models: &[&TabularModel]) -> Result<Vec<u64>> {
        let write = |(folder, model): (ModelDir, &&TabularModel)| -> Result<u64> {
            let place = folder.path().to_owned();
            let names = model.write(folder, Vec::new())?;
            let size = |name: &String| bytes(&place.join(name));
            names.iter().map(size).sum()
        };
        self.models.drain(..).zip(models).map(write).collect()
    }

    /// Writes `documents`, names and contents, and `model` beside them.
    pub(crate) fn whole(
        self,
        model: &TabularModel,
        documents: Vec<(String, Vec<u8>)>,
    ) -> Result<()> {
        model.write(self.whole, documents).map(|_| ())
    }
}

fn bytes(path: &Path) -> Result<u64> {
    let found = path.metadata();
    found
        .map(|m| m.len())
        .map_err(|e| Error::io(format!("cannot read `{}`", path.display()), &e))
}
