//! What the demo has found: every number of the report is in here, and was computed in this run.

use super::explained::Explained;
use super::judged::Judged;
use super::privacy::{Noise, Privacy};
use super::ward::Ward;

/// Everything the run found.
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) noise: Noise,
    /// Whether times were measured.
    pub(crate) timed: bool,
    pub(crate) ward: Ward,
    /// The training rows of each hospital.
    pub(crate) hospitals: Vec<Vec<usize>>,
    /// The models in the order of `MODELS`.
    pub(crate) models: Vec<Judged>,
    /// The accuracy of each round's model.
    pub(crate) curve: Vec<f64>,
    pub(crate) explained: Explained,
}

impl Story {
    /// The model called `name`.
    ///
    /// # Panics
    /// When the story has no such model.
    pub(crate) fn model(&self, name: &str) -> &Judged {
        self.models
            .iter()
            .find(|m| m.name == name)
            .expect("every model of the story has its name")
    }

    /// What the private training promises.
    pub(crate) fn privacy(&self) -> &Privacy {
        self.model("private")
            .privacy
            .as_ref()
            .expect("the private model has a promise")
    }
}
