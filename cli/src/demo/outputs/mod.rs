//! The documents of the demo: one page for people, one card, one summary for programs, the rules, and
//! which row of the table went where.

mod card;
mod curve;
mod page;
mod promise;
mod split;
pub(crate) mod summary;
pub(crate) mod tables;
pub(crate) mod words;

use lepton::Result;

use super::figures::{WIDTH, wrap};
use super::story::Story;

/// The names of the documents.
pub(crate) const DOCUMENTS: [&str; 5] = [
    "report.html",
    "CARD.md",
    "summary.json",
    "rules.txt",
    "split.csv",
];

/// Every document: name and contents.
pub(crate) fn documents(story: &Story) -> Result<Vec<(String, Vec<u8>)>> {
    let contents = [
        page::write(story)?,
        card::write(story),
        summary::write(story),
        rules(story),
        split::write(story),
    ];
    let named = DOCUMENTS.into_iter().zip(contents);
    Ok(named
        .map(|(name, text)| (name.to_owned(), text.into_bytes()))
        .collect())
}

fn rules(story: &Story) -> String {
    let units =
        "In the units of the data; se is the standard error, worst the mean of the three largest.";
    let head = [words::fidelity(&story.explained), units.to_owned()];
    let lines = head.iter().flat_map(|l| wrap(l, WIDTH));
    let head: String = lines.map(|l| format!("# {l}\n")).collect();
    format!("{head}\n{}", story.explained.rules.text())
}
