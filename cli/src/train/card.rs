//! The model card: what a model was made from, how good it is, and where it ends (after Mitchell et
//! al. 2019, "Model cards for model reporting").

use lepton::Result;
use lepton::tabular::metrics::Confusion;
use lepton::tabular::{Answers, Encoding, Feature, LeftOut, Target};

use super::outcome::Outcome;
use crate::learn::Epochs;

/// More classes than this make no table that anyone reads.
const MOST_CLASSES: usize = 20;

pub(super) fn write(o: &Outcome) -> Result<String> {
    let target = code(o.model.target.column());
    let sections = [
        format!("# Model card: {target} from {}\n", code(&o.source.name)),
        model(o),
        data(o),
        features(o),
        metrics(o),
        confusion(o)?,
        filled(o),
        limits(o),
    ];
    let there = sections.into_iter().filter(|s| !s.is_empty());
    Ok(there.collect::<Vec<_>>().join("\n"))
}

/// Outside words as Markdown shows them: nothing in them is markup.
fn code(text: &str) -> String {
    let plain = text.escape_debug().to_string();
    format!("`{}`", plain.replace('`', "'").replace('|', "¦"))
}

fn model(o: &Outcome) -> String {
    let classes = o.model.target.classes().map_or(String::new(), |classes| {
        let names: Vec<String> = classes.iter().map(|c| code(c)).collect();
        format!(" Classes: {}.", names.join(", "))
    });
    let r = &o.recipe;
    let chosen = match r.epochs {
        Epochs::Exactly(_) => "",
        Epochs::AtMost(_) => {
            ", as many as a fifth of the training rows, set aside for a trial, were helped by"
        }
    };
    format!(
        "## Model\n{} of {}.{classes} A multilayer perceptron {} with ReLU, {} parameters, trained by \
         lepton {} with Adam (learning rate {}, {} rows a step, {} epochs{chosen}), loss: {}. Seed {}: the same \
         seed, file and processor give the same model.\n",
        capital(o.task()),
        code(o.model.target.column()),
        o.network,
        o.parameters,
        env!("CARGO_PKG_VERSION"),
        r.rate,
        r.batch,
        o.epochs,
        o.loss(),
        r.seed,
    )
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

fn data(o: &Outcome) -> String {
    let columns = o.source.table.columns().len();
    format!(
        "## Data\n{}: {} rows, {columns} columns, SHA-256 `{}`. {} rows were learnt from and {} held out, \
         chosen by the seed{}. Medians, scales and categories come from the first alone.\n",
        code(&o.source.name),
        o.source.table.rows(),
        o.source.hash,
        o.training_rows,
        o.held_out.x.rows,
        match o.held_out.y {
            Target::Classes(_) => " in equal shares of each class",
            Target::Values(_) => "",
        },
    )
}

fn features(o: &Outcome) -> String {
    let line = |f: &Feature| match &f.encoding {
        Encoding::Number { fill, scale } => format!(
            "| {} | number{} | centre {:.6}, width {:.6}; missing counts as {fill} |\n",
            code(&f.name),
            f.unit
                .as_ref()
                .map_or(String::new(), |unit| format!(", in {}", code(unit))),
            scale.shift,
            scale.width
        ),
        Encoding::Category { values } => format!(
            "| {} | category | {} values; missing or unknown belongs to none |\n",
            code(&f.name),
            values.len()
        ),
    };
    let lines: String = o.model.features.columns().iter().map(line).collect();
    let left_out = |l: &LeftOut| format!("- {}: {}\n", code(&l.column), code(&l.why));
    let left_out: String = o.left_out.iter().map(left_out).collect();
    let left_out = match left_out.is_empty() {
        true => left_out,
        false => format!("\nLeft out, since nothing can be learnt from them:\n\n{left_out}"),
    };
    format!("## Features\n| column | read as | how |\n|---|---|---|\n{lines}{left_out}")
}

fn metrics(o: &Outcome) -> String {
    let line = |(name, value, base): (&str, f64, Option<f64>)| {
        let base = base.map_or("-".into(), |b| format!("{b:.4}"));
        format!("| {name} | {value:.4} | {base} |\n")
    };
    let lines: String = o.compared().map(line).collect();
    format!(
        "## Metrics on the {} held-out rows\n| measure | model | without a model |\n|---|---|---|\n{lines}\n\
         \"Without a model\" answers with {}.\n",
        o.held_out.x.rows,
        o.baseline_name(),
    )
}

fn confusion(o: &Outcome) -> Result<String> {
    let (Answers::Classes { labels, .. }, Target::Classes(truth), Some(classes)) =
        (&o.answers, &o.held_out.y, o.model.target.classes())
    else {
        return Ok(String::new());
    };
    if classes.len() > MOST_CLASSES {
        return Ok(String::new());
    }
    let found = Confusion::new(labels, truth, classes.len())?;
    let head: String = classes.iter().map(|c| format!(" {} |", code(c))).collect();
    let rule = "---|".repeat(classes.len());
    let line = |t: usize| -> String {
        let counts = (0..classes.len()).map(|p| format!(" {} |", found.count(t, p)));
        format!("| {} |{}\n", code(&classes[t]), counts.collect::<String>())
    };
    let lines: String = (0..classes.len()).map(line).collect();
    Ok(format!(
        "Rows are the true class, columns the model's answer:\n\n| true |{head}\n|---|{rule}\n{lines}"
    ))
}

fn filled(o: &Outcome) -> String {
    let lines: String = o.notes.iter().map(|n| format!("- {}\n", code(n))).collect();
    match lines.is_empty() {
        true => "## What was filled in\nNothing: no cell was missing.\n".into(),
        false => format!("## What was filled in\nIn all rows:\n\n{lines}"),
    }
}

fn limits(o: &Outcome) -> String {
    let few = match o.held_out.x.rows {
        n if n < 100 => format!(" With {n} of them, one row more or less right moves it much."),
        _ => String::new(),
    };
    format!(
        "## Limits\n\
         - The metrics hold for rows like those of this file, drawn as they were; elsewhere they must be \
         measured anew.{few}\n\
         - The model repeats what stands in the rows, also what is unfair in them. A column that speaks of \
         a person's origin, sex or wealth deserves a second thought before it decides anything.\n\
         - What it found is association, not cause.\n\
         - It was trained without privacy protection: its weights may give away rows it learnt from.\n\
         - It answers every row, also one unlike all it has seen; a probability near 1 is no proof.\n"
    )
}
