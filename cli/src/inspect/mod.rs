//! `lepton inspect`: what a file holds, read the way a suspicious reader does.

mod report;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use lepton::nn::files::{self, safetensors::Header};
use lepton::tabular::{ReadOptions, Table};
use lepton::{Error, Result};

use crate::args::InspectArgs;
use crate::console::Console;
use report::{Column, Report, Sum, Tensor};

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
}

fn inspect(args: &InspectArgs) -> Result<Report> {
    let shown = args.file.display().to_string();
    let mut file = files::open(&args.file)?;
    let mut head = Vec::new();
    let refuse = |e: std::io::Error| Error::io(format!("cannot read `{shown}`"), &e);
    (&mut file)
        .take(64)
        .read_to_end(&mut head)
        .map_err(refuse)?;
    match format(&args.file, &head).map_err(|e| e.at(&shown))? {
        Format::Safetensors => safetensors(file).map_err(|e| e.at(&shown)),
        Format::Csv => csv(head.chain(file), &shown, args.categorical.clone()),
    }
}

/// Files that are known by their first bytes, and that lepton does not read.
const OTHERS: [(&[u8], &str); 9] = [
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"GGUF", "a GGUF model"),
    (b"PK\x03\x04", "a zip archive (.npz, .pt, .xlsx)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"\x1F\x8B", "a gzip file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
];

/// What the file is: by its first bytes if they are telling, then by its name.
fn format(path: &Path, head: &[u8]) -> Result<Format> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let extension = extension.to_ascii_lowercase();
    // The magic of another format may be the length of a safetensors header.
    let is_header = head.get(8) == Some(&b'{');
    let other = OTHERS.iter().find(|(magic, _)| head.starts_with(magic));
    match (extension.as_str(), other) {
        ("safetensors", _) => Ok(Format::Safetensors),
        (_, Some((_, kind))) if !is_header => Err(cannot_vouch(kind)),
        ("csv" | "tsv" | "txt", _) => Ok(Format::Csv),
        ("npy" | "npz" | "gguf" | "pt" | "pth" | "onnx" | "h5" | "pkl", _) => {
            Err(cannot_vouch(&format!("called .{extension}")))
        }
        _ if is_header => Ok(Format::Safetensors),
        _ if head.contains(&0) => Err(cannot_vouch("of a kind that is not known")),
        _ => Ok(Format::Csv),
    }
}

fn cannot_vouch(kind: &str) -> Error {
    Error::unsupported(format!(
        "the file is {kind}, and lepton cannot vouch for it; it reads .safetensors and .csv"
    ))
}

fn safetensors(mut file: File) -> Result<Report> {
    let broken = |e: std::io::Error| Error::io("the file cannot be read", &e);
    let length = file.seek(SeekFrom::End(0)).map_err(broken)?;
    file.rewind().map_err(broken)?;
    let mut reader = BufReader::new(file);
    let header = Header::read(&mut reader, length)?;
    // The header's tensors tile the data in order, so one pass reads them all.
    let tensor = |t: lepton::nn::files::safetensors::Entry| -> Result<Tensor> {
        let sum = t.stored.sum(&mut reader, t.bytes.end - t.bytes.start);
        let sum = sum.map_err(|e| e.at(format!("tensor `{}`", t.name.escape_debug())))?;
        Ok(Tensor {
            name: t.name,
            dtype: t.stored.to_string(),
            shape: t.shape,
            sum: Sum::from(sum),
        })
    };
    let tensors: Result<Vec<Tensor>> = header.tensors.into_iter().map(tensor).collect();
    Ok(Report::Safetensors { tensors: tensors? })
}

fn csv(reader: impl Read, shown: &str, categorical: Vec<String>) -> Result<Report> {
    let table = Table::read(reader, shown, &ReadOptions { categorical })?;
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
