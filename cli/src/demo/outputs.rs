//! The files of the demo: one page for people, one card, one summary for programs, and the models.

use lepton::Result;
use lepton::explain::report::Report;
use lepton::nn::{TabularModel, files};
use serde_json::{Value, json};

use super::Story;
use super::story::Judged;

/// The heads of the final table, in a run that measures times or not.
pub(crate) fn heads(timed: bool) -> Vec<&'static str> {
    let mut heads = vec!["model", "accuracy", "AUC", "epsilon", "bytes"];
    if timed {
        heads.push("us a row");
    }
    heads
}

/// One row of the final table.
pub(crate) fn cells(m: &Judged) -> Vec<String> {
    let mut cells = vec![
        m.name.to_owned(),
        format!("{:.3}", m.accuracy),
        format!("{:.3}", m.auc),
        m.privacy
            .map_or("-".to_owned(), |p| format!("{:.2}", p.epsilon)),
        m.bytes.to_string(),
    ];
    cells.extend(m.micros.map(|us| format!("{us:.2}")));
    cells
}

/// What stands beside the model in its directory.
pub(crate) const DOCUMENTS: [&str; 5] = [
    "model.int8.safetensors",
    "rules.txt",
    "CARD.md",
    "summary.json",
    "report.html",
];

/// The model that `lepton predict` opens.
pub(crate) fn model(story: &Story) -> TabularModel {
    TabularModel {
        program: story.model("pruned").program.clone(),
        features: story.ward.features.clone(),
        target: story.ward.target.clone(),
    }
}

/// The documents: names and contents.
pub(crate) fn documents(story: &Story) -> Result<Vec<(String, Vec<u8>)>> {
    let int8 = &story.model("int8").program;
    let contents = [
        files::weights::write(&int8.tensors)?,
        rules(story).into_bytes(),
        card(story).into_bytes(),
        summary(story).into_bytes(),
        page(story).into_bytes(),
    ];
    let named = DOCUMENTS.into_iter().zip(contents);
    Ok(named
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .collect())
}

fn rules(story: &Story) -> String {
    let e = &story.explained;
    format!(
        "# The model as rules, in the units of the data.\n# A small tree that asked the model around one half of the held-out rows; on {:.1} % of the other half\n# it answers as the model does. Rows covered are counted over both halves.\n\n{}",
        100.0 * e.fidelity,
        e.rules
    )
}

/// The final table and what goes with it, as JSON.
pub(crate) fn summary(story: &Story) -> String {
    let model = |m: &Judged| {
        let mut v =
            json!({ "name": m.name, "accuracy": m.accuracy, "auc": m.auc, "bytes": m.bytes });
        if let Some(p) = m.privacy {
            v["epsilon"] = json!(p.epsilon);
            v["delta"] = json!(p.delta);
            v["sampling_rate"] = json!(p.sampling_rate);
            v["noise_multiplier"] = json!(p.noise_multiplier);
            v["steps"] = json!(p.steps);
        }
        if let Some(us) = m.micros {
            v["microseconds_a_row"] = json!(us);
        }
        v
    };
    let models: Vec<Value> = story.models.iter().map(model).collect();
    let all = json!({
        "seed": story.seed,
        "rows": { "train": story.ward.train.len(), "held_out": story.ward.test.len() },
        "hospitals": story.hospitals,
        "models": models,
        "explanation": {
            "patient": story.explained.patient,
            "predicted": story.explained.predicted,
            "truth": story.explained.truth,
            "completeness_error": story.explained.delta,
            "rules_fidelity": story.explained.fidelity,
        },
    });
    serde_json::to_string_pretty(&all).expect("numbers and text") + "\n"
}

