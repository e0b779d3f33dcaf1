//! A model of a table: the program, and how columns go in and answers come out.

use std::collections::BTreeMap;
use std::path::Path;

use lepton_autograd::{Entry, Error, Result, Tensor, Var};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::files;
use crate::program::Program;
use lepton_tabular::{Answers, Features, Table, TargetSpec};

/// The file of the tensors in a model directory.
const TENSORS: &str = "model.safetensors";
/// The file of everything else.
const MODEL: &str = "model.json";
/// Written into the file, and asked for when one is read.
const FORMAT: &str = "lepton-model-1";

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

    /// The two files of the model: names and contents.
    ///
    /// # Errors
    /// When a tensor has no elements.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let bad = |e: serde_json::Error| Error::format(format!("model.json: {e}"));
        let model = json!({
            "format": FORMAT,
            "tensors": TENSORS,
            "program": self.program.to_json(),
            "features": serde_json::to_value(&self.features).map_err(bad)?,
            "target": serde_json::to_value(&self.target).map_err(bad)?,
        });
        let text = serde_json::to_string_pretty(&model).map_err(bad)? + "\n";
        Ok(vec![
            (MODEL.to_owned(), text.into_bytes()),
            (
                TENSORS.to_owned(),
                files::weights::write(&self.program.tensors)?,
            ),
        ])
    }

    /// The model in the directory `dir`; `extra` has the ops of crates above nn.
    ///
    /// # Errors
    /// When a file is missing or is not what it claims.
    pub fn open(dir: impl AsRef<Path>, extra: &[Entry]) -> Result<TabularModel> {
        let dir = dir.as_ref();
        let path = dir.join(MODEL);
        let tensors = files::weights::open(dir.join(TENSORS))?;
        let value: Value = serde_json::from_reader(std::io::BufReader::new(files::open(&path)?))
            .map_err(|e| Error::format(format!("{}: {e}", path.display())))?;
        TabularModel::from_parts(&value, tensors, extra).map_err(|e| e.at(path.display()))
    }

    fn from_parts(
        value: &Value,
        tensors: BTreeMap<String, Tensor>,
        extra: &[Entry],
    ) -> Result<TabularModel> {
        if value["format"] != FORMAT {
            return Err(Error::format(format!(
                "the format is {}, this build reads \"{FORMAT}\"",
                value["format"]
            )));
        }
        let bad =
            |what: &'static str| move |e: serde_json::Error| Error::format(format!("{what}: {e}"));
        Ok(TabularModel {
            program: Program::from_json(&value["program"], tensors, extra)?,
            features: Features::deserialize(&value["features"]).map_err(bad("features"))?,
            target: TargetSpec::deserialize(&value["target"]).map_err(bad("target"))?,
        })
    }
}
