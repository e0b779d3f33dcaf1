//! The table a model is trained on, and what identifies it.

use std::path::Path;

use lepton::Result;
use lepton::nn::files::{self, Hashed};
use lepton::tabular::{CellFormat, Table};

use crate::args::TrainArgs;

/// The table, and what identifies it.
pub(super) struct Source {
    pub(super) table: Table,
    /// The file's name without its folders, which are nobody's business.
    pub(super) name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub(super) hash: String,
    /// How its cells are written.
    pub(super) cells: CellFormat,
}

impl Source {
    pub(super) fn read(args: &TrainArgs) -> Result<Source> {
        let shown = args.data.display().to_string();
        let options = args.cells.options(&CellFormat::default());
        let mut file = Hashed::new(files::open(&args.data)?);
        let table = Table::read(&mut file, &shown, &options)?; // to its end
        Ok(Source {
            table,
            name: base_name(&args.data),
            hash: file.finish(),
            cells: options.cells,
        })
    }
}

fn base_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into()
}
