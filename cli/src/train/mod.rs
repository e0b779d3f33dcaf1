//! `lepton train`: from a table to a model with its card.

mod card;
mod outcome;
mod source;

use std::collections::HashSet;

use lepton::Result;
use lepton::explain::picture::{Lines, Series, lines};
use lepton::nn::files::ModelDir;
use lepton::nn::{Epoch, History, Rng};
use lepton::tabular::{LeftOut, Method, Plan, Prepared, Table, Task};

use crate::args::TrainArgs;
use crate::console::Console;
use crate::learn::{Epochs, Recipe};
use crate::progress::Progress;
use outcome::Outcome;
use source::Source;

/// The share of rows held out to judge by.
const HELD_OUT: f64 = 0.2;
/// What a small table needs; rows set aside say when fewer are better.
const MOST_EPOCHS: usize = 200;

/// What stands beside the model in its directory.
const DOCUMENTS: [&str; 3] = ["history.csv", "history.svg", "CARD.md"];

pub(crate) fn run(args: &TrainArgs, console: &Console) -> Result<()> {
    let progress = Progress::new(args.quiet);
    let source = Source::read(args)?;
    let data = prepare(args, &source.table)?;
    let recipe = recipe(args);
    recipe.sizes(&data)?;
    // Hours of training must not end at a folder that cannot be written.
    let out = ModelDir::prepare(&args.out, &DOCUMENTS, &[&args.data])?;
    progress.notes(&told(args, &source.table, &data)?);
    progress.notes(&data.train.x.notes);
    let learnt = recipe.learn(&data, progress)?;
    let outcome = Outcome::judge(source, data, &recipe, &learnt)?;
    let documents = documents(&outcome, &learnt.history)?;
    let names = outcome.model.write(out, documents)?;
    match args.json {
        true => console.line(&outcome.json(&args.out, &names)),
        false => console.print(&outcome.summary(&args.out, &names)),
    }
}

/// What a user should know before the work begins: the task and why, how columns were read, and which
/// are left out.
fn told(args: &TrainArgs, table: &Table, data: &Prepared) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if args.task.is_none() {
        notes.push(Task::suggested(table, &args.target)?.1);
    }
    let left_out = |l: &LeftOut| format!("column `{}` is left out: {}", l.column, l.why);
    notes.extend(data.left_out.iter().map(left_out));
    let known: HashSet<&str> = data.left_out.iter().map(|l| l.column.as_str()).collect();
    // That a target is text is no news beside the task.
    let text = table.column(&args.target)?.cells.type_name() == "text";
    let old = |name: &str| known.contains(name) || (text && name == args.target);
    let read = table.notes().filter(|(name, _)| !old(name));
    notes.extend(read.map(|(_, note)| note.to_string()));
    Ok(notes)
}

/// What is written beside the model: names and contents.
fn documents(outcome: &Outcome, history: &History) -> Result<Vec<(String, Vec<u8>)>> {
    let texts = [
        history.to_csv(),
        picture(history, outcome)?,
        card::write(outcome)?,
    ];
    let named = DOCUMENTS.into_iter().zip(texts);
    Ok(named
        .map(|(name, text)| (name.to_owned(), text.into_bytes()))
        .collect())
}

fn prepare(args: &TrainArgs, table: &Table) -> Result<Prepared> {
    let plan = Plan {
        target: &args.target,
        task: args.task,
        scaling: Method::Standard,
        test: HELD_OUT,
    };
    Prepared::new(table, &plan, &mut Rng::new(args.seed).fork(0))
}

fn recipe(args: &TrainArgs) -> Recipe {
    Recipe {
        hidden: args.hidden.clone(),
        epochs: match args.epochs {
            Some(n) => Epochs::Exactly(n),
            None => Epochs::AtMost(MOST_EPOCHS),
        },
        batch: args.batch,
        rate: args.rate,
        seed: args.seed,
    }
}

fn picture(history: &History, outcome: &Outcome) -> Result<String> {
    let curve = |f: fn(&Epoch) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |e: &Epoch| f(e).map(|y| (e.epoch as f64, y));
        history.epochs.iter().filter_map(point).collect()
    };
    let (training, held_out) = (curve(|e| Some(e.loss)), curve(|e| e.validation));
    lines(&Lines {
        title: &format!("Learning `{}`", outcome.model.target.column()),
        x: "epoch",
        y: outcome.loss(),
        series: &[
            Series {
                name: "training rows",
                points: &training,
            },
            Series {
                name: "held-out rows",
                points: &held_out,
            },
        ],
    })
}
