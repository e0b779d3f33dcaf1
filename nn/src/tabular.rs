//! A model of a table: the program, and how columns go in and answers come out.

use std::collections::BTreeMap;
use std::path::Path;

use lepton_autograd::{Entry, Error, Result, Tensor, Var};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::files::{ModelDir, ModelFiles, weights};
use crate::program::Program;
use lepton_tabular::{Answers, Features, Table, TargetSpec};

/// A trained model of a table, complete without the code that made it.
#[derive(Clone, Debug)]
pub struct TabularModel {
    /// From features to outputs.
    pub program: Program,
    /// From columns to features.
    pub features: Features,
    /// From outputs to answers.
    pub target: TargetSpec,
}

impl TabularModel {
    /// The model's outputs for the rows of `table`, and notes on cells that were filled in.
    ///
    /// # Errors
    /// When a column is missing or of another kind, or the program does not answer each row with as
    /// many numbers as the target needs.
    pub fn outputs(&self, table: &Table) -> Result<(Vec<f32>, Vec<String>)> {
        let x = self.features.encode(table)?;
        let rows = Tensor::from_vec(x.values, &[x.rows, x.cols])?;
        let y = lepton_autograd::no_grad(|| self.program.run(&[Var::from(rows)]))?;
        let want = [x.rows, self.target.outputs()];
        match y.as_slice() {
            [y] if y.shape() == want => Ok((y.to_vec::<f32>()?, x.notes)),
            _ => Err(Error::format(format!(
                "the program answers {} rows with {:?}, but the target `{}` needs one tensor {want:?}",
                x.rows,
                y.iter().map(Var::shape).collect::<Vec<_>>(),
                self.target.column()
            ))),
        }
    }

    /// The model's answers for the rows of `table`, and notes on cells that were filled in.
    ///
    /// # Errors
    /// When a column is missing or of another kind, or an output is not finite.
    pub fn predict(&self, table: &Table) -> Result<(Answers, Vec<String>)> {
        let (outputs, notes) = self.outputs(table)?;
        Ok((self.target.answers(&outputs)?, notes))
    }

    /// Writes the model and `documents` (names and contents) as the directory `out`, which becomes the
    /// new model at one moment. Returns the names written.
    ///
    /// # Errors
    /// When a tensor has no elements, or as [`ModelDir::write`].
    pub fn write(&self, out: ModelDir, documents: Vec<(String, Vec<u8>)>) -> Result<Vec<String>> {
        let bad = |e: serde_json::Error| Error::format(format!("model.json: {e}"));
        let mut model = Map::new();
        model.insert("program".into(), self.program.to_json());
        let (features, target) = (&self.features, &self.target);
        model.insert(
            "features".into(),
            serde_json::to_value(features).map_err(bad)?,
        );
        model.insert("target".into(), serde_json::to_value(target).map_err(bad)?);
        let tensors = weights::write(&self.program.tensors)?;
        let mut files = vec![("model.safetensors".to_owned(), tensors)];
        files.extend(documents);
        out.write(model, &files)
    }

    /// The model in the directory `dir`; `extra` has the ops of crates above nn.
    ///
    /// # Errors
    /// When a file is missing, or is not the one that was written with the others.
    pub fn open(dir: impl AsRef<Path>, extra: &[Entry]) -> Result<TabularModel> {
        TabularModel::from_files(&ModelFiles::open(dir)?, extra)
    }

    /// The model in the files of a directory; `extra` has the ops of crates above nn.
    ///
    /// # Errors
    /// When the files are not a model of a table.
    pub fn from_files(files: &ModelFiles, extra: &[Entry]) -> Result<TabularModel> {
        let tensors = weights::read(&files.tensors);
        let tensors = tensors.map_err(|e| e.at(files.tensors_path().display()))?;
        let model = TabularModel::from_parts(&files.model, tensors, extra);
        model.map_err(|e| e.at(files.model_path().display()))
    }

    fn from_parts(
        value: &Value,
        tensors: BTreeMap<String, Tensor>,
        extra: &[Entry],
    ) -> Result<TabularModel> {
        let bad =
            |what: &'static str| move |e: serde_json::Error| Error::format(format!("{what}: {e}"));
        Ok(TabularModel {
            program: Program::from_json(&value["program"], tensors, extra)?,
            features: Features::deserialize(&value["features"]).map_err(bad("features"))?,
            target: TargetSpec::deserialize(&value["target"]).map_err(bad("target"))?,
        })
    }
}
