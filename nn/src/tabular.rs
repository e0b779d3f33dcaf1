//! A model of a table: the program, and how columns go in and answers come out.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use lepton_autograd::{Entry, Error, Result, Tensor, Var};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::files::{ModelDir, ModelFiles, weights};
use crate::program::Program;
use lepton_tabular::{Answers, CellFormat, Features, Matrix, ReadOptions, Table, TargetSpec};

/// A trained model of a table, complete without the code that made it.
#[derive(Clone, Debug)]
pub struct TabularModel {
    /// From features to outputs.
    pub program: Program,
    /// From columns to features.
    pub features: Features,
    /// From outputs to answers.
    pub target: TargetSpec,
    /// How the cells of the training table were written.
    pub cells: CellFormat,
}

impl TabularModel {
    /// The model's outputs for the rows of `table`, and notes on cells that were filled in.
    ///
    /// # Errors
    /// When a column is missing or of another kind, or the program does not answer each row with as
    /// many numbers as the target needs.
    pub fn outputs(&self, table: &Table) -> Result<(Vec<f32>, Vec<String>)> {
        let mut x = self.features.encode(table)?;
        let notes = std::mem::take(&mut x.notes);
        Ok((self.run(x)?, notes))
    }

    fn run(&self, x: Matrix) -> Result<Vec<f32>> {
        let rows = Tensor::from_vec(x.values, &[x.rows, x.cols])?;
        let y = lepton_autograd::no_grad(|| self.program.run(&[Var::from(rows)]))?;
        let want = [x.rows, self.target.outputs()];
        match y.as_slice() {
            [y] if y.shape() == want => y.to_vec::<f32>(),
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

    /// The model's answers for rows of CSV, read a part at a time so that a file of any length fits into
    /// memory, and notes on cells that were filled in. Columns that the model does not need are not read.
    ///
    /// # Errors
    /// When a column is missing or of another kind, the bytes are no table, or an output is not finite.
    pub fn predict_csv(
        &self,
        reader: impl Read,
        source: &str,
        options: &ReadOptions,
    ) -> Result<(Answers, Vec<String>)> {
        let mut outputs = Vec::new();
        let notes = self.features.read(reader, source, options, |part| {
            outputs.extend(self.run(part)?);
            Ok(())
        })?;
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
        for (name, value) in [
            ("features", serde_json::to_value(&self.features)),
            ("target", serde_json::to_value(&self.target)),
            ("cells", serde_json::to_value(&self.cells)),
        ] {
            model.insert(name.into(), value.map_err(bad)?);
        }
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
            cells: match value.get("cells") {
                Some(cells) => CellFormat::deserialize(cells).map_err(bad("cells"))?,
                None => CellFormat::default(), // of a model from before there was a choice
            },
        })
    }
}
