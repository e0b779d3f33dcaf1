//! The final tables: how good, how costly, and what the models say of the explained patient.

use lepton::tabular::metrics::{Interval, Share};

use crate::console::columns;
use crate::demo::explained::Measure;
use crate::demo::figures::{WIDTH, epsilon, figure, interval, short, within, wrap};
use crate::demo::judged::{Judged, called, chance};
use crate::demo::story::Story;
use crate::demo::ward::{CLASSES, MALIGNANT};

/// A table: its heads, and its rows.
pub(crate) struct Cells {
    pub(crate) heads: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The marks of each model with their 95 % intervals, as `write` shows a value and its interval.
fn marks(story: &Story, write: fn(f64, Interval) -> String) -> Cells {
    let row = |m: &Judged| {
        let marks = &m.marks;
        let share = |s: Share| write(s.value(), interval(s));
        vec![
            m.name.to_owned(),
            share(marks.accuracy),
            write(marks.auc, marks.auc_interval),
            share(marks.sensitivity()),
            share(marks.specificity()),
        ]
    };
    Cells {
        heads: vec!["model", "accuracy", "AUC", "sensitivity", "specificity"],
        rows: story.models.iter().map(row).collect(),
    }
}

/// [`marks`] for the page and the card.
pub(crate) fn quality(story: &Story) -> Cells {
    marks(story, within)
}

/// How many of the malignant and the benign cases each model called which.
pub(crate) fn counts(story: &Story) -> Cells {
    let row = |m: &Judged| {
        let count = |truth, said| m.marks.confusion.count(truth, said).to_string();
        let benign = 1 - MALIGNANT;
        vec![
            m.name.to_owned(),
            count(MALIGNANT, MALIGNANT),
            count(MALIGNANT, benign),
            count(benign, benign),
            count(benign, MALIGNANT),
        ]
    };
    Cells {
        heads: vec![
            "model",
            "malignant, called malignant",
            "malignant, called benign",
            "benign, called benign",
            "benign, called malignant",
        ],
        rows: story.models.iter().map(row).collect(),
    }
}

/// What each model costs: privacy, bytes and time.
pub(crate) fn costs(story: &Story) -> Cells {
    let mut heads = vec!["model", "epsilon", "bytes of numbers", "bytes of files"];
    if story.timed {
        heads.push("microseconds per row");
    }
    let row = |m: &Judged| {
        let spent = m.privacy.as_ref().map_or(f64::INFINITY, |p| p.epsilon);
        let mut cells = vec![
            m.name.to_owned(),
            epsilon(spent),
            m.bytes.to_string(),
            m.file_bytes.to_string(),
        ];
        cells.extend(m.micros.map(|us| format!("{us:.2}")));
        cells
    };
    Cells {
        heads,
        rows: story.models.iter().map(row).collect(),
    }
}

/// What each model says of the explained patient.
pub(crate) fn patient(story: &Story) -> Cells {
    let at = story.explained.patient.position;
    let row = |m: &Judged| {
        let score = m.marks.scores[at];
        vec![
            m.name.to_owned(),
            CLASSES[called(score)].to_owned(),
            format!("{:.1} %", 100.0 * chance(score)),
        ]
    };
    Cells {
        heads: vec!["model", "says", "chance of malignant"],
        rows: story.models.iter().map(row).collect(),
    }
}

/// The features of the explained patient, those with a bar.
pub(crate) fn features(story: &Story, shown: usize) -> Cells {
    let row = |m: &Measure| {
        let [benign, malignant] = m.adds.map(|s| format!("{} of {}", s.part, s.whole));
        vec![
            m.name.clone(),
            figure(m.value),
            figure(m.reference),
            format!("{} to {}", figure(m.usual[0]), figure(m.usual[1])),
            format!("{:+.3}", m.part),
            malignant,
            benign,
        ]
    };
    Cells {
        heads: vec![
            "feature",
            "this patient",
            "median benign",
            "usual (nine of ten benign)",
            "adds to the score",
            "adds for malignant patients",
            "adds for benign patients",
        ],
        rows: story.explained.patient.measures[..shown]
            .iter()
            .map(row)
            .collect(),
    }
}

/// The tables for a terminal, with what they mean.
pub(crate) fn plain(story: &Story) -> String {
    format!(
        "\n{}\nin parentheses the 95 % interval; called malignant when the chance is above one half\n\n{}\n{}",
        text(&marks(story, short)),
        text(&costs(story)),
        wrap(&super::words::beside_costs(story), WIDTH).join("\n")
    )
}

fn text(cells: &Cells) -> String {
    let heads = cells.heads.iter().map(|&h| h.to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(cells.rows.clone()).collect();
    let right: Vec<bool> = (0..cells.heads.len()).map(|j| j > 0).collect();
    columns(&rows, &right).trim_end().to_owned()
}

impl Cells {
    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let heads: Vec<String> = self.heads.iter().map(|&h| h.to_owned()).collect();
        let rule = format!("|{}\n", "---|".repeat(heads.len()));
        let rows: String = self.rows.iter().map(|r| line(r)).collect();
        line(&heads) + &rule + &rows
    }
}