/// What a reader must know about the promise, in the words of the report and of the card.
fn promise(story: &Story) -> String {
    let p = story
        .model("private")
        .privacy
        .expect("the private model has a promise");
    format!(
        "Each hospital clips the gradient of every row to a fixed length and adds Gaussian noise (multiplier {:.2}) \
         before anything leaves it. Over all {} steps the presence of one row changes what can be learnt from the \
         model by at most epsilon = {:.3} at delta = {:e} (Renyi accounting, add or remove one row). Numbers of \
         rows are treated as public. The models made from the private one are made from its answers on made-up \
         rows, so they keep its epsilon. The noise here is a seeded simulation, so that the run can be repeated: \
         a deployment needs a secure generator and integer noise.",
        p.noise_multiplier, p.steps, p.epsilon, p.delta
    )
}

fn limits(story: &Story) -> String {
    format!(
        "One data set of 569 biopsies from one clinic, {} of them held out; the five hospitals are a Dirichlet(1) \
         partition of it and not real. The marks of one split move by a few thousandths with the seed. Not a medical \
         device: nothing here decides about a patient.",
        story.ward.test.len()
    )
}

fn card(story: &Story) -> String {
    let head = heads(story.timed);
    let mut table = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for m in &story.models {
        table += &format!("| {} |\n", cells(m).join(" | "));
    }
    let what: Vec<String> = story
        .models
        .iter()
        .map(|m| format!("- **{}**: {}", m.name, m.what))
        .collect();
    let sizes: Vec<String> = story.hospitals.iter().map(usize::to_string).collect();
    format!(
        "# Model card: breast cancer, five hospitals\n\n\
         `model.safetensors` and `model.json` are the pruned model (`lepton predict --model .`); \
         `model.int8.safetensors` is its int8 form.\n\n\
         ## Data\n\nWisconsin Diagnostic Breast Cancer (UCI, CC BY 4.0): 30 measures of cell nuclei; classes \
         malignant and benign. {} rows to learn from, in hospitals of {}; {} rows held out. Features are scaled by \
         published ranges, not by statistics of the private rows; they were published about these same patients. \
         The held-out patients are taken to have agreed to be judged and explained by.\n\n\
         ## Metrics on the held-out rows\n\n{table}\n{}\n\n\
         ## Privacy\n\n{}\n\n## Limits\n\n{}\n",
        story.ward.train.len(),
        sizes.join(", "),
        story.ward.test.len(),
        what.join("\n"),
        promise(story),
        limits(story)
    )
}

fn page(story: &Story) -> String {
    let e = &story.explained;
    let sizes: Vec<String> = story.hospitals.iter().map(usize::to_string).collect();
    let rows = story.models.iter().map(cells);
    let what = |name: &str| story.model(name).what.clone();
    Report::new("Five hospitals, one small model")
        .text(&format!(
            "Five hospitals with {} patients train one model without sharing a row. The model is made small enough \
             for any device, and it says why it decides. Every number on this page was computed in this run (seed {}).",
            sizes.join(", "),
            story.seed
        ))
        .table(&heads(story.timed), rows)
        .section("The yardstick")
        .text(&what("central"))
        .section("The same model, no row shared")
        .text(&what("private"))
        .svg(&story.curve, "Accuracy on the held-out rows after each round; the line is the central model.")
        .note(&promise(story))
        .section("Small enough for anything")
        .text(&format!("{}\n\n{}\n\n{}", what("distilled"), what("pruned"), what("int8")))
        .section("Why this answer?")
        .text(&format!(
            "Patient {} of the held-out rows: the model says {} with a chance of {:.0} %; the biopsy said {}. The bars \
             are integrated gradients from the middle of all ranges to the patient; all thirty add up to the \
             difference of the scores, with an error of {:.1e}.",
            e.patient, e.predicted, 100.0 * e.chance, e.truth, e.delta
        ))
        .svg(&e.bars, "The strongest features of this patient.")
        .section("The model as rules")
        .text(&format!(
            "A small tree asked the model around one half of the held-out rows. On {:.1} % of the other half it answers as the model does. No row of a hospital is in it.",
            100.0 * e.fidelity
        ))
        .pre(&e.rules)
        .section("What hangs together")
        .svg(&e.dag, "The PC algorithm on the held-out rows.")
        .note("Association, not cause: an arrow says what the rows leave possible, not what an intervention would do.")
        .pre(&e.graph)
        .section("Limits")
        .note(&limits(story))
        .html()
}
