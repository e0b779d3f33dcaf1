//! The run for programs: every number of the tables, of the picture and of the sentences.

use lepton::tabular::metrics::{Interval, Share};
use serde_json::{Value, json};

use crate::demo::explained::{BARS, Links, Measure};
use crate::demo::figures::interval;
use crate::demo::judged::{Judged, called, chance};
use crate::demo::privacy::{Noise, Privacy};
use crate::demo::private::{CLIP, LAST, RATE};
use crate::demo::story::Story;
use crate::demo::ward::{CLASSES, MALIGNANT};

use super::words;

/// `summary.json`.
pub(crate) fn write(story: &Story) -> String {
    let sizes: Vec<usize> = story.hospitals.iter().map(Vec::len).collect();
    let models: Vec<Value> = story.models.iter().map(model).collect();
    let all = json!({
        "seed": story.seed,
        "noise": match story.noise { Noise::Seeded => "from the seed", Noise::Secret => "secret" },
        "rows": { "train": story.ward.train.len(), "held_out": story.ward.test.len() },
        "hospitals": sizes,
        "positive_class": CLASSES[MALIGNANT],
        "threshold": 0.5,
        "confidence": 0.95,
        "models": models,
        "private_training": training(story),
        "explanation": explanation(story),
        "links": links(&story.explained.links),
        "warnings": words::warnings(story),
    });
    serde_json::to_string_pretty(&all).expect("numbers and text") + "\n"
}

fn model(m: &Judged) -> Value {
    let benign = 1 - MALIGNANT;
    let (marks, count) = (&m.marks, |t, p| m.marks.confusion.count(t, p));
    let mut v = json!({
        "name": m.name,
        "directory": m.name,
        "accuracy": marks.accuracy.value(),
        "accuracy_interval": ends(interval(marks.accuracy)),
        "auc": marks.auc,
        "auc_interval": ends(marks.auc_interval),
        "sensitivity": marks.sensitivity().value(),
        "sensitivity_interval": ends(interval(marks.sensitivity())),
        "specificity": marks.specificity().value(),
        "specificity_interval": ends(interval(marks.specificity())),
        "confusion": {
            "true_positive": count(MALIGNANT, MALIGNANT),
            "false_negative": count(MALIGNANT, benign),
            "true_negative": count(benign, benign),
            "false_positive": count(benign, MALIGNANT),
        },
        "bytes": m.bytes,
        "file_bytes": m.file_bytes,
    });
    promise(&mut v, m.privacy.as_ref());
    if let Some(us) = m.micros {
        v["microseconds_a_row"] = json!(us);
    }
    v
}

/// JSON has no infinity, so the yardstick's epsilon is a word that most languages read as one.
fn promise(v: &mut Value, privacy: Option<&Privacy>) {
    let Some(p) = privacy else {
        v["epsilon"] = json!("Infinity");
        return;
    };
    v["epsilon"] = json!(p.epsilon);
    v["delta"] = json!(p.delta);
    v["sampling_rate"] = json!(p.sampling_rate);
    v["noise_multiplier"] = json!(p.noise_multiplier);
    v["steps"] = json!(p.steps);
}

fn training(story: &Story) -> Value {
    let p = story.privacy();
    json!({
        "clip": CLIP,
        "rate": RATE,
        "averaged_rounds": LAST,
        "accuracy_by_round": story.curve,
        "unit": "row",
        "neighbours": "one row's gradients are zeros; numbers of rows are public",
        "smallest_hospital": { "rows": p.smallest.0, "epsilon": p.smallest.1 },
        "composed_runs": { "runs": p.runs.0, "epsilon": p.runs.1 },
    })
}

fn explanation(story: &Story) -> Value {
    let (e, p) = (&story.explained, &story.explained.patient);
    let says = |m: &Judged| {
        let score = m.marks.scores[p.position];
        json!({ "model": m.name, "class": CLASSES[called(score)], "chance": chance(score) })
    };
    json!({
        "model": e.model,
        "patient": p.row,
        "predicted": CLASSES[p.called],
        "truth": CLASSES[p.truth],
        "chance_of_malignant": chance(p.end),
        "reference": "the median of the benign held-out patients in every feature",
        "start": p.start,
        "end": p.end,
        "shown": BARS,
        "rest": p.rest(),
        "features": p.measures.iter().map(feature).collect::<Vec<_>>(),
        "completeness_error": p.missed,
        "models": story.models.iter().map(says).collect::<Vec<_>>(),
        "rules_fidelity": e.rules.fidelity.value(),
        "rules_fidelity_interval": ends(interval(e.rules.fidelity)),
        "rules_unseen_rows": e.rules.fidelity.whole,
        "rules_always": { "class": CLASSES[e.rules.always.0], "fidelity": e.rules.always.1.value() },
        "rules_shown": e.rules.rules.len(),
        "rules_contradicted": e.rules.contradicted.len(),
        "rules_unmet": e.rules.unmet,
    })
}

fn feature(m: &Measure) -> Value {
    json!({
        "column": m.column,
        "value": m.value,
        "reference": m.reference,
        "usual": m.usual,
        "part": m.part,
        "adds_for_benign": share(m.adds[1 - MALIGNANT]),
        "adds_for_malignant": share(m.adds[MALIGNANT]),
    })
}

fn links(found: &Links) -> Value {
    let edges = found.links.iter().map(|l| {
        json!({
            "between": l.names,
            "resamples": l.count(),
            "forward": l.recurs.forward,
            "backward": l.recurs.backward,
        })
    });
    json!({
        "resamples": found.resamples,
        "contradictions": found.contradictions,
        "tests": found.note,
        "edges": edges.collect::<Vec<_>>(),
    })
}

fn ends(i: Interval) -> [f64; 2] {
    [i.low, i.high]
}

fn share(s: Share) -> Value {
    json!({ "count": s.part, "of": s.whole })
}
