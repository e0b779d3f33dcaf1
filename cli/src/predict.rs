//! `lepton predict`: a model's answers for the rows of a table.

use std::path::{Path, PathBuf};

use lepton::nn::TabularModel;
use lepton::nn::files::{self, ModelFiles, Output};
use lepton::tabular::ReadOptions;
use lepton::{Error, Result, compress};

use crate::args::PredictArgs;
use crate::console::Console;
use crate::progress::Progress;

pub(crate) fn run(args: &PredictArgs, console: &Console) -> Result<()> {
    let (model, files) = open(args)?;
    let out = output(args, &files)?;
    let categorical = [args.categorical.clone(), model.features.categorical()].concat();
    let table = files::read_csv(&args.data, &ReadOptions { categorical })?;
    let (answers, notes) = model.predict(&table)?;
    let csv = answers.to_csv(&model.target)?;
    let progress = Progress::new(args.quiet);
    for note in &notes {
        progress.note(note);
    }
    match out {
        Some(out) => out.write(&csv),
        None => console.print(&String::from_utf8_lossy(&csv)),
    }
}

/// The model, and the files that it consists of.
fn open(args: &PredictArgs) -> Result<(TabularModel, Vec<PathBuf>)> {
    let hint = "--model takes the folder that `lepton train --out` wrote";
    let opened = ModelFiles::open(&args.model).and_then(|files| {
        Ok((
            TabularModel::from_files(&files, &compress::catalogue())?,
            files.paths(),
        ))
    });
    opened.map_err(|e| Error::new(e.kind(), format!("{e}; {hint}")))
}

/// The file to write, which is none of those that are read.
fn output(args: &PredictArgs, model: &[PathBuf]) -> Result<Option<Output>> {
    let inputs: Vec<&Path> = std::iter::once(&args.data)
        .chain(model)
        .map(PathBuf::as_path)
        .collect();
    let out = args.out.as_ref().map(|path| Output::prepare(path, &inputs));
    out.transpose()
}
