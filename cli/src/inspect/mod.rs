//! `lepton inspect`: what a file holds, read the way a suspicious reader does.

mod report;

use std::io::{BufReader, Read};
use std::path::Path;

use lepton::compress;
use lepton::nn::TabularModel;
use lepton::nn::files::safetensors::{Entry, Header};
use lepton::nn::files::{self, ModelFiles};
use lepton::tabular::{CellFormat, ReadOptions, Table};
use lepton::{Error, Result};

use crate::args::InspectArgs;
use crate::console::Console;
use report::{Column, Model, Report, Tensor};

pub(crate) fn run(args: &InspectArgs, console: &Console) -> Result<()> {
    let report = inspect(args)?;
    match args.json {
        true => {
            let json = serde_json::to_string(&report);
            let json = json.map_err(|e| Error::value(format!("cannot write as JSON: {e}")))?;
            console.line(&json)
        }
        false => console.print(&report.table(&args.file.display().to_string())),
    }
}

enum Format {
    Safetensors,
    Csv,
    Model,
}

fn inspect(args: &InspectArgs) -> Result<Report> {
    if args.file.is_dir() {
        return model(&args.file);
    }
    let shown = args.file.display().to_string();
    let refuse = |e: std::io::Error| Error::io(format!("cannot read `{shown}`"), &e);
    let mut file = files::open(&args.file)?;
    let found = file.metadata().map_err(refuse)?;
    let mut head = Vec::new();
    (&mut file)
        .take(files::HEAD as u64)
        .read_to_end(&mut head)
        .map_err(refuse)?;
    match format(&args.file, &head).map_err(|e| e.at(&shown))? {
        Format::Safetensors => {
            // The length of a pipe is known at its end only.
            let length = found.is_file().then_some(found.len());
            let reader = BufReader::new(head.chain(file));
            safetensors(reader, length).map_err(|e| e.at(&shown))
        }
        Format::Csv => {
            let options = args.cells.options(&CellFormat::default());
            csv(head.chain(file), &shown, &options)
        }
        Format::Model => model(args.file.parent().unwrap_or(Path::new(""))),
    }
}

/// What the file is: by its first bytes if they are telling, then by its name.
fn format(path: &Path, head: &[u8]) -> Result<Format> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let extension = extension.to_ascii_lowercase();
    // The mark of another format may be the length of a safetensors header, and text has no zeros.
    let is_header = head.get(4..8) == Some(&[0; 4]) && begins_object(&head[8..]);
    let other = files::foreign(head);
    match (extension.as_str(), other) {
        ("safetensors", Some(other)) if !is_header => Err(cannot_vouch(other.kind, other.hint)),
        ("safetensors", _) => Ok(Format::Safetensors),
        (_, Some(other)) if !is_header => Err(cannot_vouch(other.kind, other.hint)),
        ("csv" | "tsv" | "txt", _) => Ok(Format::Csv),
        ("npy" | "npz" | "gguf" | "pt" | "pth" | "onnx" | "h5" | "pkl", _) => {
            Err(cannot_vouch(&format!("called .{extension}"), ""))
        }
        _ if is_header => Ok(Format::Safetensors),
        _ if path.file_name() == Some("model.json".as_ref()) => Ok(Format::Model),
        _ if begins_object(head) => Err(cannot_vouch("a JSON file", "")),
        _ if head.contains(&0) => Err(cannot_vouch("of a kind that is not known", "")),
        _ => Ok(Format::Csv),
    }
}

/// Whether JSON of an object begins here.
fn begins_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

fn cannot_vouch(kind: &str, hint: &str) -> Error {
    let hint = if hint.is_empty() {
        String::new()
    } else {
        format!("; {hint}")
    };
    Error::unsupported(format!(
        "the file is {kind}, and lepton cannot vouch for it; it reads .safetensors, .csv and the folders of its \
         models{hint}"
    ))
}

fn safetensors(mut reader: impl Read, length: Option<u64>) -> Result<Report> {
    let header = match length {
        Some(length) => Header::read(&mut reader, length)?,
        None => Header::stream(&mut reader)?,
    };
    let tensors = tensors(&header, &mut reader)?;
    header.finish(reader)?;
    Ok(Report::Safetensors { tensors })
}

/// The header's tensors tile the data in order, so one pass reads them all.
fn tensors(header: &Header, mut reader: impl Read) -> Result<Vec<Tensor>> {
    let tensor = |t: &Entry| -> Result<Tensor> {
        let sum = t.stored.sum(&mut reader, t.bytes.end - t.bytes.start);
        let sum = sum.map_err(|e| e.at(format!("tensor `{}`", t.name.escape_debug())))?;
        Ok(Tensor {
            name: t.name.clone(),
            dtype: t.stored.to_string(),
            shape: t.shape.clone(),
            sum: sum.into(),
        })
    };
    header.tensors.iter().map(tensor).collect()
}

/// The model in `folder`, after all of its files are found to be those that were written together.
fn model(folder: &Path) -> Result<Report> {
    let hint = "a folder is inspected as a model, such as `lepton train --out` writes";
    let files = ModelFiles::open(folder);
    let files = files.map_err(|e| Error::new(e.kind(), format!("{e}; {hint}")))?;
    let model = TabularModel::from_files(&files, &compress::catalogue())?;
    let header = Header::read(&files.tensors[..], files.tensors.len() as u64)?;
    let start = header.tensors.first().map_or(0, |t| t.bytes.start as usize);
    let names = files.paths().into_iter().filter_map(|path| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        path.exists().then_some(name)
    });
    Ok(Report::Model(Model {
        task: report::task(model.target.task()),
        target: model.target.column().to_owned(),
        classes: model.target.classes().map(<[String]>::to_vec),
        columns: model
            .features
            .columns()
            .iter()
            .map(report::feature)
            .collect(),
        files: names.collect(),
        tensors: tensors(&header, &files.tensors[start..])?,
    }))
}

fn csv(reader: impl Read, shown: &str, options: &ReadOptions) -> Result<Report> {
    let table = Table::read(reader, shown, options)?;
    let column = |c: &lepton::tabular::Column| Column {
        name: c.name.clone(),
        kind: c.cells.type_name(),
        missing: c.cells.missing(),
    };
    Ok(Report::Csv {
        rows: table.rows(),
        columns: table.columns().iter().map(column).collect(),
    })
}
