//! `lepton predict`: a model's answers for the rows of a table.

use std::path::{Path, PathBuf};

use lepton::nn::TabularModel;
use lepton::nn::files::{self, ModelFiles, Output};
use lepton::{Error, Result, compress};

use crate::args::PredictArgs;
use crate::console::Console;
use crate::progress::Progress;

pub(crate) fn run(args: &PredictArgs, console: &Console) -> Result<()> {
    let (model, own) = open(args)?;
    let out = output(args, &own)?;
    let (file, shown) = (files::open(&args.data)?, args.data.display().to_string());
    let (answers, notes) = model.predict_csv(file, &shown, &args.cells.options(&model.cells))?;
    let csv = answers.to_csv(&model.target)?;
    Progress::new(args.quiet).notes(&notes);
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
