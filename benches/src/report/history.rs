//! Rows sorted into what may be compared.

use std::collections::BTreeMap;

use crate::machine::{Fingerprint, Roof};
use crate::row::Row;
use crate::stats::far;

/// All that was measured on one machine, at one SIMD level, on so many threads.
pub(super) struct Section<'a> {
    pub(super) machine: Fingerprint,
    pub(super) simd: String,
    pub(super) threads: usize,
    /// The limits of the last run.
    pub(super) roof: Roof,
    /// In the order of their identifiers.
    pub(super) kernels: Vec<Kernel<'a>>,
}

/// One kernel over time.
pub(super) struct Kernel<'a> {
    /// Its rows, in the order of their lines; there is at least one.
    pub(super) rows: Vec<&'a Row>,
}

pub(super) fn sections(rows: &[Row]) -> Vec<Section<'_>> {
    let mut found: Vec<Section<'_>> = Vec::new();
    let mut kernels: Vec<BTreeMap<&str, Vec<&Row>>> = Vec::new();
    for row in rows {
        let same = |s: &Section<'_>| {
            s.machine == row.machine && s.simd == row.simd && s.threads == row.threads
        };
        let at = found.iter().position(same).unwrap_or_else(|| {
            found.push(Section {
                machine: row.machine.clone(),
                simd: row.simd.clone(),
                threads: row.threads,
                roof: row.roof,
                kernels: Vec::new(),
            });
            kernels.push(BTreeMap::new());
            found.len() - 1
        });
        found[at].roof = row.roof;
        kernels[at].entry(&row.id).or_default().push(row);
    }
    for (section, kernels) in found.iter_mut().zip(kernels) {
        section.kernels = kernels.into_values().map(|rows| Kernel { rows }).collect();
    }
    found
}

impl Section<'_> {
    /// The revision of the last row, for people.
    pub(super) fn commit(&self) -> String {
        let rows = self.kernels.iter().flat_map(|k| &k.rows);
        let last = rows.max_by(|a, b| a.time.cmp(&b.time));
        last.map_or(String::new(), |r| format!("last revision {}", short(r)))
    }
}

/// A row's revision in eight digits, with a plus where files differed from it.
pub(super) fn short(row: &Row) -> String {
    let commit = row.commit.as_deref().unwrap_or("none");
    let plus = if row.dirty { "+" } else { "" };
    format!("{}{plus}", &commit[..commit.len().min(8)])
}

impl Kernel<'_> {
    pub(super) fn last(&self) -> &Row {
        self.rows[self.rows.len() - 1]
    }

    /// The identifier without level and threads, which the section has.
    pub(super) fn name(&self) -> &str {
        let id = &self.last().id;
        let end = id.rmatch_indices('/').nth(1).map_or(id.len(), |(i, _)| i);
        &id[..end]
    }

    /// The last change of the shortest sample, as a share; `None` at the first row.
    pub(super) fn change(&self) -> Option<f64> {
        self.changes().last().copied()
    }

    /// Whether the last change exceeds what this kernel's own history shows: the third quartile of
    /// its changes and three times their spread; while the history is short, the samples' spread.
    pub(super) fn is_news(&self) -> bool {
        let changes = self.changes();
        let Some((last, earlier)) = changes.split_last() else {
            return false;
        };
        let row = self.last();
        let samples = (6.0 * row.ns_mad / row.ns_median).max(0.02);
        let sizes: Vec<f64> = earlier.iter().map(|c| c.abs()).collect();
        let usual = if sizes.len() < 4 {
            samples
        } else {
            far(&sizes).max(0.01)
        };
        last.abs() > usual
    }

    fn changes(&self) -> Vec<f64> {
        let pairs = self.rows.windows(2);
        pairs.map(|w| w[1].ns_min / w[0].ns_min - 1.0).collect()
    }
}
