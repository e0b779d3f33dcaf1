//! The model card.

use crate::demo::figures::list;
use crate::demo::judged::Judged;
use crate::demo::story::Story;

use super::{promise, tables, words};

/// `CARD.md`.
pub(super) fn write(story: &Story) -> String {
    let line = |m: &Judged| format!("- **{}**: {}\n", m.name, m.what);
    let sections = [
        format!(
            "# Model card: breast cancer, five hospitals\n\nEach model of the table is a directory here: `lepton \
             predict --model int8 --data FILE.csv` in this folder answers malignant or benign for each row of a file \
             with the same columns. The folder itself is the pruned model's, too.\n\n{}",
            story.models.iter().map(line).collect::<String>()
        ),
        section("Data", &data(story)),
        section(
            "Marks",
            &[
                words::marks(story),
                tables::quality(story).markdown(),
                tables::counts(story).markdown(),
            ],
        ),
        section(
            "Costs",
            &[tables::costs(story).markdown(), words::beside_costs(story)],
        ),
        section("Privacy", &promise::paragraphs(story)),
        section("Limits", &[words::limits(story)]),
        noticed(story),
    ];
    sections.concat().trim_end().to_owned() + "\n"
}

fn section(head: &str, blocks: &[String]) -> String {
    let blocks: String = blocks
        .iter()
        .map(|b| format!("{}\n\n", b.trim_end()))
        .collect();
    format!("\n## {head}\n\n{}", blocks.trim_end().to_owned() + "\n")
}

fn data(story: &Story) -> [String; 1] {
    let sizes: Vec<usize> = story.hospitals.iter().map(Vec::len).collect();
    [format!(
        "Wisconsin Diagnostic Breast Cancer (UCI, CC BY 4.0): 30 measures of cell nuclei; classes malignant and \
         benign. {} rows to learn from, in hospitals of {}; {} rows held out; `split.csv` says which is where. \
         Features are scaled by published ranges, not by statistics of the private rows; they were published about \
         these same patients. Only the yardstick is scaled by statistics of its training rows.",
        story.ward.train.len(),
        list(&sizes),
        story.ward.test.len()
    )]
}

fn noticed(story: &Story) -> String {
    match words::warnings(story) {
        found if found.is_empty() => String::new(),
        found => {
            let lines: Vec<String> = found.iter().map(|w| format!("- {w}\n")).collect();
            section("What to notice in this run", &[lines.concat()])
        }
    }
}
