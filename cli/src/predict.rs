//! `lepton predict`: a model's answers for the rows of a table.

use lepton::nn::{TabularModel, files};
use lepton::tabular::ReadOptions;
use lepton::{Error, Result};

use crate::args::PredictArgs;
use crate::console::Console;
use crate::progress::Progress;

pub(crate) fn run(args: &PredictArgs, console: &Console) -> Result<()> {
    let model = open(args)?;
    let categorical = [args.categorical.clone(), model.features.categorical()].concat();
    let table = files::read_csv(&args.data, &ReadOptions { categorical })?;
    let (answers, notes) = model.predict(&table)?;
    let csv = answers.to_csv(&model.target)?;
    let progress = Progress::new(args.quiet);
    for note in &notes {
        progress.note(note);
    }
    match &args.out {
        Some(path) => files::write_atomic(path, &csv),
        None => console.print(&String::from_utf8_lossy(&csv)),
    }
}

fn open(args: &PredictArgs) -> Result<TabularModel> {
    let hint = "--model takes the folder that `lepton train --out` wrote";
    TabularModel::open(&args.model, &[]).map_err(|e| Error::new(e.kind(), format!("{e}; {hint}")))
}
