//! One decision explained, the model told as rules, and what hangs together in the rows.
//!
//! All of it speaks of one model, and rests on the held-out rows, whose patients are taken to have
//! agreed to it: no row of a hospital is in it.

mod links;
mod patient;
mod rules;

use lepton::Result;

use super::judged::Judged;
use super::ward::Ward;
pub(crate) use links::Links;
pub(crate) use patient::{BARS, Measure, Patient};
pub(crate) use rules::RulesFound;

/// What the explanation found.
pub(crate) struct Explained {
    /// The name of the model that is explained.
    pub(crate) model: &'static str,
    pub(crate) patient: Patient,
    pub(crate) rules: RulesFound,
    pub(crate) links: Links,
}

/// Explains `judged` on the held-out rows.
pub(crate) fn explain(judged: &Judged, ward: &Ward, seed: u64) -> Result<Explained> {
    let parts = patient::attribute(judged, ward)?;
    Ok(Explained {
        model: judged.name,
        patient: Patient::choose(judged, ward, &parts)?,
        rules: rules::find(judged, ward, seed)?,
        links: links::find(ward, &parts, seed)?,
    })
}
