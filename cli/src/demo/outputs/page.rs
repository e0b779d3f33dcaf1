//! The page for people.

use lepton::Result;
use lepton::explain::report::Report;

use crate::demo::explained::BARS;
use crate::demo::figures::list;
use crate::demo::story::Story;

use super::tables::{self, Cells};
use super::{curve, promise, words};

/// `report.html`.
pub(super) fn write(story: &Story) -> Result<String> {
    let page = Report::new("Five hospitals, one small model");
    let page = opening(page, story);
    let page = training(page, story)?;
    let page = explanation(page, story);
    let page = background(page, story);
    Ok(page.html())
}

fn table(page: Report, cells: Cells) -> Report {
    page.table(&cells.heads, cells.rows)
}

fn opening(page: Report, story: &Story) -> Report {
    let sizes: Vec<usize> = story.hospitals.iter().map(Vec::len).collect();
    let page = page.text(&format!(
        "Five hospitals with {} patients train one model without sharing a row. The model is made small enough for \
         any device, and it says why it decides. Every number on this page was computed in this run (seed {}). Words \
         that may be new are explained at the end.",
        list(&sizes),
        story.seed
    ));
    let page = words::warnings(story).iter().fold(page, |page, w| {
        page.note(&format!("To notice in this run: {w}."))
    });
    let page = page.section("How good").text(&words::marks(story));
    let page = table(page, tables::quality(story));
    let page = page.text("In patients:");
    let page = table(page, tables::counts(story));
    let page = page.section("What it costs");
    let page = table(page, tables::costs(story));
    page.text(&words::beside_costs(story))
}

fn training(page: Report, story: &Story) -> Result<Report> {
    let what = |name: &str| story.model(name).what.clone();
    let page = page
        .section("The yardstick: central")
        .text(&what("central"))
        .section("The same model, no row shared: private")
        .text(&what("private"))
        .svg(
            &curve::draw(story)?,
            "Each round's own model on the held-out rows. The model of the tables is the mean of the last rounds' models.",
        );
    let page = promise::paragraphs(story)
        .iter()
        .fold(page, |page, paragraph| page.note(paragraph));
    let small = ["distilled", "pruned", "int8"].map(|name| format!("{name}: {}", what(name)));
    Ok(page
        .section("Small enough for anything: distilled, pruned, int8")
        .text(&small.join("\n\n")))
}

fn explanation(page: Report, story: &Story) -> Report {
    let e = &story.explained;
    let page = page
        .section(&format!("Why this answer? (the {} model)", e.model))
        .text(&words::patient(e))
        .svg(&e.patient.picture, "")
        .text(&words::bars(story));
    let page = table(page, tables::features(story, BARS));
    let page = page.text(&words::agreement(story));
    let page = table(page, tables::patient(story));
    page.section(&format!("The {} model as rules", e.model))
        .text(&words::fidelity(e))
        .pre(&e.rules.text())
        .section("What hangs together in the held-out rows")
        .text(&words::links(story))
        .svg(&e.links.picture, "")
        .note(&e.links.caveat())
        .pre(&e.links.text())
}

fn background(page: Report, story: &Story) -> Report {
    let page = page.section("Limits").note(&words::limits(story));
    page.section("Words").table(
        &["word", "meaning"],
        words::GLOSSARY.map(|(word, meaning)| [word, meaning]),
    )
}
