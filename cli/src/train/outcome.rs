//! What training came to: the model, how good it is, and how it is told.

use std::path::Path;

use lepton::Result;
use lepton::nn::{Params, TabularModel};
use lepton::tabular::{Answers, LeftOut, Part, Prepared, Target, TargetSpec, Task};
use serde_json::{Map, Value, json};

use super::source::Source;
use crate::learn::{Learnt, Recipe, shape};

/// A measure's name and its value.
pub(super) type Scores = Vec<(&'static str, f64)>;

/// A trained model and what is known of it.
pub(super) struct Outcome {
    pub(super) source: Source,
    pub(super) model: TabularModel,
    pub(super) recipe: Recipe,
    /// `13-64-64-3`.
    pub(super) network: String,
    pub(super) parameters: usize,
    pub(super) epochs: usize,
    pub(super) training_rows: usize,
    /// The held-out rows and the model's answers for them.
    pub(super) held_out: Part,
    pub(super) answers: Answers,
    pub(super) scores: Scores,
    /// The same measures for the answer that needs no model.
    pub(super) baseline: Scores,
    /// What stands for missing or unknown cells, in all rows.
    pub(super) notes: Vec<String>,
    /// The columns that the model does not read.
    pub(super) left_out: Vec<LeftOut>,
}

impl Outcome {
    /// Judges the saved form of the model, not the network it came from, by the held-out rows.
    pub(super) fn judge(
        source: Source,
        data: Prepared,
        recipe: &Recipe,
        learnt: &Learnt,
    ) -> Result<Outcome> {
        let model = learnt.model(&data, &source.cells)?;
        let held_out = source.table.take(&data.test.rows);
        let (answers, _) = model.predict(&held_out)?;
        let scores = answers.judge(&model.target, &data.test.y)?;
        let baseline = constant(&data.train.y, &data.target, data.test.x.rows)?;
        let notes = model.features.encode(&source.table)?.notes;
        Ok(Outcome {
            baseline: baseline.judge(&data.target, &data.test.y)?,
            network: shape(&learnt.net.sizes()),
            parameters: learnt.net.num_params(),
            epochs: learnt.history.epochs.len(),
            training_rows: data.train.x.rows,
            held_out: data.test,
            left_out: data.left_out,
            recipe: recipe.clone(),
            source,
            model,
            answers,
            scores,
            notes,
        })
    }

    /// The loss that was made small.
    pub(super) fn loss(&self) -> &'static str {
        match self.model.target.task() {
            Task::Classification => "cross entropy, nats",
            Task::Regression => "mean squared error of the scaled target",
        }
    }

    pub(super) fn task(&self) -> &'static str {
        match self.model.target.task() {
            Task::Classification => "classification",
            Task::Regression => "regression",
        }
    }

    /// The answer that needs no model, in words.
    pub(super) fn baseline_name(&self) -> &'static str {
        match self.model.target.task() {
            Task::Classification => "the training rows' class shares",
            Task::Regression => "the training rows' mean",
        }
    }

    /// The measures with the baseline's, where it has them.
    pub(super) fn compared(&self) -> impl Iterator<Item = (&'static str, f64, Option<f64>)> {
        let base = |name| self.baseline.iter().find(|b| b.0 == name).map(|b| b.1);
        self.scores
            .iter()
            .map(move |&(name, value)| (name, value, base(name)))
    }

    /// The outcome for a program.
    pub(super) fn json(&self, out: &Path, files: &[String]) -> String {
        let object = |scores: &Scores| -> Map<String, Value> {
            scores.iter().map(|&(n, v)| (n.into(), v.into())).collect()
        };
        json!({
            "out": out.display().to_string(),
            "files": files,
            "task": self.task(),
            "target": self.model.target.column(),
            "classes": self.model.target.classes(),
            "network": self.network,
            "parameters": self.parameters,
            "epochs": self.epochs,
            "seed": self.recipe.seed,
            "rows": { "training": self.training_rows, "held_out": self.held_out.x.rows },
            "metrics": object(&self.scores),
            "baseline": object(&self.baseline),
            "left_out": self.left_out.iter().map(|l| &l.column).collect::<Vec<_>>(),
            "notes": self.notes,
        })
        .to_string()
    }

    /// The outcome for a person.
    pub(super) fn summary(&self, out: &Path, files: &[String]) -> String {
        let mut text = format!(
            "{} of `{}`: network {}, {} parameters, {} epochs, seed {}\n{} rows to learn from, {} held out to judge by:\n",
            self.task(),
            self.model.target.column(),
            self.network,
            self.parameters,
            self.epochs,
            self.recipe.seed,
            self.training_rows,
            self.held_out.x.rows,
        );
        for (name, value, base) in self.compared() {
            let base = base.map_or(String::new(), |b| format!("   (without a model {b:.4})"));
            text.push_str(&format!("  {name:<9} {value:>9.4}{base}\n"));
        }
        text + &format!("{}: {}\n", out.display(), files.join(", "))
    }
}

/// The best answer that looks at no feature: the class shares, or the mean, of the training rows.
fn constant(training: &Target, spec: &TargetSpec, rows: usize) -> Result<Answers> {
    let row: Vec<f32> = match training {
        Target::Values(_) => vec![0.0],
        Target::Classes(labels) => {
            let count = |c| labels.iter().filter(|&&l| l == c).count() as f32;
            (0..spec.outputs()).map(|c| count(c).ln()).collect()
        }
    };
    spec.answers(&row.repeat(rows))
}
