//! The lines that `compare` and the peers' programs print.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One case timed by one engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// The engine.
    pub peer: String,
    /// The case's name.
    pub case: String,
    /// Threads it ran on.
    pub threads: usize,
    /// The median sample.
    pub ns_per_iter: f64,
    /// The shortest sample.
    pub ns_best: f64,
    /// GFLOP/s of the shortest sample, where the case counts them.
    #[serde(default)]
    pub gflops_best: Option<f64>,
    /// GB/s of the shortest sample, where the case counts them.
    #[serde(default)]
    pub gbps_best: Option<f64>,
    /// The fingerprint of the machine, where it was noted.
    #[serde(default)]
    pub machine: Option<String>,
}

impl Timed {
    /// True where an engine did a case that lepton is compared in: neither one of the machine's
    /// limits, nor a form with a result made beforehand.
    pub fn is_peer(&self) -> bool {
        !matches!(self.peer.as_str(), "lepton" | "machine" | "torch-out")
    }
}

/// The best row of each case, engine and number of threads.
#[derive(Debug, Default)]
pub struct Best(BTreeMap<(String, usize), Vec<Timed>>);

impl Best {
    /// Keeps of `rows` the shortest of each kind.
    pub fn of(rows: Vec<Timed>) -> Best {
        let mut best = Best::default();
        for row in rows {
            let key = (row.case.clone(), row.threads);
            let same = best.0.entry(key).or_default();
            match same.iter_mut().find(|r| r.peer == row.peer) {
                Some(kept) if kept.ns_best <= row.ns_best => {}
                Some(kept) => *kept = row,
                None => same.push(row),
            }
        }
        best
    }

    /// lepton's row.
    pub fn ours(&self, case: &str, threads: usize) -> Option<&Timed> {
        self.all(case, threads).find(|r| r.peer == "lepton")
    }

    /// The fastest peer's row.
    pub fn theirs(&self, case: &str, threads: usize) -> Option<&Timed> {
        let peers = self.all(case, threads).filter(|r| r.is_peer());
        peers.min_by(|a, b| a.ns_best.total_cmp(&b.ns_best))
    }

    /// The rows of one case.
    pub fn all(&self, case: &str, threads: usize) -> impl Iterator<Item = &Timed> {
        let rows = self.0.get(&(case.to_owned(), threads));
        rows.into_iter().flatten()
    }

    /// Cases that lepton has a row of on so many threads.
    pub fn cases(&self, threads: usize) -> Vec<&str> {
        let ours = |rows: &Vec<Timed>| rows.iter().any(|r| r.peer == "lepton");
        let kept = self.0.iter().filter(|((_, t), r)| *t == threads && ours(r));
        kept.map(|((case, _), _)| case.as_str()).collect()
    }

    /// The highest rate of multiply-adds that any program reached, in GFLOP/s of f32.
    pub fn peak(&self, threads: usize) -> Option<f64> {
        let rates = self.all("fma_peak", threads).filter_map(|r| r.gflops_best);
        rates.max_by(f64::total_cmp)
    }
}
